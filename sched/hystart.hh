// HyStart++ (RFC 9406): leaves slow start when the round-trip time begins to rise, before a queue
// overflows.
// Conservative slow start (CSS) grows at a quarter of the rate for kCssRounds rounds; if the round-
// trip time falls back in the meantime, the rise was noise and slow start goes on.
// Owner: one data core.
#pragma once

#include <cstdint>

#include "engine/base/time.hh"

namespace weft::sched {

class HyStart {
 public:
  enum class Phase : std::uint8_t { kSlowStart, kCss, kDone };

  // One round-trip sample; `round_ended` with the first sample of a new round.
  void on_sample(base::Duration rtt, bool round_ended) noexcept;
  void reset() noexcept { *this = HyStart{}; }
  void finish() noexcept { phase_ = Phase::kDone; }

  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  // What slow start adds for `acked` bytes.
  [[nodiscard]] std::uint64_t growth(std::uint64_t acked) const noexcept {
    return phase_ == Phase::kCss ? acked / kCssGrowthDivisor : acked;
  }

 private:
  static constexpr base::Duration kRiseMin = base::milliseconds(4);    // RFC 9406 4.3, all four
  static constexpr base::Duration kRiseMax = base::milliseconds(16);
  static constexpr std::uint32_t kSamplesMin = 8;
  static constexpr std::uint32_t kCssRounds = 5;
  static constexpr std::uint64_t kCssGrowthDivisor = 4;

  Phase phase_ = Phase::kSlowStart;
  std::uint32_t samples_ = 0;
  std::uint32_t css_rounds_ = 0;
  base::Duration round_min_ = base::kForever;
  base::Duration last_round_min_ = base::kForever;
  base::Duration css_baseline_ = base::kForever;
};

}  // namespace weft::sched
