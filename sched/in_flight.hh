// What one lane has sent and not yet settled: a ring addressed by packet number.
// Owner: one data core. Bounds: the span given at construction (a power of two) is the number of
// packets that may be unsettled at one time; a full ring is backpressure: the lane may not send
// until acks come.
// Cost: every call O(1), amortised over the packets sent; nothing walks the ring.
//
//   oldest lost        unsettled_                       next_
//      | lost, kept in    | the oldest packet whose      | the next number
//      | case an ack comes| end is not known yet         |
//      v   after all      v                              v
//   ...L...A..A...L..A..A.O..A..O..E..O..O..O..O..O..O...
//
// A packet declared lost is remembered for a while (kLostMax of them): an ack that comes late is
// then seen as what it is, and the caller can stop a second copy that has not left yet.
// Numbers taken and never sent (a full TX queue) leave holes; they count as settled.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/base/must.hh"
#include "engine/base/time.hh"

namespace weft::sched {

enum class SentKind : std::uint8_t {
  kChunk,      // `chunks` chunks in a row: `ref` and `chunk` name the first
  kRequests,   // one or more REQUEST frames: `ref` as the caller likes
  kRejects,
  kControl,    // anything else that elicits an ack: PING, challenges, status
  kAckOnly,    // nothing is lost with it: not counted in flight, not waited for; may be acknowledged all the same.
               // ACKs alone, and probes of the path MTU, which Pmtu waits for
};

enum class SentState : std::uint8_t {
  kHole,       // number never sent, or entry not in use
  kInFlight,   // counted against the window
  kEvacuated,  // handed back at a probe timeout; the number still listens for a late ack
  kLost,       // declared lost
  kAcked,
};

inline constexpr std::uint64_t kNoAck = UINT64_MAX;

// One cache line. The caller sets the first group; the lane sets the rest in on_sent().
struct alignas(64) SentPacket {
  std::uint64_t packet_number = 0;
  std::uint64_t ack_largest = kNoAck;  // largest number of the ACK it carries, kNoAck if none
  std::uint32_t bytes = 0;             // UDP payload
  std::uint32_t ref = 0;               // the caller's: slot word, request id
  std::uint16_t chunk = 0;             // the caller's: chunk index in its extent
  std::uint8_t chunks = 1;             // the caller's: how many from there on
  SentKind kind = SentKind::kControl;
  std::uint8_t ack_path = 0;           // whose packets that ACK is about

  SentState state = SentState::kHole;
  bool app_limited = false;            // sent while there was nothing more to send
  base::Instant sent{};
  // Rate sample (rate_estimator.hh): the state of the lane when this packet left.
  std::uint64_t delivered = 0;         // bytes delivered until then
  std::uint32_t since_first = 0;       // since the send interval began, and since `delivered` was counted:
  std::uint32_t since_delivered = 0;   //   in kSpan, at most UINT32_MAX of them
  std::uint32_t in_flight = 0;         // bytes, this packet included; at most UINT32_MAX
  std::uint32_t lost = 0;              // bytes declared lost until then, modulo 2^32
  static constexpr std::int64_t kSpanNs = 8;   // 34 s fit, which is a silence and not a sample
};
static_assert(sizeof(SentPacket) == 64);

[[nodiscard]] constexpr bool elicits_ack(SentKind kind) { return kind != SentKind::kAckOnly; }

class InFlight {
 public:
  static constexpr std::uint32_t kLostMax = 256;  // bounds the work of one ACK

  // `ring` must outlive this; its size a power of two, at least 4. `first`: no number below it is sent.
  explicit InFlight(std::span<SentPacket> ring, std::uint64_t first = 0) noexcept;

  // True when the packet of this number (end() or above) can be remembered.
  [[nodiscard]] bool has_room(std::uint64_t packet_number) const noexcept {
    return unsettled_ == next_ || packet_number - unsettled_ < ring_.size();
  }
  // Packets that data leaves free, so that two lanes which fill each other's rings can still acknowledge.
  [[nodiscard]] std::uint64_t control_reserve() const noexcept { return ring_.size() / 8 + 1; }
  // Remembers a packet as kInFlight. REQUIRES: has_room(), a number not below end(). May forget
  // lost packets to make room. Returns the entry.
  SentPacket& push(const SentPacket& packet) noexcept;

  // The entry of a number, or nullptr when it was never sent or is no longer remembered.
  [[nodiscard]] SentPacket* find(std::uint64_t packet_number) noexcept;
  [[nodiscard]] const SentPacket* find(std::uint64_t packet_number) const noexcept;

  // Every change of state goes through here; keeps the sums. REQUIRES: packet is an entry,
  // kInFlight or kEvacuated (to any later state) or kLost (to kAcked).
  void settle(SentPacket& packet, SentState state) noexcept;

  // The oldest packet that elicits an ack and is in flight or evacuated; nullptr when there is
  // none.
  [[nodiscard]] const SentPacket* oldest_unsettled() const noexcept {
    return unsettled_ == next_ ? nullptr : &entry(unsettled_);
  }
  // First number not settled; equal to end() when all are.
  [[nodiscard]] std::uint64_t unsettled_begin() const noexcept { return unsettled_; }
  [[nodiscard]] std::uint64_t end() const noexcept { return next_; }  // one above the largest sent

  // Declares evacuated packets lost, oldest first, until half the ring is free: a lane that is
  // silent for long must keep room for its probes. LossDetector counts them when it comes by.
  void shed_evacuated() noexcept;

  // Lost numbers still remembered, oldest first; some may be kAcked by now.
  [[nodiscard]] std::uint32_t lost_count() const noexcept { return lost_count_; }
  [[nodiscard]] SentPacket* lost_at(std::uint32_t index) noexcept;
  // Forgets lost packets sent before `before`.
  void forget_lost(base::Instant before) noexcept;

  // Sums over kInFlight packets that elicit an ack.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint32_t packets() const noexcept { return packets_; }

 private:
  [[nodiscard]] SentPacket& entry(std::uint64_t n) noexcept { return ring_[n & mask_]; }
  [[nodiscard]] const SentPacket& entry(std::uint64_t n) const noexcept { return ring_[n & mask_]; }
  void advance() noexcept;       // moves unsettled_ over what is settled
  void drop_oldest_lost() noexcept;

  std::span<SentPacket> ring_;
  std::uint64_t mask_;
  std::uint64_t unsettled_;
  std::uint64_t next_;
  std::uint64_t bytes_ = 0;
  std::uint32_t packets_ = 0;
  std::uint32_t lost_first_ = 0, lost_count_ = 0;   // a ring of numbers, oldest first
  std::array<std::uint64_t, kLostMax> lost_{};
};

}  // namespace weft::sched
