#include "health/trend.hh"

#include <gtest/gtest.h>

#include "engine/base/prng.hh"

namespace weft::health {
namespace {

// Uniform within 10 of 1000.
std::int64_t usual(base::Prng& dice) { return 990 + dice.below(21); }

Trend learnt(base::Prng& dice, std::int64_t noise = 1) {
  Trend trend(noise);
  for (int i = 0; i < 600; ++i) trend.on_sample(usual(dice));
  EXPECT_FALSE(trend.is_watched());
  return trend;
}

// Samples until the alarm; 0: none within `limit`.
template <typename Next> int until_alarm(Trend& trend, int limit, Next next) {
  for (int i = 1; i <= limit; ++i) {
    trend.on_sample(next(i));
    if (trend.is_alarmed()) return i;
  }
  return 0;
}

TEST(Trend, WhatStaysAsItWasIsNone) {
  base::Prng dice(1);
  Trend trend = learnt(dice);
  EXPECT_EQ(until_alarm(trend, 1'000'000, [&](int) { return usual(dice); }), 0);
}

TEST(Trend, AStepIsSeenInHalfAMinuteAndARampSoonAfterItLeftWhatIsUsual) {
  base::Prng dice(2);
  Trend step = learnt(dice), ramp = learnt(dice);
  const int after_step = until_alarm(step, 100, [&](int) { return usual(dice) + 30; });
  EXPECT_GE(after_step, 9);
  EXPECT_LE(after_step, 30);
  const int after_ramp = until_alarm(ramp, 200, [&](int i) { return usual(dice) + i; });
  EXPECT_GE(after_ramp, 15);
  EXPECT_LE(after_ramp, 60);
}

TEST(Trend, FallingIsNoTrend) {
  base::Prng dice(3);
  Trend trend = learnt(dice);
  EXPECT_EQ(until_alarm(trend, 1000, [&](int i) { return usual(dice) - i; }), 0);
}

TEST(Trend, NeitherOneWildSampleNorAShortBurstRaisesTheAlarm) {
  base::Prng dice(4);
  Trend trend = learnt(dice);
  EXPECT_EQ(until_alarm(trend, 10'000, [&](int i) { return i % 50 < 7 ? 1'000'000 : usual(dice); }), 0);
}

TEST(Trend, WhatLastsIsTheNewUsual) {
  base::Prng dice(5);
  Trend trend = learnt(dice);
  int alarmed = 0;
  for (int i = 0; i < 2000; ++i) {
    trend.on_sample(usual(dice) + 500);
    if (trend.is_alarmed()) ++alarmed;
  }
  EXPECT_FALSE(trend.is_watched());
  EXPECT_EQ(alarmed, static_cast<int>(Trend::kAccept) - 1);
}

TEST(Trend, AnAlarmEndsWhenTheCauseDoes) {
  base::Prng dice(6);
  Trend trend = learnt(dice);
  ASSERT_NE(until_alarm(trend, 100, [&](int) { return usual(dice) + 100; }), 0);
  int samples = 0;
  for (; trend.is_alarmed() && samples < 1000; ++samples) trend.on_sample(usual(dice));
  EXPECT_LE(samples, 60);
}

TEST(Trend, NothingIsConcludedFromTooLittleOrFromNoise) {
  base::Prng dice(7);
  Trend young(1);
  EXPECT_EQ(until_alarm(young, static_cast<int>(Trend::kLearn), [](int i) { return std::int64_t{1000} * i; }), 0);
  Trend deaf = learnt(dice, 100);
  EXPECT_EQ(until_alarm(deaf, 1000, [&](int) { return usual(dice) + 90; }), 0);
  deaf.reset();
  EXPECT_FALSE(deaf.is_watched());
}

}  // namespace
}  // namespace weft::health
