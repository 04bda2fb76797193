// What is worth a line of the log about one path or link: that it gets worse, or is no longer getting worse, and changes of
// its score beyond a hysteresis, so that a score that swings is no flood.
// Owner: control, one per path or link. Pure.
#pragma once

#include <cstdint>
#include <utility>

#include "engine/base/time.hh"

namespace weft::health {

enum class News : std::uint8_t { kNone, kWorse, kSteady, kScore };
[[nodiscard]] constexpr const char* text_of(News news) noexcept {
  switch (news) {
    case News::kNone: break;
    case News::kWorse: return "gets worse";
    case News::kSteady: return "no longer gets worse";
    case News::kScore: return "has another score";
  }
  return "";
}

class ScoreTold {
 public:
  static constexpr int kStep = 20;                                  // points; the keep-alive table has steps of 20
  static constexpr base::Duration kEvery = base::seconds(10);       // of scores, a line at the most

  // `judged`: the score is of a path that carries data, or a link that is up. The first score is no news.
  [[nodiscard]] constexpr News on_verdict(bool judged, std::uint8_t score, bool degrading, base::Instant now) noexcept {
    const bool was = std::exchange(degrading_, degrading);
    if (was != degrading) return degrading ? News::kWorse : News::kSteady;
    return judged && on_score(score, now) ? News::kScore : News::kNone;
  }
  // What the score was when it was told of last, before News::kScore.
  [[nodiscard]] constexpr int before() const noexcept { return before_; }

 private:
  constexpr bool on_score(std::uint8_t score, base::Instant now) noexcept {
    const int change = int{score} - told_;
    if (known_ && ((change < kStep && change > -kStep) || now - told_at_ < kEvery)) return false;
    before_ = std::exchange(told_, score);
    told_at_ = now;
    return std::exchange(known_, true);
  }

  int told_ = 0, before_ = 0;
  base::Instant told_at_{};
  bool known_ = false, degrading_ = false;
};

}  // namespace weft::health
