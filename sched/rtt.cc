#include "sched/rtt.hh"

#include <algorithm>

#include "engine/base/must.hh"
#include "sched/ack_tracker.hh"

namespace weft::sched {
namespace {
// Two machines' clocks are read once per turn: a round trip within one turn measures as nothing.
constexpr base::Duration kSampleMin = base::microseconds(1);
}  // namespace

Rtt::Rtt(base::Duration initial) noexcept { reset(initial); }

void Rtt::reset(base::Duration measured) noexcept {
  latest_ = srtt_ = min_ = std::max(measured, kSampleMin);
  rttvar_ = srtt_ / 2;
  has_sample_ = false;
}

void Rtt::on_sample(base::Duration latest, base::Duration ack_delay) noexcept {
  MUST(latest >= base::Duration{});
  latest_ = std::max(latest, kSampleMin);
  if (!has_sample_) {
    has_sample_ = true;
    min_ = srtt_ = latest_;
    rttvar_ = latest_ / 2;
    return;
  }
  min_ = std::min(min_, latest_);
  // The peer's word on its delay is believed up to what it promised, and never below the floor.
  ack_delay = std::clamp(ack_delay, base::Duration{}, kAckDelayMax);
  const base::Duration adjusted = latest_ >= min_ + ack_delay ? latest_ - ack_delay : latest_;
  const base::Duration off = adjusted > srtt_ ? adjusted - srtt_ : srtt_ - adjusted;
  rttvar_ = (3 * rttvar_ + off) / 4;
  srtt_ = std::max((7 * srtt_ + adjusted) / 8, kSampleMin);
}

base::Duration Rtt::pto() const noexcept {
  return std::max(srtt_ + std::max(4 * rttvar_, kGranularity) + kAckDelayMax, kPtoMin);
}

base::Duration Rtt::loss_delay() const noexcept {
  return std::max(9 * std::max(srtt_, latest_) / 8, kGranularity);
}

}  // namespace weft::sched
