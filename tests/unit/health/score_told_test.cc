// What is worth a line of the log (health/score_told.hh).
#include "health/score_told.hh"

#include <gtest/gtest.h>

namespace weft::health {
namespace {

constexpr base::Instant at(std::int64_t s) { return base::Instant{} + base::seconds(100 + s); }

TEST(ScoreTold, TheFirstScoreIsNoNews) {
  ScoreTold told;
  EXPECT_EQ(told.on_verdict(true, 90, false, at(0)), News::kNone);
}

TEST(ScoreTold, SmallSwingsAreNone) {
  ScoreTold told;
  (void)told.on_verdict(true, 80, false, at(0));
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(told.on_verdict(true, static_cast<std::uint8_t>(i % 2 == 0 ? 99 : 61), false, at(20 * i)), News::kNone);
}

TEST(ScoreTold, AStepIsToldOnceWithWhatItWas) {
  ScoreTold told;
  (void)told.on_verdict(true, 90, false, at(0));
  EXPECT_EQ(told.on_verdict(true, 70, false, at(11)), News::kScore);
  EXPECT_EQ(told.before(), 90);
  EXPECT_EQ(told.on_verdict(true, 70, false, at(30)), News::kNone);
  EXPECT_EQ(told.on_verdict(true, 89, false, at(50)), News::kNone);
  EXPECT_EQ(told.on_verdict(true, 90, false, at(51)), News::kScore);
}

TEST(ScoreTold, WildSwingsAreALineIn10sAtTheMost) {
  ScoreTold told;
  int lines = 0;
  for (int i = 0; i < 1000; ++i)
    if (told.on_verdict(true, i % 2 == 0 ? 100 : 0, false, at(0) + base::milliseconds(100) * i) != News::kNone) ++lines;
  EXPECT_GT(lines, 0);
  EXPECT_LE(lines, 10);
}

TEST(ScoreTold, AWarningIsToldWhenItTurns) {
  ScoreTold told;
  (void)told.on_verdict(true, 90, false, at(0));
  EXPECT_EQ(told.on_verdict(true, 90, true, at(1)), News::kWorse);
  EXPECT_EQ(told.on_verdict(true, 90, true, at(2)), News::kNone);
  EXPECT_EQ(told.on_verdict(true, 90, false, at(3)), News::kSteady);
}

TEST(ScoreTold, WhatCarriesNothingHasNoScoreToTell) {
  ScoreTold told;
  (void)told.on_verdict(true, 90, false, at(0));
  EXPECT_EQ(told.on_verdict(false, 0, false, at(60)), News::kNone);
  EXPECT_EQ(told.on_verdict(true, 90, false, at(120)), News::kNone);
}

}  // namespace
}  // namespace weft::health
