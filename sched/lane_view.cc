#include "sched/lane_view.hh"

#include <algorithm>

#include "sched/lane.hh"

namespace weft::sched {
namespace {

// A path that is being left fills only so much of its window, but one packet always goes.
bool fits_part(const Lane& lane, std::uint16_t part, std::uint32_t packet_bytes) noexcept {
  if (part >= share::kWholeWindow) return true;
  const std::uint64_t room = lane.window_bytes() / share::kWholeWindow * part;
  return lane.in_flight_bytes() + packet_bytes <= room || lane.in_flight_bytes() == 0;
}

}  // namespace

LaneView view_of(const Lane& lane, const share::PathEntry& path, bool validated,
                 std::uint32_t packet_bytes, base::Instant now) noexcept {
  return {.usable = validated && share::is_usable(path.state) && lane.answering(),
          .can_send = lane.can_send(packet_bytes, now) && fits_part(lane, path.part, packet_bytes),
          .backup = path.role == share::PathRole::kBackup,
          .state = path.state,
          .rate_Bps = lane.bandwidth_Bps(),
          .srtt = lane.srtt(),
          .rttvar = lane.rttvar(),
          .queued_bytes = lane.in_flight_bytes(),
          .window_bytes = lane.window_bytes(),
          .weight = path.weight,
          .score = path.score};
}

LaneSurvey survey_of(std::span<const LaneView> lanes) noexcept {
  LaneSurvey survey;
  for (const LaneView& lane : lanes) {
    if (!lane.usable || rank_of(lane) > survey.rank) continue;
    if (rank_of(lane) < survey.rank) survey = {.rank = rank_of(lane), .in_paths = 0};
    survey.in_paths += Wide{lane.rate_Bps} * static_cast<std::uint64_t>(lane.srtt.ns);
  }
  return survey;
}

int best_rank(std::span<const LaneView> lanes) noexcept {
  int best = kRanks;
  for (const LaneView& lane : lanes)
    if (lane.usable) best = std::min(best, rank_of(lane));
  return best;
}

int lowest_srtt(std::span<const LaneView> lanes, int rank, bool with_credit) noexcept {
  int best = kNoLane;
  for (std::size_t i = 0; i < lanes.size(); ++i)
    if (in_play(lanes[i], rank) && (lanes[i].can_send || !with_credit) &&
        (best == kNoLane || lanes[i].srtt < lanes[static_cast<std::size_t>(best)].srtt))
      best = static_cast<int>(i);
  return best;
}

}  // namespace weft::sched
