#include "sched/ecf.hh"

#include <algorithm>

#include "sched/arith.hh"

namespace weft::sched {
namespace {

Wide wide(base::Duration time) { return static_cast<std::uint64_t>(std::max<std::int64_t>(time.ns, 0)); }

}  // namespace

int Ecf::pick(std::span<const LaneView> lanes, int rank, std::uint64_t unsent_bytes) noexcept {
  const int with_credit = lowest_srtt(lanes, rank, true);
  if (with_credit == kNoLane) return kNoLane;
  const LaneView& fast = lanes[static_cast<std::size_t>(lowest_srtt(lanes, rank, false))];
  const LaneView& slow = lanes[static_cast<std::size_t>(with_credit)];
  if (fast.can_send) return with_credit;
  // Bounds: round trips of a minute (2^36 ns), 2^50 bytes unsent, windows of 2^40: products stay below 2^92.
  const base::Duration spread = std::max(fast.rttvar, slow.rttvar);
  const std::uint64_t all_fast = std::max(unsent_bytes, fast.window_bytes) + fast.window_bytes;
  const bool sooner = 4 * wide(fast.srtt) * all_fast <
                      wide(slow.srtt + spread) * fast.window_bytes * (waiting_ ? 5u : 4u);
  if (!sooner) {
    waiting_ = false;
    return with_credit;
  }
  const bool much_slower = wide(slow.srtt) * std::max(unsent_bytes, slow.window_bytes) >=
                           wide(2 * fast.srtt + spread) * slow.window_bytes;
  if (!much_slower) return with_credit;
  waiting_ = true;
  return kNoLane;
}

}  // namespace weft::sched
