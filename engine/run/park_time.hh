// How long a session is kept whose device is away, without link and without path: as long as this device usually is, and some.
// One that changes networks every few minutes finds its session where it was; one that is usually away for longer than sessions
// are kept is waited for no longer than a stranger. Pure; owner: one session.
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
    const base::Duration first = std::min(kFirst, longest_);
    return usual_ > longest_ ? first : std::clamp(kGaps * usual_, first, longest_);
  }

 private:
  base::Duration longest_, usual_{};
};

}  // namespace weft::run
