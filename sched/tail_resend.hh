// The end of a transfer: nothing is left to send, and a slow lane still has chunks on its way that a quick one, idle by
// now, would deliver earlier. Names such chunks, one at a time, for a second copy.
//
// A chunk that left a lane at t is acknowledged at about t + srtt of that lane (its queue is in its srtt); a copy that
// leaves now, at about now + srtt of the other. It is worth a copy when the first lies later than the second by more
// than the larger rttvar of both and kGainMin, or when it is overdue by as much (it may be lost, and the lane does not
// know yet).
// The newest first: they are the ones that arrive last. The oldest mostly have arrived, and only their ack is on its
// way; a copy of these alone would not end the transfer any earlier.
//
// Owner: one data core, one per session. Cost: O(lanes) and at most kWalkMax packets per call. No allocation.
// Not here: whether a chunk may be sent again (it was acknowledged, it has a copy already), and the budget.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/function_ref.hh"
#include "engine/base/limits.hh"
#include "engine/base/time.hh"
#include "sched/in_flight.hh"
#include "sched/lane_view.hh"

namespace weft::sched {

class TailResend {
 public:
  static constexpr std::uint32_t kWalkMax = 64;
  // Lanes of a LAN differ by less, and their queues run empty all the time in mid-transfer.
  static constexpr base::Duration kGainMin = base::milliseconds(1);

  struct Copy {
    int to = kNoLane;               // place in `views`
    const SentPacket* packet = nullptr;   // valid until the lane that sent it is called
  };
  // `lanes` beside `views`. `may_copy`: for kChunk packets only; true when the caller would send it again.
  // nullopt: nothing to gain now; ask again next turn.
  [[nodiscard]] std::optional<Copy> next(std::span<const LaneView> views, std::span<const Lane* const> lanes,
                                         base::Instant now,
                                         base::FunctionRef<bool(const SentPacket&)> may_copy) noexcept;

 private:
  // How far down a lane was walked, from which end of its numbers.
  struct Cursor {
    std::uint64_t end = 0, below = 0;
  };
  std::array<Cursor, base::kPathsPerSessionMax> cursors_{};
};

}  // namespace weft::sched
