// Counts that fade: what was lost lately, and how often something fell. Of paths and links alike.
// Owner: control, one per path or link. Integers; no heap.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/time.hh"
#include "health/goodness.hh"

namespace weft::health {

// What share was lost of about the last `window` that were sent, from counters that only grow, in packets or bytes.
class LossShare {
 public:
  // `least`: of fewer than these little is known; one of two lost is not 50 %.
  constexpr LossShare(std::uint64_t window, std::uint64_t least) noexcept : window_(window), least_(least) {}

  // Counters that went back are somebody's who began anew: such a step says nothing.
  [[nodiscard]] constexpr bool went_back(std::uint64_t sent, std::uint64_t lost) const noexcept {
    return sent < sent_ || lost < lost_;
  }
  constexpr void on_counts(std::uint64_t sent, std::uint64_t lost) noexcept {
    if (!went_back(sent, lost)) {
      window_sent_ += sent - sent_;
      window_lost_ += lost - lost_;
    }
    sent_ = sent;
    lost_ = lost;
    while (window_sent_ > window_) {
      window_sent_ /= 2;
      window_lost_ /= 2;
    }
  }
  // The counters of another, which begin at 0; what was lost lately stays.
  constexpr void begin_anew() noexcept { sent_ = lost_ = 0; }
  // What was lost lately is forgotten; from these counts on.
  constexpr void begin_at(std::uint64_t sent, std::uint64_t lost) noexcept {
    window_sent_ = window_lost_ = 0;
    sent_ = sent;
    lost_ = lost;
  }

  [[nodiscard]] constexpr std::uint32_t permille() const noexcept {
    return static_cast<std::uint32_t>(std::min(window_lost_, window_sent_) * 1000 / std::max(window_sent_, least_));
  }

 private:
  std::uint64_t window_, least_;
  std::uint64_t sent_ = 0, lost_ = 0;                   // as last told
  std::uint64_t window_sent_ = 0, window_lost_ = 0;
};

// Falls, in 1/kOneFall, half of them forgotten in ten minutes.
class Unrest {
 public:
  static constexpr base::Duration kHalfLife = base::seconds(600);
  static constexpr std::uint32_t kMost = 100 * kOneFall;

  // `every`: how often fade() is called.
  explicit constexpr Unrest(base::Duration every) noexcept : forget_(forget_by(kHalfLife.ns / every.ns)) {}
  constexpr void on_fall() noexcept { falls_ = std::min(falls_ + kOneFall, kMost); }
  constexpr void fade() noexcept { falls_ -= (falls_ + forget_ - 1) / forget_; }
  [[nodiscard]] constexpr std::uint32_t falls() const noexcept { return falls_; }

 private:
  // 1 / (1 - 2^(-1 / calls)), which is calls / ln 2.
  static constexpr std::uint32_t forget_by(std::int64_t calls) noexcept {
    return static_cast<std::uint32_t>((calls * 1000 + 346) / 693);
  }

  std::uint32_t forget_;
  std::uint32_t falls_ = 0;
};

}  // namespace weft::health
