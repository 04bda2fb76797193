// What BBR knows of its path: how fast it delivers, how long a round trip takes when nothing queues, how bunched acks
// come, and how much may be on its way before it drops. Measured from acks and losses; decides nothing by itself.
// Owner: one data core, inside Bbr. Integers only: bytes, bytes per second, nanoseconds.
// Source: draft-ietf-ccwg-bbr 5.5 (path model); its names in quotation marks.
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/time.hh"
#include "sched/congestion.hh"

namespace weft::sched {

class BbrModel {
 public:
  static constexpr std::uint64_t kNoBound = UINT64_MAX;
  static constexpr std::uint64_t kLossPercent = 2;                      // "LossThresh"
  static constexpr std::uint64_t kBetaNumerator = 7, kBetaDenominator = 10;
  static constexpr base::Duration kMinRttWindow = base::seconds(10);
  static constexpr base::Duration kProbeRttEvery = base::seconds(5);
  static constexpr std::uint32_t kAggregationRounds = 10;               // "ExtraAckedFilterLen"

  // ---- an ack, in this order
  // Rounds, delivery rate, signals of congestion, bunching. `probing`: the lane sends more than it believes the path to
  // take, so that losses tell nothing about the rate it should keep to. `filled`: the pipe was full once.
  void on_acked(const AckedEvent& event, bool probing, bool filled, std::uint64_t window, base::Instant now) noexcept;
  void update_min_rtt(base::Duration rtt, base::Instant now) noexcept;
  void end_ack(const AckedEvent& event) noexcept;
  void on_lost() noexcept { loss_in_round_ = true; }

  // ---- rounds
  [[nodiscard]] bool round_started() const noexcept { return round_started_; }         // with this ack
  [[nodiscard]] bool loss_round_started() const noexcept { return loss_round_started_; }
  // The round begins with the next packet.
  void start_round() noexcept { round_end_ = delivered_; }

  // ---- the path
  [[nodiscard]] std::uint64_t max_bandwidth_Bps() const noexcept;
  [[nodiscard]] std::uint64_t bandwidth_Bps() const noexcept;          // that, within the short-term bound
  void advance_bandwidth_window() noexcept;                            // of the last two probes
  [[nodiscard]] base::Duration min_rtt() const noexcept { return min_rtt_; }            // kForever: none yet
  [[nodiscard]] bool probe_rtt_due() const noexcept { return probe_rtt_due_; }
  void postpone_probe_rtt(base::Instant now) noexcept { probe_rtt_min_at_ = now; }
  // gain/100 of what fits between the two ends; kNoBound before the first measurements.
  [[nodiscard]] std::uint64_t bdp_bytes(std::uint64_t bandwidth_Bps, std::uint64_t gain_percent) const noexcept;
  [[nodiscard]] std::uint64_t extra_acked_bytes() const noexcept;
  // Nothing was in flight: acks were not late, there were none.
  void restart_aggregation(base::Instant now) noexcept;
  [[nodiscard]] std::uint64_t latest_in_flight_bytes() const noexcept { return in_flight_latest_; }

  // ---- bounds
  // Long-term: what drew no loss above kLossPercent when the path was last probed ("inflight_longterm").
  [[nodiscard]] std::uint64_t long_term_bytes() const noexcept { return long_term_; }
  void set_long_term(std::uint64_t bytes) noexcept { long_term_ = bytes; }
  // Short-term: reduced by losses between probes ("inflight_shortterm", "bw_shortterm").
  [[nodiscard]] std::uint64_t short_term_bytes() const noexcept { return short_term_; }
  void forget_short_term() noexcept { short_term_ = bandwidth_short_ = kNoBound; }
  void forget_signals() noexcept;

  [[nodiscard]] static bool is_too_much(std::uint64_t lost, std::uint64_t in_flight) noexcept {
    return 100 * lost > kLossPercent * in_flight;
  }

 private:
  void count_round(const AckedEvent& event) noexcept;
  void note_latest(const AckedEvent& event) noexcept;
  void adapt_short_term(const AckedEvent& event, bool probing, std::uint64_t window) noexcept;
  void note_aggregation(const AckedEvent& event, bool filled, std::uint64_t window, base::Instant now) noexcept;

  std::uint64_t delivered_ = 0;
  std::uint64_t round_end_ = 0, loss_round_end_ = 0;     // in delivered bytes
  bool round_started_ = false, loss_round_started_ = false;
  bool loss_in_round_ = false;

  std::array<std::uint64_t, 2> bandwidth_{};             // largest of this and of the last probe
  std::uint64_t bandwidth_latest_ = 0, in_flight_latest_ = 0;
  std::uint64_t bandwidth_short_ = kNoBound, short_term_ = kNoBound, long_term_ = kNoBound;

  base::Duration min_rtt_ = base::kForever, probe_rtt_min_ = base::kForever;
  base::Instant min_rtt_at_{}, probe_rtt_min_at_{};
  bool probe_rtt_due_ = false;

  base::Instant aggregation_since_{};
  std::uint64_t aggregation_bytes_ = 0;
  std::uint32_t aggregation_round_ = 0;
  std::array<std::uint64_t, kAggregationRounds> extra_acked_{};
};

}  // namespace weft::sched
