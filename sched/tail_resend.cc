#include "sched/tail_resend.hh"

#include <algorithm>

#include "engine/base/must.hh"
#include "sched/lane.hh"

namespace weft::sched {
namespace {

base::Duration doubt_of(const LaneView& here, const LaneView& there) {
  return std::max(here.rttvar, there.rttvar) + TailResend::kGainMin;
}

bool is_late(const SentPacket& packet, const LaneView& here, const LaneView& there, base::Instant now) {
  const base::Duration doubt = doubt_of(here, there);
  const base::Instant acked_here = packet.sent + here.srtt;
  return acked_here > now + there.srtt + doubt || acked_here + doubt < now;
}

}  // namespace

std::optional<TailResend::Copy> TailResend::next(std::span<const LaneView> views, std::span<const Lane* const> lanes,
                                                 base::Instant now,
                                                 base::FunctionRef<bool(const SentPacket&)> may_copy) noexcept {
  MUST(views.size() == lanes.size());
  MUST(views.size() <= cursors_.size());
  const int to = lowest_srtt(views, best_rank(views), true);
  if (to == kNoLane) return std::nullopt;
  const LaneView& there = views[static_cast<std::size_t>(to)];
  const auto worth_it = [&](const SentPacket* packet, const LaneView& here) {
    return packet != nullptr && packet->state == SentState::kInFlight && packet->kind == SentKind::kChunk &&
           is_late(*packet, here, there, now) && may_copy(*packet);
  };
  std::uint32_t walked = 0;
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (static_cast<int>(i) == to || views[i].queued_bytes == 0 ||
        views[i].srtt <= there.srtt + doubt_of(views[i], there))
      continue;
    Cursor& cursor = cursors_[i];
    if (cursor.end != lanes[i]->sent_end()) cursor = {lanes[i]->sent_end(), lanes[i]->sent_end()};
    while (cursor.below > lanes[i]->unsettled_begin() && walked < kWalkMax) {
      ++walked;
      const SentPacket* packet = lanes[i]->sent_packet(--cursor.below);
      if (worth_it(packet, views[i])) return Copy{to, packet};
    }
    const SentPacket* oldest = lanes[i]->oldest_unsettled();
    if (worth_it(oldest, views[i])) return Copy{to, oldest};
  }
  return std::nullopt;
}

}  // namespace weft::sched
