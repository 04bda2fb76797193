// Turns in proportion to weights (smooth weighted round-robin: at each turn every lane earns its weight, the richest
// takes the turn and pays the sum, so that 3 : 1 comes out as a a b a, never as a a a b).
// A lane without credit (full) goes on earning while others take the turns, up to kTurnsKept turns, and takes these
// when it has room again. So it does not lose its share by being full for a moment, and holds nobody back: where all
// lanes together are the limit, each is full most of the time, takes all it can, and weights say nothing. That is
// meant: the sum of the ports goes before the split.
// Owner: one data core. Accounts go by place in the list of lanes; a list that changes gets at most kTurnsKept turns
// wrong. Cost: O(lanes), no division, no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/base/limits.hh"
#include "sched/lane_view.hh"

namespace weft::sched {

class WeightedTurns {
 public:
  // A pacer's burst and a few acks: what a lane is kept from by being full for a moment.
  static constexpr std::int64_t kTurnsKept = 64;

  using WeightOf = std::uint32_t (*)(const LaneView& lane) noexcept;   // 1 …
  // The lane in play whose turn it is, of those with credit; kNoLane, and nothing changes, when none has.
  [[nodiscard]] int take(std::span<const LaneView> lanes, int rank, WeightOf weight_of) noexcept;

 private:
  std::array<std::int64_t, base::kPathsPerSessionMax> earned_{};
};

}  // namespace weft::sched
