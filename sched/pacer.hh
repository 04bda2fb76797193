// Spreads a window over the round trip instead of sending it in one burst: a bucket of bytes that
// fills with time.
// Rate: 1.25 window / srtt, 2 window / srtt in slow start (RFC 9002 7.7), so that pacing is never
// the limit by itself.
// Burst: max(16 packets, what the rate earns in max(1 ms, 2 turns)). A poll loop that shares its
// CPU comes round every 50 µs to some milliseconds; a smaller bucket would overflow between two
// turns and throttle the lane.
// Owner: one data core. No division per packet: the rate is kept as bytes per 2^20 ns.
#pragma once

#include <cstdint>

#include "engine/base/time.hh"

namespace weft::sched {

class Pacer {
 public:
  explicit Pacer(std::uint32_t packet_bytes) noexcept;

  // A new window or round-trip time. srtt > 0.
  void set_rate(std::uint64_t window_bytes, base::Duration srtt, bool slow_start,
                base::Instant now) noexcept;
  // A rate that somebody else has decided. rate_Bps > 0.
  void set_rate_Bps(std::uint64_t rate_Bps, base::Instant now) noexcept;
  // The lane was touched in a turn at `now`; any number of calls with one `now` count as one turn.
  void on_turn(base::Instant now) noexcept;

  // True when credit is left. The last packet may overdraw it, so that packets larger than the
  // credit pass.
  [[nodiscard]] bool may_send(base::Instant now) const noexcept { return credit_at(now) > 0; }
  void on_sent(std::uint32_t bytes, base::Instant now) noexcept;
  // Full bucket, as after a long silence.
  void refill(base::Instant now) noexcept;

  [[nodiscard]] std::uint64_t rate_Bps() const noexcept;
  [[nodiscard]] std::int64_t burst_bytes() const noexcept { return burst_; }

 private:
  static constexpr int kShift = 20;
  [[nodiscard]] std::int64_t credit_at(base::Instant now) const noexcept;
  [[nodiscard]] std::int64_t earned_in(base::Duration time) const noexcept;
  void refresh(base::Instant now) noexcept;   // counts what was earned up to now
  void size_burst() noexcept;
  void set_scaled(std::uint64_t rate, base::Instant now) noexcept;

  std::int64_t packet_bytes_;
  std::int64_t rate_scaled_ = 0;     // bytes per 2^kShift ns
  std::int64_t burst_;
  std::int64_t credit_;
  base::Instant counted_to_{};
  base::Instant turn_{};
  base::Duration turn_interval_{};   // smoothed
};

}  // namespace weft::sched
