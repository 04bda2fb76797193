// Chooses the lane for the next chunk, and the lane for control frames.
// Owner: one data core, one picker per session. Pure: lanes are shown as values. Cost: O(lanes) for a survey
// per turn, then mostly O(1) per packet of the body, O(lanes) at the tail; no allocation, no division.
//
// Ranks come first, whatever the policy (lane_view.hh). Then the policy:
//   kRate          work-conserving: any lane with credit, in turn, so that each is fed as fast as
//                  it drains. At the tail (unsent <= sum of rate x srtt) the order of arrival
//                  begins to matter. By (Q + L) / B + srtt / 2, the lane that delivers first takes
//                  the chunk; while it is full, the next may only if the chunk is there before all
//                  lanes together would be through with what waits. A lane of unknown rate always
//                  takes (else it would never be measured; a long way round only a few packets) and
//                  makes no other lane wait. What a slow
//                  lane has taken before the tail began: tail_resend.hh.
//   kMinRtt        the lowest srtt that has credit.
//   kEcf           the lowest srtt, also by waiting for it where that ends sooner (ecf.hh).
//   kRoundRobin    in turn, passing over lanes without credit.
//   kWeighted      in turn, by the operator's weights (weighted_turns.hh).
//   kHealth        the same by score: a lane of score 25 gets a quarter of what one of 100 gets.
//   kRedundant     the lowest srtt that has credit; the caller sends a second copy by pick_twin().
//   kActiveBackup  only the first usable lane of the best rank; a better one that returns takes
//                  over again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/share/policy.hh"
#include "sched/ecf.hh"
#include "sched/lane_view.hh"
#include "sched/weighted_turns.hh"

namespace weft::sched {

class Picker {
 public:
  static constexpr int kNone = kNoLane;
  // At the tail one chunk in so many goes to a lane that has nothing on its way. Without this a lane whose estimates were
  // bad once (a round trip of seconds, measured across an outage) would never be measured again; with it, it costs
  // less than a percent of the tail.
  static constexpr std::uint32_t kExploreOneIn = 128;
  // Full queues make the round trips of equal paths differ by as much.
  static constexpr std::int64_t kNearlyAsQuick = 2;

  void set_policy(share::Policy policy) noexcept { policy_ = policy; }
  [[nodiscard]] share::Policy policy() const noexcept { return policy_; }

  // Index of the lane for one packet of `packet_bytes`, of `unsent_bytes` that wait in all; kNone
  // when no lane should send now: ask again next turn. `survey` is of these lanes: credit and queues may have changed since.
  [[nodiscard]] int pick(std::span<const LaneView> lanes, const LaneSurvey& survey, std::uint64_t unsent_bytes,
                         std::uint32_t packet_bytes) noexcept;
  [[nodiscard]] int pick(std::span<const LaneView> lanes, std::uint64_t unsent_bytes, std::uint32_t packet_bytes) noexcept {
    return pick(lanes, survey_of(lanes), unsent_bytes, packet_bytes);
  }
  // The lane for a second copy of what lane `first` has just taken: of its rank, by another port, with credit, the
  // lowest srtt; kNone when there is none.
  [[nodiscard]] int pick_twin(std::span<const LaneView> lanes, int first) const noexcept;
  // The lane for control frames, also where it has no credit: usable, of the best rank, in turn among those that are
  // nearly as quick as the quickest. Not always the quickest: when that one falls silent, everything sent by it is
  // missed until its probe timeout, and a peer that gets no request has nothing to send by the others either.
  [[nodiscard]] int pick_control(std::span<const LaneView> lanes) noexcept;

 private:
  [[nodiscard]] int pick_rate(std::span<const LaneView> lanes, const LaneSurvey& survey, std::uint64_t unsent_bytes,
                              std::uint32_t packet_bytes) noexcept;
  template <typename TakesPart>   // of a LaneView; in the .cc, which alone calls it
  [[nodiscard]] static int pick_in_turn(std::span<const LaneView> lanes, std::size_t& turn, TakesPart takes_part) noexcept;

  share::Policy policy_ = share::Policy::kRate;
  std::size_t turn_ = 0;          // where the next round starts
  std::size_t control_turn_ = 0;
  std::uint32_t tail_picks_ = 0;
  WeightedTurns turns_;
  Ecf ecf_;
};

}  // namespace weft::sched
