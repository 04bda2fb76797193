// A lane as the picker sees it, and what all policies agree on: ranks.
//   rank 0  active paths; 1  standby and backup ones; 2  suspect ones. A lane of a worse rank is used only when no lane
//   of a better rank is usable at all, not when these are merely full.
// Values, made anew each turn. Pure. Not here: the choice among lanes of one rank (picker.hh).
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/time.hh"
#include "engine/base/types.hh"
#include "engine/share/table.hh"
#include "sched/arith.hh"

namespace weft::sched {

class Lane;

struct LaneView {
  bool usable = false;            // exists, validated, answering, in a state that may carry data
  bool can_send = false;          // Lane::can_send() for the packet at hand
  bool backup = false;
  share::PathState state = share::PathState::kAbsent;
  std::uint64_t rate_Bps = 0;     // 0: not measured yet
  base::Duration srtt{}, rttvar{};
  std::uint64_t queued_bytes = 0; // sent and not acknowledged
  std::uint64_t window_bytes = 0;
  std::uint8_t weight = share::kWeightDefault;
  std::uint8_t score = 100;       // 0 … 100, 100 best
  base::PortId port{};            // ours
};

// How a lane looks to the picker. `validated`: the peer answered a challenge on this lane.
[[nodiscard]] LaneView view_of(const Lane& lane, const share::PathEntry& path, bool validated,
                               std::uint32_t packet_bytes, base::Instant now) noexcept;

inline constexpr int kRanks = 3;
inline constexpr int kNoLane = -1;

[[nodiscard]] constexpr int rank_of(const LaneView& lane) noexcept {
  if (lane.state == share::PathState::kSuspect) return 2;
  return lane.state == share::PathState::kActive && !lane.backup ? 0 : 1;
}
// What stays as it is while the packets of a turn are handed out.
struct LaneSurvey {
  int rank = kRanks;              // the best that has a usable lane
  Wide in_paths = 0;              // sum of rate x srtt over the lanes of that rank: bytes x 10^9
};
[[nodiscard]] LaneSurvey survey_of(std::span<const LaneView> lanes) noexcept;
// The best rank that has a usable lane; kRanks when none has.
[[nodiscard]] int best_rank(std::span<const LaneView> lanes) noexcept;
[[nodiscard]] constexpr bool in_play(const LaneView& lane, int rank) noexcept {
  return lane.usable && rank_of(lane) == rank;
}
// The lane in play with the lowest srtt, of those with credit only where `with_credit`; kNoLane when there is none.
[[nodiscard]] int lowest_srtt(std::span<const LaneView> lanes, int rank, bool with_credit) noexcept;

}  // namespace weft::sched
