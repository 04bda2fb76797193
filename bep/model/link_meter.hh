// How quickly one link answers: the rate at which answers came while it was busy, and when one more would be there.
// arrival = (outstanding + bytes) / rate + srtt / 2: the estimate by which chunks are striped over lanes (sched), for requests
// over links. Pure; units: bytes, nanoseconds. Owner: control, one per link.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/must.hh"
#include "engine/base/time.hh"

namespace weft::model {

class LinkMeter {
 public:
  static constexpr base::Duration kWindow = base::milliseconds(50);
  // Of a link that has answered nothing yet: slow enough not to be given much, quick enough to be tried.
  static constexpr std::uint64_t kFirstRate_Bps = 12'500'000;
  // A link that was not asked for so long is tried again: what made it slow may be over.
  static constexpr base::Duration kStale = base::seconds(10);

  constexpr void on_asked(std::uint32_t bytes, base::Instant now) noexcept {
    if (outstanding_ == 0) begin(now, true);
    outstanding_ += bytes;
    used_at_ = now;
  }
  // Answered with what was asked for, or (`arrived` 0) with a refusal.
  constexpr void on_answered(std::uint32_t asked, std::uint32_t arrived, base::Instant now) noexcept {
    MUST(outstanding_ >= asked);
    outstanding_ -= asked;
    arrived_ += arrived;
    used_at_ = now;
    const base::Duration took = now - since_;
    if (took.ns <= 0 || (took < kWindow && outstanding_ > 0)) return;
    if (arrived_ > 0) take(arrived_ * 1'000'000'000 / static_cast<std::uint64_t>(took.ns));   // else: refusals alone
    begin(now, false);
  }
  constexpr void set_rtt(base::Duration srtt) noexcept { srtt_ = srtt; }
  // From asking to the answer's last byte: what the peer's disk and the queue before it add to a round trip. Smoothed as srtt.
  constexpr void on_answer_took(base::Duration took) noexcept {
    answer_time_ = answer_time_.ns == 0 ? took : (7 * answer_time_ + took) / 8;
  }
  [[nodiscard]] constexpr base::Duration answer_time() const noexcept { return answer_time_; }   // 0: nothing was answered

  [[nodiscard]] constexpr std::uint64_t outstanding() const noexcept { return outstanding_; }
  [[nodiscard]] constexpr std::uint64_t rate_Bps() const noexcept { return rate_Bps_; }   // 0: not measured
  [[nodiscard]] constexpr base::Duration arrival(std::uint32_t bytes, base::Instant now) const noexcept {
    const bool stale = outstanding_ == 0 && now - used_at_ > kStale;
    const std::uint64_t rate = rate_Bps_ == 0 || stale ? std::max(rate_Bps_, kFirstRate_Bps) : rate_Bps_;
    return base::nanoseconds(static_cast<std::int64_t>((outstanding_ + bytes) * 1'000'000'000 / rate)) + srtt_ / 2;
  }

 private:
  constexpr void begin(base::Instant now, bool from_rest) noexcept {
    since_ = now;
    arrived_ = 0;
    from_rest_ = from_rest;
  }
  // A window that began or ended at rest holds a round trip or a pause: it only says that the link can do at least so much.
  constexpr void take(std::uint64_t sample) noexcept {
    const bool limited = from_rest_ || outstanding_ == 0;
    if (rate_Bps_ == 0) rate_Bps_ = sample;
    else if (!limited || sample > rate_Bps_) rate_Bps_ = (3 * rate_Bps_ + sample) / 4;
    rate_Bps_ = std::max<std::uint64_t>(rate_Bps_, 1);
  }

  std::uint64_t outstanding_ = 0, arrived_ = 0, rate_Bps_ = 0;
  base::Instant since_{}, used_at_{};
  base::Duration srtt_{}, answer_time_{};
  bool from_rest_ = true;
};

}  // namespace weft::model
