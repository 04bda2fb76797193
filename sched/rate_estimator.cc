#include "sched/rate_estimator.hh"

#include <algorithm>

#include "engine/base/must.hh"
#include "sched/arith.hh"

namespace weft::sched {
namespace {

std::uint32_t clipped(std::int64_t value) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, UINT32_MAX));
}
// Rounded up: an interval of exactly the shortest round trip must not come out shorter than that.
std::uint32_t span_of(base::Duration time) {
  return clipped((time.ns + SentPacket::kSpanNs - 1) / SentPacket::kSpanNs);
}
base::Duration time_of(std::uint32_t span) { return base::nanoseconds(std::int64_t{span} * SentPacket::kSpanNs); }

}  // namespace

void RateEstimator::on_sent(SentPacket& packet, std::uint64_t bytes_in_flight,
                            base::Instant now) noexcept {
  if (bytes_in_flight == 0) first_sent_ = delivered_at_ = now;  // a new flight starts
  packet.since_first = span_of(now - first_sent_);
  packet.delivered = delivered_;
  packet.since_delivered = span_of(now - delivered_at_);
  packet.in_flight = clipped(static_cast<std::int64_t>(bytes_in_flight + packet.bytes));
  packet.lost = lost_;
  packet.app_limited = app_limited();
}

void RateEstimator::on_app_limited(std::uint64_t bytes_in_flight) noexcept {
  app_limited_until_ = std::max<std::uint64_t>(delivered_ + bytes_in_flight, 1);
}

void RateEstimator::on_acked(const SentPacket& packet, base::Instant now) noexcept {
  delivered_ += packet.bytes;
  delivered_at_ = now;
  if (sampling_ && packet.packet_number < newest_.packet_number) return;
  sampling_ = true;
  newest_ = packet;
  first_sent_ = packet.sent;
}

RateSample RateEstimator::finish(base::Duration rtt_min, bool round_ended) noexcept {
  if (round_ended) best_[++round_ % kRounds] = 0;
  if (app_limited_until_ != 0 && delivered_ > app_limited_until_) app_limited_until_ = 0;
  if (!sampling_) return {};
  sampling_ = false;
  MUST(delivered_ >= newest_.delivered);
  RateSample sample{.any = true,
                    .delivered_bytes = delivered_ - newest_.delivered,
                    .delivered_before = newest_.delivered,
                    .in_flight_bytes = newest_.in_flight,
                    .lost_before = newest_.lost,
                    .app_limited = newest_.app_limited};
  const base::Duration sending = time_of(newest_.since_first);
  const base::Duration acking = delivered_at_ - (newest_.sent - time_of(newest_.since_delivered));
  const base::Duration interval = std::max(sending, acking);
  if (interval < rtt_min || interval.ns <= 0) return sample;  // acks that came bunched
  sample.rate_Bps = mul_div(sample.delivered_bytes, 1'000'000'000,
                            static_cast<std::uint64_t>(interval.ns));
  smoothed_ = smoothed_ == 0 ? sample.rate_Bps : smoothed_ - smoothed_ / 8 + sample.rate_Bps / 8;
  if (newest_.app_limited && sample.rate_Bps < bandwidth_Bps()) return sample;
  std::uint64_t& best = best_[round_ % kRounds];
  best = std::max(best, sample.rate_Bps);
  return sample;
}

void RateEstimator::forget() noexcept {
  best_.fill(0);
  smoothed_ = 0;
}

std::uint64_t RateEstimator::bandwidth_Bps() const noexcept {
  return *std::max_element(best_.begin(), best_.end());
}

}  // namespace weft::sched
