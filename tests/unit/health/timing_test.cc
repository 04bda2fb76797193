#include "health/timing.hh"

#include <gtest/gtest.h>

namespace weft::health {
namespace {

using base::microseconds;
using base::milliseconds;
using base::seconds;
using share::PathState;

TEST(Timing, SuspicionAndDeathOnALanAndOnALongPath) {
  EXPECT_EQ(pto(microseconds(300), microseconds(50)), milliseconds(5));
  EXPECT_EQ(suspect_after(microseconds(300), microseconds(50)), milliseconds(10));
  EXPECT_EQ(dead_after(microseconds(300), microseconds(50)), milliseconds(100));
  // 100 ms, variance 5 ms: PTO 121 ms.
  EXPECT_EQ(pto(milliseconds(100), milliseconds(5)), milliseconds(121));
  EXPECT_EQ(suspect_after(milliseconds(100), milliseconds(5)), milliseconds(300));
  EXPECT_EQ(dead_after(milliseconds(100), milliseconds(5)), milliseconds(363));
}

TEST(Timing, SuspicionNeverComesAfterDeath) {
  for (std::int64_t srtt_us = 1; srtt_us < 10'000'000; srtt_us = srtt_us * 3 + 1)
    for (std::int64_t var_us = 1; var_us < srtt_us; var_us = var_us * 4 + 1)
      EXPECT_LE(suspect_after(microseconds(srtt_us), microseconds(var_us)),
                dead_after(microseconds(srtt_us), microseconds(var_us)));
}

TEST(Timing, ACandidateIsAskedAtDoublingIntervalsUpToASecond) {
  const auto interval = [](std::uint32_t asked) { return probe_interval({.state = PathState::kProbing, .asked = asked}, {}); };
  EXPECT_EQ(interval(0), base::Duration{});
  EXPECT_EQ(interval(1), milliseconds(100));
  EXPECT_EQ(interval(2), milliseconds(200));
  EXPECT_EQ(interval(4), milliseconds(800));
  EXPECT_EQ(interval(5), seconds(1));
  EXPECT_EQ(interval(UINT32_MAX), seconds(1));
}

TEST(Timing, ADownPathIsAskedEachEighthOfItsOutage) {
  const auto interval = [](base::Duration unheard) {
    return probe_interval({.state = PathState::kDown, .asked = 1, .unheard = unheard}, {});
  };
  EXPECT_EQ(probe_interval({.state = PathState::kDown, .unheard = seconds(9)}, {}), base::Duration{});
  EXPECT_EQ(interval({}), kSuspectProbe);
  EXPECT_EQ(interval(milliseconds(200)), milliseconds(25));
  EXPECT_EQ(interval(milliseconds(400)), milliseconds(50));
  EXPECT_EQ(interval(seconds(8)), seconds(1));
  EXPECT_EQ(interval(seconds(100'000)), seconds(1));
}

TEST(Timing, KeepAliveFollowsTheScoreWithinTheOptions) {
  const auto s = [](std::uint8_t score, const KeepAlive& options = {}) {
    return keep_alive_interval(score, options).ms() / 1000;
  };
  EXPECT_EQ(s(100), 120);
  EXPECT_EQ(s(80), 120);
  EXPECT_EQ(s(79), 60);
  EXPECT_EQ(s(60), 60);
  EXPECT_EQ(s(59), 30);
  EXPECT_EQ(s(40), 30);
  EXPECT_EQ(s(39), 15);
  EXPECT_EQ(s(20), 15);
  EXPECT_EQ(s(19), 5);
  EXPECT_EQ(s(0), 5);
  const KeepAlive narrow{.min = seconds(20), .max = seconds(45)};
  EXPECT_EQ(s(100, narrow), 45);
  EXPECT_EQ(s(50, narrow), 30);
  EXPECT_EQ(s(0, narrow), 20);
  for (const std::uint8_t score : std::initializer_list<std::uint8_t>{0, 50, 100})
    EXPECT_EQ(s(score, {.adaptive = false, .max = seconds(90)}), 90);
}

TEST(Timing, TheSmoothKeepAliveMeetsTheStepsAndNeverFalls) {
  const KeepAlive smooth{.smooth = true};
  for (const int score : {0, 20, 40, 60, 80, 100})
    EXPECT_EQ(keep_alive_interval(static_cast<std::uint8_t>(score), smooth),
              keep_alive_interval(static_cast<std::uint8_t>(score), {})) << score;
  EXPECT_EQ(keep_alive_interval(30, smooth), milliseconds(22'500));
  for (std::uint8_t score = 0; score < 100; ++score)
    EXPECT_LE(keep_alive_interval(score, smooth), keep_alive_interval(score + 1, smooth));
}

TEST(Timing, AnIdleSessionIsAskedEverLessOftenUpToTheKeepAlive) {
  const auto interval = [](base::Duration idle, std::uint8_t score) {
    return probe_interval({.state = PathState::kStandby, .asked = 9, .idle = idle, .score = score}, {});
  };
  EXPECT_EQ(interval({}, 100), kIdleProbe);          // its session carries data by another path
  EXPECT_EQ(interval(seconds(40), 100), seconds(5));
  EXPECT_EQ(interval(seconds(80), 100), seconds(10));
  EXPECT_EQ(interval(seconds(960), 100), seconds(120));
  EXPECT_EQ(interval(seconds(86'400), 100), seconds(120));
  EXPECT_EQ(interval(seconds(86'400), 0), seconds(5));
  EXPECT_EQ(probe_interval({.state = PathState::kActive, .score = 100}, {.min = seconds(1), .max = seconds(2)}), seconds(2));
  EXPECT_EQ(probe_interval({.state = PathState::kDraining, .score = 100}, {}), base::kForever);
  EXPECT_EQ(probe_interval({.state = PathState::kAbsent, .score = 100}, {}), base::kForever);
}

TEST(Timing, ASessionIsActiveThenInactiveThenDormant) {
  EXPECT_EQ(activity_of({}), Activity::kActive);
  EXPECT_EQ(activity_of(milliseconds(9'999)), Activity::kActive);
  EXPECT_EQ(activity_of(seconds(10)), Activity::kInactive);
  EXPECT_EQ(activity_of(seconds(599)), Activity::kInactive);
  EXPECT_EQ(activity_of(seconds(600)), Activity::kDormant);
  EXPECT_STREQ(name_of(Activity::kDormant), "dormant");
}

TEST(Timing, EachFallDoublesTheHold) {
  EXPECT_EQ(flap_hold(0), base::Duration{});
  EXPECT_EQ(flap_hold(1), base::Duration{});
  EXPECT_EQ(flap_hold(2), milliseconds(200));
  EXPECT_EQ(flap_hold(3), milliseconds(400));
  EXPECT_EQ(flap_hold(UINT32_MAX), seconds(5));
}

}  // namespace
}  // namespace weft::health
