#include "sched/cubic.hh"

#include <algorithm>
#include <utility>

#include "engine/base/must.hh"
#include "sched/arith.hh"

namespace weft::sched {
namespace {

constexpr std::uint64_t kBetaNumerator = 7, kBetaDenominator = 10;        // RFC 9438 4.6
constexpr std::uint64_t kConvergeNumerator = 17, kConvergeDenominator = 20;  // (1 + beta) / 2, 4.7
constexpr std::uint64_t kAlphaNumerator = 9, kAlphaDenominator = 17;  // 4.3
// Two minutes from the plateau the curve is far beyond any window; the cube stays within 51 bits.
constexpr std::int64_t kCurveMs = std::int64_t{1} << 17;

}  // namespace

Cubic::Cubic(std::uint32_t packet_bytes, std::uint32_t queue_packets_max) noexcept
    : packet_bytes_(packet_bytes),
      queue_packets_max_(queue_packets_max),
      window_(initial_window(packet_bytes)),
      slow_start_until_(UINT64_MAX) {
  MUST(packet_bytes > 0);
  MUST(packet_bytes <= UINT16_MAX);
}

void Cubic::reset() noexcept { *this = Cubic(static_cast<std::uint32_t>(packet_bytes_), queue_packets_max_); }

void Cubic::on_acked(const AckedEvent& event, base::Instant now) noexcept {
  const base::Duration since_last = now - last_ack_;
  last_ack_ = now;
  if (event.newest_sent <= recovery_since_) return;  // RFC 9002 7.3.2: still the old flight
  if (overfills(event)) return reduce(now);
  if (!in_slow_start()) {
    const bool queued = event.latest_rtt - event.rtt_min > kQueueMax;
    if (event.window_limited && !queued) avoid_congestion(event, now);
    else if (epoch_runs_) epoch_ += std::min(since_last, now - epoch_);  // the curve's clock stands
    return;
  }
  hystart_.on_sample(event.latest_rtt, event.round_ended);
  if (hystart_.phase() == HyStart::Phase::kDone) {
    slow_start_until_ = std::min(slow_start_until_, window_);
    return;
  }
  if (event.window_limited)
    window_ = std::min(window_ + hystart_.growth(event.bytes), slow_start_until_);
}

bool Cubic::overfills(const AckedEvent& event) noexcept {
  if (queue_packets_max_ == 0) return false;
  round_rtt_ = std::min(round_rtt_, event.latest_rtt);
  if (!event.round_ended) return false;
  const base::Duration shortest = std::exchange(round_rtt_, base::kForever);
  if (shortest <= event.rtt_min) return false;
  const std::uint64_t flight = event.in_flight_bytes + event.bytes;
  return mul_div(flight, static_cast<std::uint64_t>((shortest - event.rtt_min).us()),
                 static_cast<std::uint64_t>(std::max<std::int64_t>(shortest.us(), 1))) > queue_packets_max_ * packet_bytes_;
}

void Cubic::avoid_congestion(const AckedEvent& event, base::Instant now) noexcept {
  if (!epoch_runs_) {
    epoch_runs_ = true;
    epoch_ = now;
    window_max_ = std::max(window_max_, window_);
    // K^3 = (W_max - cwnd) / C seconds^3, in ms^3 and packets: x 10^9 / 0.4.
    const std::uint64_t below = window_max_ - window_;
    k_ms_ = static_cast<std::int64_t>(cube_root(mul_div(below, 2'500'000'000, packet_bytes_)));
    reno_ = window_;
    reno_credit_ = 0;
  }
  // Until Reno would have regained the window at the last loss alpha keeps it fair; then it is 1.
  const std::uint64_t alpha = reno_ < window_before_ ? kAlphaNumerator : kAlphaDenominator;
  reno_credit_ += event.bytes * alpha * packet_bytes_;
  const std::uint64_t per_byte = kAlphaDenominator * window_;
  reno_ += reno_credit_ / per_byte;
  reno_credit_ %= per_byte;

  if (curve(now - epoch_) < reno_) {
    window_ = std::max(window_, reno_);
    return;
  }
  const std::uint64_t target =
      std::clamp(curve(now - epoch_ + event.srtt), window_, window_ + window_ / 2);
  window_ += mul_div(target - window_, event.bytes, window_);
}

std::uint64_t Cubic::curve(base::Duration since_epoch) const noexcept {
  const std::int64_t from_plateau = std::clamp(since_epoch.ms() - k_ms_, -kCurveMs, kCurveMs);
  const auto d = static_cast<std::uint64_t>(from_plateau < 0 ? -from_plateau : from_plateau);
  const std::uint64_t off = d * d * d / 1000 * (4 * packet_bytes_) / 10'000'000;  // 0.4 d^3 / 10^9
  if (from_plateau >= 0) return window_max_ + off;
  return window_max_ > off ? window_max_ - off : 0;
}

void Cubic::on_lost(const LostEvent& event, base::Instant now) noexcept {
  if (event.sent <= recovery_since_) return;
  reduce(now);
}

void Cubic::reduce(base::Instant now) noexcept {
  recovery_since_ = now;
  window_before_ = window_;
  // Fast convergence: a flow that loses below its last maximum gives up room for newer ones.
  window_max_ = window_ < window_max_ ? window_ * kConvergeNumerator / kConvergeDenominator
                                      : window_;
  window_ = std::max(window_ * kBetaNumerator / kBetaDenominator,
                     kMinWindowPackets * packet_bytes_);
  slow_start_until_ = window_;
  epoch_runs_ = false;
  hystart_.finish();
}

void Cubic::on_persistent_congestion() noexcept {
  window_ = kMinWindowPackets * packet_bytes_;
  epoch_runs_ = false;
  hystart_.reset();  // slow start runs again, up to slow_start_until_
}

void Cubic::on_flight_starts(const FlightStart& start, base::Instant) noexcept {
  if (!start.rested) return;
  const std::uint64_t initial = initial_window(packet_bytes_);
  if (window_ <= initial) return;
  if (!in_slow_start()) slow_start_until_ = window_ - window_ / 4;
  window_ = initial;
  epoch_runs_ = false;
  hystart_.reset();
}

}  // namespace weft::sched
