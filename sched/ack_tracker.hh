// The receiving half of a lane: which packet numbers came in, and when the peer must be told.
// Owner: one data core. Time: `now` from the caller. Bounds: kRangesMax ranges; no allocation.
// Cost: amortised O(1) for packets in order, O(kRangesMax) for the others.
//
// When an ACK is due (RFC 9000 13.2, with a LAN's constants): kAckEvery ack-eliciting packets came,
// or one came out of order or opened a gap (the sender's loss detection waits for exactly this), or
// kAckDelayMax passed.
// A packet that elicits no ack is remembered and acknowledged along with others, but never makes an
// ACK due.
//
// Not here: duplicates. The replay window drops them before; a number told twice changes nothing
// here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/base/time.hh"
#include "engine/wire/frame.hh"

namespace weft::sched {

// 1 ms: a LAN round trip is shorter, and the peer adds it to its probe timeout (RFC 9002 6.2.1).
inline constexpr base::Duration kAckDelayMax = base::milliseconds(1);
// One ACK for 32 packets costs under 1 % of a core; the initial window (congestion.hh) is
// as large, so the first flight is acknowledged at once.
inline constexpr std::uint32_t kAckEvery = 32;

class AckTracker {
 public:
  static constexpr std::size_t kRangesMax = 64;

  // An authentic packet came. Full: the oldest range is forgotten; a packet older than all of a
  // full table is not remembered (its sender declared it lost long ago).
  void on_received(std::uint64_t packet_number, bool ack_eliciting, base::Instant now) noexcept;

  // True when an ACK should go out in this turn.
  [[nodiscard]] bool due(base::Instant now) const noexcept { return next_deadline() <= now; }
  // The instant at which due() becomes true by itself; in the past when it is; kNever with nothing
  // to tell.
  [[nodiscard]] base::Instant next_deadline() const noexcept;
  // True when an ACK would tell the peer something new, due or not: worth adding to a packet that
  // goes anyway.
  [[nodiscard]] bool pending() const noexcept { return eliciting_since_ack_ > 0; }

  // Writes largest, delay and the newest ranges, and takes the ACK as sent: call it only with a
  // packet in hand.
  // False, and nothing written, when no packet was ever received. `out.path` is the caller's.
  [[nodiscard]] bool fill(wire::Ack& out, base::Instant now) noexcept;

  // The peer acknowledged a packet of ours that carried an ACK whose largest was this: what it
  // covered needs no further telling. The largest number ever received stays.
  void forget_up_to(std::uint64_t packet_number) noexcept;

  [[nodiscard]] std::size_t range_count() const noexcept { return count_; }

 private:
  void insert(std::uint64_t packet_number) noexcept;
  void erase(std::size_t at) noexcept;

  // Oldest first, disjoint, with at least one missing number between neighbours.
  std::array<wire::AckRange, kRangesMax> ranges_;
  std::size_t count_ = 0;
  base::Instant largest_at_{};         // when the largest number came: delay counts from it
  base::Instant eliciting_at_{};       // when the oldest ack-eliciting packet not yet told came
  std::uint32_t eliciting_since_ack_ = 0;
  bool at_once_ = false;
};

}  // namespace weft::sched
