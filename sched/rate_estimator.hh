// How fast a lane delivers, in bytes per second (draft-cheng-iccrg-delivery-rate-estimation).
// Each packet remembers how much had been delivered when it left; when its ack comes, the
// difference over the longer of the send interval and the ack interval is one sample. The longer,
// because acks may be bunched and sends may be too.
// Samples over less than the smallest round trip are thrown away (bunching), samples of a lane that
// had nothing to send count only where they raise the estimate.
// Two figures: bandwidth_Bps(), the largest sample of the last kRounds round trips: what the lane
// can do, for the picker; smoothed_Bps(): what it does, for people.
// Owner: one data core.
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/time.hh"
#include "sched/in_flight.hh"

namespace weft::sched {

// What one ACK says about the path, from its newest packet: the interval reaches from that packet's sending to now.
struct RateSample {
  bool any = false;                       // the ACK was of a packet that elicits acks
  std::uint64_t rate_Bps = 0;             // 0: too short an interval to tell
  std::uint64_t delivered_bytes = 0;      // in the interval
  std::uint64_t delivered_before = 0;     // until the packet left
  std::uint64_t in_flight_bytes = 0;      // when it left, with it
  std::uint32_t lost_before = 0;          // for RateEstimator::lost_since()
  bool app_limited = false;
};

class RateEstimator {
 public:
  static constexpr std::uint32_t kRounds = 10;

  // Stamps a packet that leaves now. `bytes_in_flight` before it.
  void on_sent(SentPacket& packet, std::uint64_t bytes_in_flight, base::Instant now) noexcept;
  // The queue ran dry while the lane could have sent more.
  void on_app_limited(std::uint64_t bytes_in_flight) noexcept;

  // One ACK frame: on_acked() for each newly acknowledged packet that elicits acks, then finish().
  void on_acked(const SentPacket& packet, base::Instant now) noexcept;
  RateSample finish(base::Duration rtt_min, bool round_ended) noexcept;
  // A packet was declared lost.
  void on_lost(std::uint32_t bytes) noexcept { lost_ += bytes; }
  // Bytes declared lost since a packet left that remembers `lost_before`.
  [[nodiscard]] std::uint32_t lost_since(std::uint32_t lost_before) const noexcept { return lost_ - lost_before; }

  // The path changed: its figures say nothing any more. What was delivered stays counted.
  void forget() noexcept;

  [[nodiscard]] std::uint64_t bandwidth_Bps() const noexcept;   // 0 = not measured yet
  [[nodiscard]] std::uint64_t smoothed_Bps() const noexcept { return smoothed_; }
  [[nodiscard]] std::uint64_t delivered_bytes() const noexcept { return delivered_; }
  [[nodiscard]] bool app_limited() const noexcept { return app_limited_until_ != 0; }

 private:
  std::uint64_t delivered_ = 0;
  base::Instant delivered_at_{};
  base::Instant first_sent_{};
  std::uint64_t app_limited_until_ = 0;    // 0: not limited
  std::uint32_t lost_ = 0;
  // The sample of the ACK being handled: its newest packet.
  bool sampling_ = false;
  SentPacket newest_{};
  std::uint64_t smoothed_ = 0;
  std::uint64_t round_ = 0;
  std::array<std::uint64_t, kRounds> best_{};  // largest sample of each of the last rounds
};

}  // namespace weft::sched
