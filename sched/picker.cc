#include "sched/picker.hh"

#include <algorithm>

#include "sched/arith.hh"
#include "sched/lane.hh"

namespace weft::sched {
namespace {

constexpr int kRanks = 3;
constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

int rank_of(const LaneView& lane) {
  if (lane.state == share::PathState::kSuspect) return 2;
  return lane.state == share::PathState::kActive && !lane.backup ? 0 : 1;
}

// The best rank that has a usable lane; kRanks when none has.
int best_rank(std::span<const LaneView> lanes) {
  int best = kRanks;
  for (const LaneView& lane : lanes)
    if (lane.usable) best = std::min(best, rank_of(lane));
  return best;
}

bool in_play(const LaneView& lane, int rank) { return lane.usable && rank_of(lane) == rank; }

// (Qa + L) / Ba + srtt_a / 2 < (Qb + L) / Bb + srtt_b / 2, both rates known. Multiplied out by 2 Ba
// Bb: rates and queues of 2^38 bytes and round trips of a minute leave the sums below 2^116.
bool arrives_earlier(const LaneView& a, const LaneView& b, std::uint32_t bytes) {
  const auto side = [bytes](const LaneView& x, const LaneView& other) {
    return Wide{x.queued_bytes + bytes} * other.rate_Bps * (2 * kNsPerSecond) +
           Wide{x.rate_Bps} * other.rate_Bps * static_cast<std::uint64_t>(x.srtt.ns);
  };
  return side(a, b) < side(b, a);
}

// unsent <= sum of rate x srtt: what is left fits into the paths; from here on arrival order
// counts.
bool is_tail(std::span<const LaneView> lanes, int rank, std::uint64_t unsent_bytes) {
  Wide in_paths = 0;
  for (const LaneView& lane : lanes)
    if (in_play(lane, rank))
      in_paths += Wide{lane.rate_Bps} * static_cast<std::uint64_t>(lane.srtt.ns);
  return Wide{unsent_bytes} * kNsPerSecond <= in_paths;
}

int lowest_srtt(std::span<const LaneView> lanes, int rank) {
  int best = Picker::kNone;
  for (std::size_t i = 0; i < lanes.size(); ++i)
    if (in_play(lanes[i], rank) && lanes[i].can_send &&
        (best == Picker::kNone || lanes[i].srtt < lanes[static_cast<std::size_t>(best)].srtt))
      best = static_cast<int>(i);
  return best;
}

int first_usable(std::span<const LaneView> lanes, int rank) {
  for (std::size_t i = 0; i < lanes.size(); ++i)
    if (in_play(lanes[i], rank)) return lanes[i].can_send ? static_cast<int>(i) : Picker::kNone;
  return Picker::kNone;
}

}  // namespace

LaneView view_of(const Lane& lane, const share::PathEntry& path, bool validated,
                 std::uint32_t packet_bytes, base::Instant now) noexcept {
  const bool carries_data = path.state == share::PathState::kActive ||
                            path.state == share::PathState::kStandby ||
                            path.state == share::PathState::kSuspect;
  return {.usable = validated && carries_data && lane.answering(),
          .can_send = lane.can_send(packet_bytes, now),
          .backup = path.role == share::PathRole::kBackup,
          .state = path.state,
          .rate_Bps = lane.bandwidth_Bps(),
          .srtt = lane.srtt(),
          .rttvar = lane.rttvar(),
          .queued_bytes = lane.in_flight_bytes()};
}

int Picker::pick(std::span<const LaneView> lanes, std::uint64_t unsent_bytes,
                 std::uint32_t packet_bytes) noexcept {
  const int rank = best_rank(lanes);
  if (rank == kRanks) return kNone;
  switch (policy_) {
    case share::Policy::kRate: return pick_rate(lanes, rank, unsent_bytes, packet_bytes);
    case share::Policy::kMinRtt: return lowest_srtt(lanes, rank);
    case share::Policy::kRoundRobin: return pick_in_turn(lanes, rank);
    case share::Policy::kActiveBackup: return first_usable(lanes, rank);
  }
  return kNone;
}

int Picker::pick_rate(std::span<const LaneView> lanes, int rank, std::uint64_t unsent_bytes,
                      std::uint32_t packet_bytes) noexcept {
  if (!is_tail(lanes, rank, unsent_bytes)) return pick_in_turn(lanes, rank);
  if (++tail_picks_ % kExploreOneIn == 0) {
    for (std::size_t i = 0; i < lanes.size(); ++i)
      if (in_play(lanes[i], rank) && lanes[i].can_send && lanes[i].queued_bytes == 0)
        return static_cast<int>(i);
  }
  int best = kNone;  // of the lanes of known rate, with credit or without
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    const LaneView& lane = lanes[i];
    if (!in_play(lane, rank)) continue;
    if (lane.rate_Bps == 0) {
      if (lane.can_send) return static_cast<int>(i);
      continue;
    }
    if (best == kNone || arrives_earlier(lane, lanes[static_cast<std::size_t>(best)], packet_bytes))
      best = static_cast<int>(i);
  }
  // The lane that delivers first takes it, or nobody: one with credit now would still be later.
  return best != kNone && lanes[static_cast<std::size_t>(best)].can_send ? best : kNone;
}

int Picker::pick_in_turn(std::span<const LaneView> lanes, int rank) noexcept {
  for (std::size_t step = 0; step < lanes.size(); ++step) {
    const std::size_t i = (turn_ + step) % lanes.size();
    if (!in_play(lanes[i], rank) || !lanes[i].can_send) continue;
    turn_ = i + 1;
    return static_cast<int>(i);
  }
  return kNone;
}

int Picker::pick_control(std::span<const LaneView> lanes) noexcept {
  const auto control_rank = [](const LaneView& lane) { return rank_of(lane) == 2 ? 1 : 0; };
  int best = kNone;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    if (!lanes[i].usable) continue;
    const LaneView& lane = lanes[i];
    if (best != kNone) {
      const LaneView& than = lanes[static_cast<std::size_t>(best)];
      if (control_rank(lane) > control_rank(than)) continue;
      if (control_rank(lane) == control_rank(than) && lane.srtt >= than.srtt) continue;
    }
    best = static_cast<int>(i);
  }
  if (best == kNone) return control_ = kNone;
  const auto last = static_cast<std::size_t>(control_);
  const bool last_will_do =
      control_ != kNone && last < lanes.size() && lanes[last].usable &&
      control_rank(lanes[last]) == control_rank(lanes[static_cast<std::size_t>(best)]) &&
      4 * lanes[last].srtt <= 5 * lanes[static_cast<std::size_t>(best)].srtt;
  if (!last_will_do) control_ = best;
  return control_;
}

}  // namespace weft::sched
