// How many PATH_CHALLENGEs of its peer a lane answers: some at once, because what was held up comes together, then one per
// kEvery. A peer of ours asks ten times within 100 ms of a lane's beginning, and every 25 ms where it suspects
// (health/timing.hh), so only one that asks for the sake of the answers goes without; the excess is counted
// (share::Drop::kExcessProbe).
// Owner: one data core, one per lane.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/time.hh"

namespace weft::run {

class ProbeAllowance {
 public:
  static constexpr std::uint32_t kAtOnce = 16;
  static constexpr base::Duration kEvery = base::milliseconds(10);

  // False: this one goes unanswered. Times do not go back.
  [[nodiscard]] bool take(base::Instant now) noexcept {
    const std::int64_t earned = std::min<std::int64_t>((now - since_).ns / kEvery.ns, kAtOnce);
    left_ = static_cast<std::uint32_t>(std::min<std::int64_t>(left_ + earned, kAtOnce));
    if (left_ == kAtOnce) since_ = now;
    else since_ += earned * kEvery;
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  std::uint32_t left_ = kAtOnce;
  base::Instant since_{};               // what was earned up to here is in left_
};

}  // namespace weft::run
