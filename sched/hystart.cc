#include "sched/hystart.hh"

#include <algorithm>

namespace weft::sched {

void HyStart::on_sample(base::Duration rtt, bool round_ended) noexcept {
  if (phase_ == Phase::kDone) return;
  if (round_ended) {
    last_round_min_ = round_min_;
    round_min_ = base::kForever;
    samples_ = 0;
    if (phase_ == Phase::kCss && ++css_rounds_ >= kCssRounds) {
      phase_ = Phase::kDone;
      return;
    }
  }
  round_min_ = std::min(round_min_, rtt);
  ++samples_;
  if (samples_ < kSamplesMin) return;
  if (phase_ == Phase::kCss) {
    if (round_min_ >= css_baseline_) return;
    phase_ = Phase::kSlowStart;  // the rise was noise
    css_baseline_ = base::kForever;
    return;
  }
  if (last_round_min_ == base::kForever) return;
  const base::Duration rise = std::clamp(last_round_min_ / 8, kRiseMin, kRiseMax);
  if (round_min_ < last_round_min_ + rise) return;
  phase_ = Phase::kCss;
  css_baseline_ = round_min_;
  css_rounds_ = 0;
}

}  // namespace weft::sched
