// CUBIC congestion control (RFC 9438), in integers.
//   W(t) = C (t - K)^3 + W_max,  K = cbrt((W_max - cwnd) / C),  in packets and seconds,
//   C = 0.4, beta = 0.7
// and never slower than a Reno flow of the same loss (W_est, alpha = 3 (1 - beta) / (1 + beta) =
// 9/17).
// Owner: one data core. Units: bytes; the curve is taken at milliseconds, which moves W by under
// one packet up to a window of some 10 000 packets per second of t - K.
//
// Departures: the window stands still, and so does the curve's clock, while the lane is not limited
// by it (RFC 9438 5.8), or round trips take kQueueMax longer than the shortest; slow start ends by HyStart++ (hystart.hh).
// Before a port whose queue never drops, `queue_packets_max` standing there for a round trip count as a loss: else nothing
// would ever end the growth. That many are judged by the shortest round trip of the round against the shortest of all.
#pragma once

#include <cstdint>

#include "engine/base/time.hh"
#include "sched/congestion.hh"
#include "sched/hystart.hh"

namespace weft::sched {

// A queue of this length in front of a path helps nobody. CUBIC alone would fill a deep one to its end: the 2048
// descriptors of a port whose cable carries 10 Mbit/s hold 2.4 s, for which every answer of ours would wait.
inline constexpr base::Duration kQueueMax = base::milliseconds(200);

class Cubic {
 public:
  // `packet_bytes`: the lane's largest packet, 1 … 65535. `queue_packets_max`: 0: no such bound.
  explicit Cubic(std::uint32_t packet_bytes, std::uint32_t queue_packets_max = 0) noexcept;

  void on_acked(const AckedEvent& event, base::Instant now) noexcept;
  // One reduction per round trip: packets sent before the last reduction do not reduce again.
  void on_lost(const LostEvent& event, base::Instant now) noexcept;
  void on_persistent_congestion() noexcept;
  void on_flight_starts(const FlightStart& start, base::Instant now) noexcept;
  void reset() noexcept;

  [[nodiscard]] std::uint64_t window_bytes() const noexcept { return window_; }
  [[nodiscard]] bool in_slow_start() const noexcept { return window_ < slow_start_until_; }

  [[nodiscard]] std::uint64_t pacing_Bps() const noexcept { return 0; }
  [[nodiscard]] bool keeps_flight_small() const noexcept { return false; }

  // For tests and the report: the curve's two parameters.
  [[nodiscard]] std::uint64_t window_max_bytes() const noexcept { return window_max_; }
  [[nodiscard]] base::Duration plateau_after() const noexcept { return base::milliseconds(k_ms_); }

 private:
  void reduce(base::Instant now) noexcept;
  // At the end of a round: more stands before the port than should.
  [[nodiscard]] bool overfills(const AckedEvent& event) noexcept;
  void avoid_congestion(const AckedEvent& event, base::Instant now) noexcept;
  [[nodiscard]] std::uint64_t curve(base::Duration since_epoch) const noexcept;

  std::uint64_t packet_bytes_;
  std::uint32_t queue_packets_max_;           // 0: no bound
  base::Duration round_rtt_ = base::kForever; // the shortest of this round
  std::uint64_t window_;
  std::uint64_t slow_start_until_;            // ssthresh
  std::uint64_t window_max_ = 0;              // W_max
  std::uint64_t window_before_ = 0;           // the window at the last reduction
  std::uint64_t reno_ = 0;                    // W_est
  std::uint64_t reno_credit_ = 0;             // what integer division left over
  std::int64_t k_ms_ = 0;                     // K
  base::Instant epoch_{};                     // t = 0 of the curve; meaningless while !epoch_runs_
  bool epoch_runs_ = false;
  base::Instant last_ack_{};
  // Packets sent up to here do not reduce the window again.
  base::Instant recovery_since_{INT64_MIN};
  HyStart hystart_;
};
static_assert(CongestionControl<Cubic>);

}  // namespace weft::sched
