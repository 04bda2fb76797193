// How long a session is kept whose device is away, without link and without path: as long as this device usually is, and some.
// A device that comes back each night need not be waited for in vain, one that changes networks every few minutes finds its
// session where it was. Pure; owner: one session.
#pragma once

#include <algorithm>

#include "engine/base/time.hh"

namespace weft::run {

class ParkTime {
 public:
  static constexpr base::Duration kFirst = base::seconds(60);   // of a device whose habit is not known
  static constexpr std::int64_t kGaps = 4;                      // so many of its usual absences

  // `longest`: option sessionParkS; 0: sessions are not kept.
  explicit constexpr ParkTime(base::Duration longest) noexcept : longest_(longest) {}
  // It came back after so long, whether its session was still there or not.
  constexpr void on_gap(base::Duration gap) noexcept { usual_ = usual_.ns == 0 ? gap : (3 * usual_ + gap) / 4; }
  [[nodiscard]] constexpr base::Duration now() const noexcept {
    return std::clamp(kGaps * std::min(usual_, longest_), std::min(kFirst, longest_), longest_);
  }

 private:
  base::Duration longest_, usual_{};
};

}  // namespace weft::run
