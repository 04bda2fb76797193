// Earliest completion first (Lim et al., "ECF: An MPTCP Path Scheduler to Manage Heterogeneous Paths", CoNEXT 2017):
// the quickest lane takes the chunk; when it is full, the next quickest takes it only if all that waits would not be
// through earlier by waiting for the quickest. With f the quickest lane, s the quickest with credit, k the unsent
// bytes, W a window, d = max(rttvar_f, rttvar_s):
//   A  srtt_f (max(k, W_f) + W_f) < W_f (srtt_s + d) (1 + waiting / 4)     the quickest would have it all through first
//   B  srtt_s max(k, W_s) >= W_s (2 srtt_f + d)                           and the other would be slower by a round trip
//   A and B: wait. Not A: stop waiting, use s. A without B: use s.
// `waiting` is hysteresis: who has begun to wait goes on until it is worse by a quarter.
// Owner: one data core. Cost: O(lanes), two 128-bit products a side, no division.
#pragma once

#include <cstdint>
#include <span>

#include "sched/lane_view.hh"

namespace weft::sched {

class Ecf {
 public:
  // The lane for the next chunk of `unsent_bytes` that wait in all; kNoLane: none has credit, or waiting is better.
  [[nodiscard]] int pick(std::span<const LaneView> lanes, int rank, std::uint64_t unsent_bytes) noexcept;

 private:
  bool waiting_ = false;
};

}  // namespace weft::sched
