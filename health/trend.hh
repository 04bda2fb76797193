// Early warning: is a figure of a path rising, slowly but surely, before the path fails?
// One-sided CUSUM (E. S. Page, Continuous inspection schemes, Biometrika 41, 1954; the tabular form of the textbooks):
//   S = max(0, S + z - k),   z = (x - mean) / deviation,   an alarm when S > h
// Mean and mean absolute deviation are the path's own, learnt slowly, and stand while S is high: what is rising must not become
// what is usual. A single sample counts for little (z is clipped), so that one late packet is none of a trend.
// Owner: control, one per path and figure. Integers; no heap. Units: whatever x has, 1/256 of it inside.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace weft::health {

class Trend {
 public:
  static constexpr std::uint32_t kLearn = 32;         // samples before anything is concluded
  // In deviations. k: what may drift unnoticed. h: more than eight clipped samples in a row, or two dozen of one
  // deviation above k; bursts of cross traffic are shorter, deaths of cables and radio links longer.
  static constexpr std::int64_t kDrift = 1, kAlarm = 24, kWatch = kAlarm / 4, kClear = kAlarm / 2, kClip = 4;
  // So many alarmed samples in a row without a failure: a change for good (another route), and the new usual.
  static constexpr std::uint32_t kAccept = 300;

  // `noise`: the least deviation that counts, of the figure itself, more than 0.
  explicit constexpr Trend(std::int64_t noise) noexcept : noise_(noise * kOne) {}

  constexpr void on_sample(std::int64_t x) noexcept {
    if (samples_ < kLearn) return learn(x * kOne);
    judge(x * kOne);
  }
  // Learns anew: the path came back, or carries another kind of load.
  constexpr void reset() noexcept { *this = Trend(noise_ / kOne); }

  // Something may be rising: look more often.
  [[nodiscard]] constexpr bool is_watched() const noexcept { return sum_ > kWatch * kOne; }
  [[nodiscard]] constexpr bool is_alarmed() const noexcept { return alarmed_; }
  // 0: steady; from 1000 on it warns; at most 2000.
  [[nodiscard]] constexpr std::uint16_t level_permille() const noexcept {
    return static_cast<std::uint16_t>(sum_ * 1000 / (kAlarm * kOne));
  }

 private:
  static constexpr std::int64_t kOne = 256;
  static constexpr std::int64_t kMemory = 256;        // samples of the slow average

  constexpr void learn(std::int64_t x) noexcept {
    const std::int64_t n = ++samples_;
    const std::int64_t off = x - mean_;
    mean_ += n == 1 ? off : off / n;
    if (n > 1) deviation_ += ((off < 0 ? -off : off) - deviation_) / (n - 1);
  }
  constexpr void judge(std::int64_t x) noexcept {
    const std::int64_t off = x - mean_;
    const std::int64_t z = std::clamp(off * kOne / std::max(deviation_, noise_), -kClip * kOne, kClip * kOne);
    sum_ = std::clamp<std::int64_t>(sum_ + z - kDrift * kOne, 0, 2 * kAlarm * kOne);
    alarmed_ = sum_ > (alarmed_ ? kClear : kAlarm) * kOne;
    alarmed_for_ = alarmed_ ? alarmed_for_ + 1 : 0;
    if (alarmed_for_ == kAccept) return reset();
    if (is_watched()) return;
    mean_ += off / kMemory;
    deviation_ += ((off < 0 ? -off : off) - deviation_) / kMemory;
  }

  std::int64_t noise_;
  std::int64_t mean_ = 0, deviation_ = 0, sum_ = 0;   // 1/256
  std::uint32_t samples_ = 0, alarmed_for_ = 0;
  bool alarmed_ = false;
};

// log2 in 1/256, the fraction taken as linear between powers of two. value > 0.
[[nodiscard]] constexpr std::int64_t log2_256(std::uint64_t value) noexcept {
  const int bits = static_cast<int>(std::bit_width(value)) - 1;
  const std::uint64_t scaled = bits >= 8 ? value >> (bits - 8) : value << (8 - bits);
  return std::int64_t{bits} * 256 + static_cast<std::int64_t>(scaled) - 256;
}

// The same for losses, which are rare and come one by one: a CUSUM of the likelihood that packets are lost at p1 rather
// than at the usual p0 (Wald's sequential test, begun anew whenever it favours p0), in bits.
//   a packet lost: log2(p1 / p0), one that arrived: log2((1 - p1) / (1 - p0));   p1 = 3 p0 + 5 %
class LossTrend {
 public:
  static constexpr std::int64_t kAlarm = 32, kWatch = kAlarm / 4, kClear = kAlarm / 2;   // bits
  static constexpr std::int64_t kUsualLeast = 10, kUsualMost = 250;                      // permille
  // The packets of one window count as so many at the most: losses of one moment have one cause.
  static constexpr std::uint64_t kVotes = 16;

  constexpr void on_window(std::uint64_t out, std::uint64_t lost) noexcept {
    if (out == 0) return;
    const auto part = static_cast<std::int64_t>(std::min(lost, out) * 1000 / out);   // permille
    const auto votes = static_cast<std::int64_t>(std::min(out, kVotes));
    const std::int64_t p0 = std::clamp(usual_ / kOne, kUsualLeast, kUsualMost), p1 = 3 * p0 + 50;
    const std::int64_t bad = log_of(p1) - log_of(p0), good = log_of(1000 - p1) - log_of(1000 - p0);   // good < 0 < bad
    sum_ = std::clamp<std::int64_t>(sum_ + votes * (part * bad + (1000 - part) * good) / 1000, 0, 2 * kAlarm * kOne);
    alarmed_ = sum_ > (alarmed_ ? kClear : kAlarm) * kOne;
    if (!is_watched()) usual_ += (part * kOne - usual_) * votes / static_cast<std::int64_t>(kVotes * kMemory);
  }
  // The same from counters that only grow, since the last call. A step back is somebody's who began anew, and says nothing.
  constexpr void on_counts(std::uint64_t out, std::uint64_t lost) noexcept {
    if (out >= told_out_ && lost >= told_lost_) on_window(out - told_out_, lost - told_lost_);
    told_out_ = out;
    told_lost_ = lost;
  }
  // Learns anew, from these counts on.
  constexpr void begin_at(std::uint64_t out, std::uint64_t lost) noexcept {
    *this = LossTrend{};
    told_out_ = out;
    told_lost_ = lost;
  }
  constexpr void reset() noexcept { begin_at(told_out_, told_lost_); }

  [[nodiscard]] constexpr bool is_watched() const noexcept { return sum_ > kWatch * kOne; }
  [[nodiscard]] constexpr bool is_alarmed() const noexcept { return alarmed_; }
  // As Trend's.
  [[nodiscard]] constexpr std::uint16_t level_permille() const noexcept {
    return static_cast<std::uint16_t>(sum_ * 1000 / (kAlarm * kOne));
  }

 private:
  static constexpr std::int64_t kOne = 256, kMemory = 256;
  static constexpr std::int64_t log_of(std::int64_t permille) noexcept {
    return log2_256(static_cast<std::uint64_t>(permille));
  }

  std::uint64_t told_out_ = 0, told_lost_ = 0;
  std::int64_t usual_ = 0, sum_ = 0;   // permille and bits, in 1/256
  bool alarmed_ = false;
};

}  // namespace weft::health
