#include "sched/weighted_turns.hh"

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::sched {

int WeightedTurns::take(std::span<const LaneView> lanes, int rank, WeightOf weight_of) noexcept {
  MUST(lanes.size() <= earned_.size());
  std::int64_t sum = 0;
  int best = kNoLane;
  std::int64_t best_after = 0;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    if (!in_play(lanes[i], rank)) continue;
    const std::int64_t weight = weight_of(lanes[i]);
    MUST(weight > 0);
    sum += weight;
    if (!lanes[i].can_send) continue;
    if (best != kNoLane && earned_[i] + weight <= best_after) continue;
    best = static_cast<int>(i);
    best_after = earned_[i] + weight;
  }
  if (best == kNoLane) return kNoLane;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    if (!in_play(lanes[i], rank)) {
      // It comes back as a newcomer. What it was owed the others owe, so all begin anew.
      if (earned_[i] != 0) earned_.fill(0);
      continue;
    }
    earned_[i] += weight_of(lanes[i]);
    if (static_cast<int>(i) == best) earned_[i] -= sum;
    earned_[i] = std::clamp(earned_[i], -kTurnsKept * sum, kTurnsKept * sum);
  }
  return best;
}

}  // namespace weft::sched
