// Counts that fade (health/fading.hh).
#include "health/fading.hh"

#include <gtest/gtest.h>

namespace weft::health {
namespace {

TEST(LossShare, IsOfWhatWasSentLately) {
  LossShare share(1000, 100);
  share.on_counts(1000, 100);
  EXPECT_EQ(share.permille(), 100U);
  share.on_counts(11'000, 100);   // nothing lost since
  EXPECT_LT(share.permille(), 20U);
}

TEST(LossShare, SaysLittleOfFewPackets) {
  LossShare share(1000, 100);
  EXPECT_EQ(share.permille(), 0U);
  share.on_counts(2, 1);
  EXPECT_EQ(share.permille(), 10U);   // one of a hundred, not of two
}

TEST(LossShare, LateLossesAreNeverMoreThanAll) {
  LossShare share(1000, 10);
  share.on_counts(20, 0);
  share.on_counts(20, 500);
  EXPECT_EQ(share.permille(), 1000U);
}

TEST(LossShare, AStepBackSaysNothing) {
  LossShare share(1000, 10);
  share.on_counts(500, 50);
  EXPECT_TRUE(share.went_back(499, 50));
  EXPECT_TRUE(share.went_back(500, 49));
  EXPECT_FALSE(share.went_back(500, 50));
  share.on_counts(10, 0);
  EXPECT_EQ(share.permille(), 100U);
  share.on_counts(510, 50);           // counted from there
  EXPECT_EQ(share.permille(), 100U);
}

TEST(LossShare, AnotherConnectionKeepsWhatWasLostLately) {
  LossShare share(1000, 10);
  share.on_counts(400, 40);
  share.begin_anew();
  share.on_counts(100, 10);
  EXPECT_EQ(share.permille(), 100U);
  share.begin_at(100, 10);
  EXPECT_EQ(share.permille(), 0U);
  share.on_counts(200, 30);
  EXPECT_EQ(share.permille(), 200U);
}

class UnrestEvery : public testing::TestWithParam<std::int64_t> {};

TEST_P(UnrestEvery, IsHalfForgottenInTenMinutesAndWhollyInTheEnd) {
  const base::Duration every = base::seconds(GetParam());
  Unrest unrest(every);
  for (int fall = 0; fall < 50; ++fall) unrest.on_fall();
  EXPECT_EQ(unrest.falls(), 50 * kOneFall);
  const std::int64_t half = Unrest::kHalfLife.ns / every.ns;
  for (std::int64_t call = 0; call < half; ++call) unrest.fade();
  EXPECT_NEAR(unrest.falls(), 25 * kOneFall, 2 * kOneFall);
  for (std::int64_t call = 0; call < 100 * half; ++call) unrest.fade();
  EXPECT_EQ(unrest.falls(), 0U);
}
INSTANTIATE_TEST_SUITE_P(Health, UnrestEvery, testing::Values(1, 5, 60));

TEST(Unrest, HasABound) {
  Unrest unrest(base::seconds(1));
  for (int fall = 0; fall < 1000; ++fall) unrest.on_fall();
  EXPECT_EQ(unrest.falls(), Unrest::kMost);
}

}  // namespace
}  // namespace weft::health
