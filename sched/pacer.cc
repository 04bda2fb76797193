#include "sched/pacer.hh"

#include <algorithm>

#include "engine/base/must.hh"
#include "sched/arith.hh"

namespace weft::sched {
namespace {
constexpr std::int64_t kBurstPackets = 16;
constexpr base::Duration kBurstTime = base::milliseconds(1);
// A longer gap between two turns was a wait for acks, not the loop's period.
constexpr base::Duration kTurnMax = base::milliseconds(5);
constexpr base::Duration kEarnMax = base::milliseconds(100);  // the bucket is full long before
constexpr std::uint64_t kRateMax = std::uint64_t{1} << 30;    // 1 KiB/ns; times kEarnMax: 57 bits
}  // namespace

Pacer::Pacer(std::uint32_t packet_bytes) noexcept
    : packet_bytes_(packet_bytes), burst_(kBurstPackets * packet_bytes), credit_(burst_) {
  MUST(packet_bytes > 0);
}

void Pacer::set_rate(std::uint64_t window_bytes, base::Duration srtt, bool slow_start,
                     base::Instant now) noexcept {
  MUST(srtt.ns > 0);
  const std::uint64_t gained = slow_start ? window_bytes * 2 : window_bytes + window_bytes / 4;
  set_scaled(mul_div(gained, std::uint64_t{1} << kShift, static_cast<std::uint64_t>(srtt.ns)), now);
}

void Pacer::set_rate_Bps(std::uint64_t rate_Bps, base::Instant now) noexcept {
  MUST(rate_Bps > 0);
  set_scaled(mul_div(rate_Bps, std::uint64_t{1} << kShift, 1'000'000'000), now);
}

void Pacer::set_scaled(std::uint64_t rate, base::Instant now) noexcept {
  refresh(now);   // what was earned so far was earned at the old rate
  rate_scaled_ = static_cast<std::int64_t>(std::clamp<std::uint64_t>(rate, 1, kRateMax));
  size_burst();
}

void Pacer::on_turn(base::Instant now) noexcept {
  if (now <= turn_) return;
  const base::Duration gap = std::min(now - turn_, kTurnMax);
  turn_ = now;
  turn_interval_ = (7 * turn_interval_ + gap) / 8;
  size_burst();
}

void Pacer::on_sent(std::uint32_t bytes, base::Instant now) noexcept {
  refresh(now);
  // Control frames pass without credit; what they overdraw is bounded, so that data is not shut
  // out.
  credit_ = std::max(credit_ - std::int64_t{bytes}, -burst_);
}

void Pacer::refill(base::Instant now) noexcept {
  credit_ = burst_;
  counted_to_ = now;
}

std::uint64_t Pacer::rate_Bps() const noexcept {
  return mul_div(static_cast<std::uint64_t>(rate_scaled_), 1'000'000'000,
                 std::uint64_t{1} << kShift);
}

std::int64_t Pacer::credit_at(base::Instant now) const noexcept {
  return std::min(burst_, credit_ + earned_in(now - counted_to_));
}

std::int64_t Pacer::earned_in(base::Duration time) const noexcept {
  const std::int64_t ns = std::clamp<std::int64_t>(time.ns, 0, kEarnMax.ns);
  return (ns * rate_scaled_) >> kShift;
}

void Pacer::refresh(base::Instant now) noexcept {
  credit_ = credit_at(now);
  counted_to_ = now;
}

void Pacer::size_burst() noexcept {
  burst_ = std::max(kBurstPackets * packet_bytes_,
                    earned_in(std::max(kBurstTime, 2 * turn_interval_)));
}

}  // namespace weft::sched
