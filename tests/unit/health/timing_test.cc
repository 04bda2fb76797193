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
  const auto interval = [](std::uint32_t asked) { return probe_interval(PathState::kProbing, asked, {}, 0); };
  EXPECT_EQ(interval(0), base::Duration{});
  EXPECT_EQ(interval(1), milliseconds(100));
  EXPECT_EQ(interval(2), milliseconds(200));
  EXPECT_EQ(interval(4), milliseconds(800));
  EXPECT_EQ(interval(5), seconds(1));
  EXPECT_EQ(interval(UINT32_MAX), seconds(1));
}

TEST(Timing, ADownPathIsAskedEachEighthOfItsOutage) {
  const auto interval = [](base::Duration unheard) { return probe_interval(PathState::kDown, 1, unheard, 0); };
  EXPECT_EQ(probe_interval(PathState::kDown, 0, seconds(9), 0), base::Duration{});
  EXPECT_EQ(interval({}), kSuspectProbe);
  EXPECT_EQ(interval(milliseconds(200)), milliseconds(25));
  EXPECT_EQ(interval(milliseconds(400)), milliseconds(50));
  EXPECT_EQ(interval(seconds(8)), seconds(1));
  EXPECT_EQ(interval(seconds(100'000)), seconds(1));
}

TEST(Timing, KeepAliveFollowsTheScoreAndTheBoundWins) {
  EXPECT_EQ(keep_alive_interval(100), seconds(120));
  EXPECT_EQ(keep_alive_interval(80), seconds(120));
  EXPECT_EQ(keep_alive_interval(79), seconds(60));
  EXPECT_EQ(keep_alive_interval(40), seconds(30));
  EXPECT_EQ(keep_alive_interval(20), seconds(15));
  EXPECT_EQ(keep_alive_interval(0), seconds(5));
  EXPECT_EQ(probe_interval(PathState::kActive, 0, {}, 100), kIdleProbe);
  EXPECT_EQ(probe_interval(PathState::kStandby, 9, {}, 0), kIdleProbe);
  EXPECT_EQ(probe_interval(PathState::kDraining, 0, {}, 100), base::kForever);
  EXPECT_EQ(probe_interval(PathState::kAbsent, 0, {}, 100), base::kForever);
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
