#include "sched/bbr_model.hh"

#include <algorithm>

#include "sched/arith.hh"

namespace weft::sched {
namespace {
constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
}  // namespace

void BbrModel::on_acked(const AckedEvent& event, bool probing, bool filled, std::uint64_t window,
                        base::Instant now) noexcept {
  delivered_ = event.delivered_bytes;
  count_round(event);
  note_latest(event);
  const RateSample& sample = event.sample;
  if (sample.rate_Bps > 0 && (sample.rate_Bps >= max_bandwidth_Bps() || !sample.app_limited))
    bandwidth_[0] = std::max(bandwidth_[0], sample.rate_Bps);
  if (loss_round_started_) {
    adapt_short_term(event, probing, window);
    loss_in_round_ = false;
  }
  note_aggregation(event, filled, window, now);
}

void BbrModel::count_round(const AckedEvent& event) noexcept {
  round_started_ = event.sample.any && event.sample.delivered_before >= round_end_;
  if (!round_started_) return;
  round_end_ = delivered_;
  aggregation_round_ = (aggregation_round_ + 1) % kAggregationRounds;
  extra_acked_[aggregation_round_] = 0;
}

// "UpdateLatestDeliverySignals": the best of the round that is judged for losses.
void BbrModel::note_latest(const AckedEvent& event) noexcept {
  bandwidth_latest_ = std::max(bandwidth_latest_, event.sample.rate_Bps);
  in_flight_latest_ = std::max(in_flight_latest_, event.sample.delivered_bytes);
  loss_round_started_ = event.sample.any && event.sample.delivered_before >= loss_round_end_;
  if (loss_round_started_) loss_round_end_ = delivered_;
}

void BbrModel::end_ack(const AckedEvent& event) noexcept {
  if (!loss_round_started_) return;
  bandwidth_latest_ = event.sample.rate_Bps;
  in_flight_latest_ = event.sample.delivered_bytes;
}

// "AdaptLowerBoundsFromCongestion": to what the round delivered, at most by beta. Departure: only after a round that
// lost too much. A bound that follows every single loss sinks from round to round on a path that loses one packet in a
// hundred whatever it carries.
void BbrModel::adapt_short_term(const AckedEvent& event, bool probing, std::uint64_t window) noexcept {
  if (probing || !loss_in_round_ || !is_too_much(event.lost_bytes, event.sample.in_flight_bytes)) return;
  if (bandwidth_short_ == kNoBound) bandwidth_short_ = max_bandwidth_Bps();
  if (short_term_ == kNoBound) short_term_ = window;
  bandwidth_short_ = std::max(bandwidth_latest_, bandwidth_short_ / kBetaDenominator * kBetaNumerator);
  short_term_ = std::max(in_flight_latest_, short_term_ / kBetaDenominator * kBetaNumerator);
}

// "UpdateACKAggregation": what came beyond what the bandwidth explains, since acks began to come faster than that.
void BbrModel::note_aggregation(const AckedEvent& event, bool filled, std::uint64_t window,
                                base::Instant now) noexcept {
  const base::Duration since = now - aggregation_since_;
  const std::uint64_t expected =
      mul_div(bandwidth_Bps(), static_cast<std::uint64_t>(std::max<std::int64_t>(since.ns, 0)), kNsPerSecond);
  std::uint64_t explained = expected;
  if (aggregation_bytes_ <= expected) {
    restart_aggregation(now);
    explained = 0;
  }
  aggregation_bytes_ += event.bytes;
  const std::uint64_t extra = std::min(aggregation_bytes_ - std::min(aggregation_bytes_, explained), window);
  if (!filled && round_started_) extra_acked_.fill(0);   // while the rate grows, only the last round tells
  extra_acked_[aggregation_round_] = std::max(extra_acked_[aggregation_round_], extra);
}

void BbrModel::restart_aggregation(base::Instant now) noexcept {
  aggregation_since_ = now;
  aggregation_bytes_ = 0;
}

void BbrModel::update_min_rtt(base::Duration rtt, base::Instant now) noexcept {
  probe_rtt_due_ = probe_rtt_min_ != base::kForever && now > probe_rtt_min_at_ + kProbeRttEvery;
  if (rtt.ns > 0 && (rtt < probe_rtt_min_ || probe_rtt_due_)) {
    probe_rtt_min_ = rtt;
    probe_rtt_min_at_ = now;
  }
  if (probe_rtt_min_ >= min_rtt_ && now <= min_rtt_at_ + kMinRttWindow) return;
  min_rtt_ = probe_rtt_min_;
  min_rtt_at_ = probe_rtt_min_at_;
}

std::uint64_t BbrModel::max_bandwidth_Bps() const noexcept { return std::max(bandwidth_[0], bandwidth_[1]); }

std::uint64_t BbrModel::bandwidth_Bps() const noexcept { return std::min(max_bandwidth_Bps(), bandwidth_short_); }

void BbrModel::advance_bandwidth_window() noexcept {
  if (bandwidth_[0] == 0) return;   // the last probe measured nothing: what is known stays
  bandwidth_[1] = bandwidth_[0];
  bandwidth_[0] = 0;
}

std::uint64_t BbrModel::bdp_bytes(std::uint64_t bandwidth_Bps, std::uint64_t gain_percent) const noexcept {
  if (min_rtt_ == base::kForever) return kNoBound;
  return mul_div(bandwidth_Bps, static_cast<std::uint64_t>(min_rtt_.ns), kNsPerSecond) * gain_percent / 100;
}

std::uint64_t BbrModel::extra_acked_bytes() const noexcept {
  return *std::max_element(extra_acked_.begin(), extra_acked_.end());
}

void BbrModel::forget_signals() noexcept {
  loss_in_round_ = false;
  bandwidth_latest_ = in_flight_latest_ = 0;
}

}  // namespace weft::sched
