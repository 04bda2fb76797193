// Chooses the lane for the next chunk, and the lane for control frames.
// Owner: one data core, one picker per session. Pure: lanes are shown as values. Cost: O(lanes), no
// allocation; division nowhere, 128-bit products only at the tail.
//
// Ranks come first, whatever the policy: active paths; else standby and backup ones; else suspect
// ones. A lane of a worse rank is used only when no lane of a better rank is usable at all, not
// when these are merely full.
// Then the policy:
//   kRate          work-conserving: any lane with credit, in turn, so that each is fed as fast as
//                  it drains. At the tail (unsent <= sum of rate x srtt) the order of arrival
//                  begins to matter: a lane takes the chunk only if no other usable lane would
//                  deliver it earlier, by (Q + L) / B + srtt / 2. A lane of unknown rate always
//                  takes (else it would never be measured) and makes no other lane wait.
//   kMinRtt        the lowest srtt that has credit.
//   kRoundRobin    in turn, passing over lanes without credit.
//   kActiveBackup  only the first usable lane of the best rank; a better one that returns takes
//                  over again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/base/time.hh"
#include "engine/share/table.hh"

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
};

// How a lane looks to the picker. `validated`: the peer answered a challenge on this lane.
[[nodiscard]] LaneView view_of(const Lane& lane, const share::PathEntry& path, bool validated,
                               std::uint32_t packet_bytes, base::Instant now) noexcept;

class Picker {
 public:
  static constexpr int kNone = -1;
  // At the tail one chunk in so many goes to a lane that has nothing on its way. Without this a lane whose estimates were
  // bad once (a round trip of seconds, measured across an outage) would never be measured again; with it, it costs
  // less than a percent of the tail.
  static constexpr std::uint32_t kExploreOneIn = 128;

  void set_policy(share::Policy policy) noexcept { policy_ = policy; }
  [[nodiscard]] share::Policy policy() const noexcept { return policy_; }

  // Index of the lane for one packet of `packet_bytes`, of `unsent_bytes` that wait in all; kNone
  // when no lane should send now: ask again next turn.
  [[nodiscard]] int pick(std::span<const LaneView> lanes, std::uint64_t unsent_bytes,
                         std::uint32_t packet_bytes) noexcept;
  // The lane for control frames: usable, best rank but standby counts as active, lowest srtt. It
  // stays with its last choice until another is better by a quarter: acks that change their way
  // blur the round-trip times they measure.
  [[nodiscard]] int pick_control(std::span<const LaneView> lanes) noexcept;

 private:
  [[nodiscard]] int pick_rate(std::span<const LaneView> lanes, int rank, std::uint64_t unsent_bytes,
                              std::uint32_t packet_bytes) noexcept;
  [[nodiscard]] int pick_in_turn(std::span<const LaneView> lanes, int rank) noexcept;

  share::Policy policy_ = share::Policy::kRate;
  std::size_t turn_ = 0;          // where the next round starts
  int control_ = kNone;
  std::uint32_t tail_picks_ = 0;
};

}  // namespace weft::sched
