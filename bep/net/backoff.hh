// When to dial again: the steps 0, 1, 4, 16, 60 s, each spread by a quarter either way, so that two devices (or a
// hundred clients of one server) that lost each other at the same moment do not meet again at the same moment.
// Pure: no clock; the generator is given. Owner: one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "engine/base/must.hh"
#include "engine/base/prng.hh"
#include "engine/base/time.hh"

namespace weft::net {

class Backoff {
 public:
  // A step of zero becomes up to this: at once for a person, apart for two machines.
  static constexpr base::Duration kZeroSpread = base::milliseconds(100);

  Backoff(std::vector<base::Duration> steps, std::uint64_t seed) : steps_(std::move(steps)), prng_(seed) {
    MUST(!steps_.empty());
  }
  // The wait before the next attempt; the last step repeats.
  [[nodiscard]] base::Duration next() {
    const base::Duration step = steps_[std::min(at_, steps_.size() - 1)];
    ++at_;
    const base::Duration spread = step.ns == 0 ? kZeroSpread : step / 2;
    const base::Duration low = step.ns == 0 ? base::Duration{} : step - step / 4;
    return low + spread * static_cast<std::int64_t>(prng_.below(1024)) / 1024;
  }
  void reset() { at_ = 0; }

 private:
  std::vector<base::Duration> steps_;
  base::Prng prng_;
  std::size_t at_ = 0;
};

}  // namespace weft::net
