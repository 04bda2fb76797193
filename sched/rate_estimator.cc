#include "sched/rate_estimator.hh"

#include <algorithm>

#include "engine/base/must.hh"
#include "sched/arith.hh"

namespace weft::sched {

void RateEstimator::on_sent(SentPacket& packet, std::uint64_t bytes_in_flight,
                            base::Instant now) noexcept {
  if (bytes_in_flight == 0) first_sent_ = delivered_at_ = now;  // a new flight starts
  packet.first_sent = first_sent_;
  packet.delivered = delivered_;
  packet.delivered_at = delivered_at_;
  packet.app_limited = app_limited_until_ != 0;
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

void RateEstimator::finish(base::Duration rtt_min, bool round_ended) noexcept {
  if (round_ended) best_[++round_ % kRounds] = 0;
  if (app_limited_until_ != 0 && delivered_ > app_limited_until_) app_limited_until_ = 0;
  if (!sampling_) return;
  sampling_ = false;
  MUST(delivered_ >= newest_.delivered);
  const base::Duration sending = newest_.sent - newest_.first_sent;
  const base::Duration acking = delivered_at_ - newest_.delivered_at;
  const base::Duration interval = std::max(sending, acking);
  if (interval < rtt_min || interval.ns <= 0) return;  // acks that came bunched
  const std::uint64_t rate = mul_div(delivered_ - newest_.delivered, 1'000'000'000,
                                     static_cast<std::uint64_t>(interval.ns));
  smoothed_ = smoothed_ == 0 ? rate : smoothed_ - smoothed_ / 8 + rate / 8;
  if (newest_.app_limited && rate < bandwidth_Bps()) return;
  std::uint64_t& best = best_[round_ % kRounds];
  best = std::max(best, rate);
}

void RateEstimator::forget() noexcept {
  best_.fill(0);
  smoothed_ = 0;
}

std::uint64_t RateEstimator::bandwidth_Bps() const noexcept {
  return *std::max_element(best_.begin(), best_.end());
}

}  // namespace weft::sched
