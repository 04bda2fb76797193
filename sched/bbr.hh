// BBRv3 congestion control, in integers: keeps to the rate and the amount in flight that the path was measured to take,
// instead of filling its queue until it drops. A loss that is not a sign of too much (at most 2 % of what is in flight)
// costs next to nothing.
//
//   kStartup --the rate no longer grows, or losses--> kDrain --the queue is empty--> kDown
//   kDown --below the bound with headroom--> kCruise --2 to 3 s, or some 60 round trips--> kRefill --one round-->
//   kUp --more brings no more, or too many losses--> kDown …            (the four are ProbeBW)
//   any --no shorter round trip for 5 s--> kProbeRtt --200 ms at half a pipe--> kCruise (or kStartup)
//
//   state      pace   window      the rest of the window's bounds
//   kStartup   2.77   2.00 bdp    none
//   kDrain     0.50   2.00
//   kDown      0.90   2.00        long-term bound, short-term bound
//   kCruise    1.00   2.00        long-term bound less 15 % headroom, short-term bound
//   kRefill    1.00   2.00        long-term bound
//   kUp        1.25   2.25        long-term bound, which rises while it draws no losses
//   kProbeRtt  1.00   0.50
//
// Owner: one data core. Units: bytes, bytes per second, nanoseconds. Chance: when to probe, from the seed given.
// Source: draft-ietf-ccwg-bbr 5; its names in quotation marks. Files: bbr_model (what is measured), bbr.cc (Startup,
// Drain, ProbeRTT, rate and window), bbr_probe_bw.cc (the cycle). Departures: README.md.
#pragma once

#include <cstdint>

#include "engine/base/prng.hh"
#include "engine/base/time.hh"
#include "sched/bbr_model.hh"
#include "sched/congestion.hh"

namespace weft::sched {

class Bbr {
 public:
  enum class State : std::uint8_t { kStartup, kDrain, kDown, kCruise, kRefill, kUp, kProbeRtt };

  // `packet_bytes`: the lane's largest packet, 1 … 65535.
  Bbr(std::uint32_t packet_bytes, std::uint64_t seed) noexcept;

  void on_acked(const AckedEvent& event, base::Instant now) noexcept;
  void on_lost(const LostEvent& event, base::Instant now) noexcept;
  void on_persistent_congestion() noexcept;
  void on_flight_starts(const FlightStart& start, base::Instant now) noexcept;
  void reset() noexcept;

  [[nodiscard]] std::uint64_t window_bytes() const noexcept { return window_; }
  [[nodiscard]] bool in_slow_start() const noexcept { return state_ == State::kStartup; }
  // 0 until the first sample: the window and the round trip are then all that is known.
  [[nodiscard]] std::uint64_t pacing_Bps() const noexcept { return pacing_Bps_; }
  [[nodiscard]] bool keeps_flight_small() const noexcept { return state_ == State::kProbeRtt; }

  // For tests and reports.
  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] const BbrModel& model() const noexcept { return model_; }

 private:
  [[nodiscard]] bool in_probe_bw() const noexcept { return state_ >= State::kDown && state_ <= State::kUp; }
  [[nodiscard]] bool probes_bandwidth() const noexcept {
    return state_ == State::kStartup || state_ == State::kRefill || state_ == State::kUp;
  }

  // bbr.cc
  void enter(State state) noexcept { state_ = state; }
  void check_plateau(const AckedEvent& event) noexcept;
  void check_startup_losses(const AckedEvent& event) noexcept;
  void restart_plateau(std::uint64_t rate_Bps) noexcept;
  void check_probe_rtt(const AckedEvent& event, base::Instant now) noexcept;
  void end_probe_rtt(base::Instant now) noexcept;
  void set_pacing(std::uint64_t gain_percent) noexcept;
  void set_window(const AckedEvent& event) noexcept;
  [[nodiscard]] std::uint64_t min_window() const noexcept;
  [[nodiscard]] std::uint64_t flight_for(std::uint64_t bandwidth_Bps, std::uint64_t gain_percent) const noexcept;
  [[nodiscard]] std::uint64_t at_least_quantum(std::uint64_t bytes) const noexcept;
  [[nodiscard]] std::uint64_t probe_rtt_window() const noexcept;
  [[nodiscard]] std::uint64_t window_bound() const noexcept;

  // bbr_probe_bw.cc
  void update_cycle(const AckedEvent& event, base::Instant now) noexcept;
  void adapt_long_term(const AckedEvent& event, base::Instant now) noexcept;
  void raise_long_term(const AckedEvent& event) noexcept;
  void raise_slope() noexcept;
  void start_down(base::Instant now) noexcept;
  void start_refill() noexcept;
  void start_up(const AckedEvent& event) noexcept;
  void flight_was_too_much(std::uint64_t in_flight, bool app_limited, base::Instant now) noexcept;
  [[nodiscard]] bool probe_is_due(base::Instant now) const noexcept;
  [[nodiscard]] bool probe_is_over(const AckedEvent& event) noexcept;
  [[nodiscard]] std::uint64_t with_headroom() const noexcept;
  [[nodiscard]] std::uint64_t target_flight() const noexcept;

  std::uint64_t packet_bytes_;
  base::Prng prng_;
  BbrModel model_;
  State state_ = State::kStartup;
  std::uint64_t window_;
  std::uint64_t pacing_Bps_ = 0;

  // Is the pipe full ("full_bw"): the rate that must be beaten by a quarter, rounds in which it was not, the verdict
  // for now and for good.
  std::uint64_t plateau_Bps_ = 0;
  std::uint32_t plateau_rounds_ = 0;
  bool full_now_ = false, full_once_ = false;
  // Losses of a round in Startup: runs of numbers, because one dropped burst is one event.
  std::uint32_t loss_runs_ = 0;
  std::uint64_t lost_last_ = UINT64_MAX - 1;

  // The cycle.
  bool probe_ends_ = false;               // its last acks come now ("ACKS_PROBE_STOPPING")
  base::Instant cycle_since_{};           // the last kDown
  base::Duration probe_wait_{};
  std::uint32_t rounds_since_probe_ = 0;
  bool probe_samples_ = false;            // losses now tell about the probe ("bw_probe_samples")
  std::uint32_t slope_rounds_ = 0;        // packets added per window: doubles each round
  std::uint64_t slope_every_bytes_ = 0, slope_acked_bytes_ = 0;

  // ProbeRTT.
  base::Instant probe_rtt_until_ = base::kNever;   // kNever: the flight is not small yet
  bool probe_rtt_round_ = false;                   // a round was seen at the small flight
  std::uint64_t window_before_ = 0;
  bool from_idle_ = false;                         // "idle_restart"
};
static_assert(CongestionControl<Bbr>);

}  // namespace weft::sched
