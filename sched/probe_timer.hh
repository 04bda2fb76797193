// The probe timeout of one lane: how long an answer may be waited for, and the back-off after that.
// Runs from the last progress (an answer, or the first packet after nothing was in flight), not
// from the last packet sent as RFC 9002 6.2.1 does: control frames that keep going out on a dead
// lane must not postpone its discovery.
// Owner: one data core. Not here: what a timeout does (lane.cc).
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/time.hh"
#include "sched/rtt.hh"

namespace weft::sched {

class ProbeTimer {
 public:
  // A packet that elicits an ack leaves; `first`: nothing was in flight before it.
  void on_sent(bool first, base::Instant now) noexcept {
    if (first) since_ = std::max(since_, now);
    wanted_ = false;
  }
  // Something of ours was acknowledged.
  void on_answer(base::Instant now) noexcept {
    since_ = now;
    silent_since_ = base::kNever;
    count_ = 0;
    wanted_ = false;
  }
  // What was in flight is handed back unanswered, the oldest sent at `oldest_sent`.
  void on_evacuated(base::Instant oldest_sent) noexcept {
    silent_since_ = std::min(silent_since_, oldest_sent);
  }
  void on_fired() noexcept {
    ++count_;
    wanted_ = true;
  }

  // While something is in flight; `oldest_sent`: of the oldest packet that is not settled.
  [[nodiscard]] base::Instant deadline(base::Duration pto,
                                       base::Instant oldest_sent) const noexcept {
    // In a silence the oldest packet is an evacuated one, and the probe counts from `since_`.
    const base::Instant from = count_ == 0 ? std::max(since_, oldest_sent) : since_;
    const base::Duration backed_off = pto * (std::int64_t{1} << std::min(count_, kBackOffMax));
    return from + std::min(backed_off, std::max(kPtoMax, pto));
  }

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }  // consecutive
  [[nodiscard]] bool wanted() const noexcept { return wanted_; }
  [[nodiscard]] base::Instant silent_since() const noexcept { return silent_since_; }

 private:
  static constexpr std::uint32_t kBackOffMax = 10;  // 2^10 times kPtoMin is beyond kPtoMax

  base::Instant since_{};
  base::Instant silent_since_ = base::kNever;  // send time of the first packet of a silence
  std::uint32_t count_ = 0;
  bool wanted_ = false;
};

}  // namespace weft::sched
