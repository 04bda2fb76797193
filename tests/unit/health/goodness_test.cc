#include "health/goodness.hh"

#include <gtest/gtest.h>

namespace weft::health {
namespace {

using base::microseconds;
using base::milliseconds;
using share::PathReason;

TEST(Goodness, APathAtItsOwnBestScoresAHundredWhateverItsSpeed) {
  for (const std::int64_t rtt_us : {50, 5'000, 600'000}) {
    const Goodness best =
        goodness({.srtt = microseconds(rtt_us), .rttvar = {}, .rtt_min = microseconds(rtt_us)});
    EXPECT_EQ(best.permille, 1000u);
    EXPECT_EQ(best.score, 100);
    EXPECT_EQ(best.reason, PathReason::kNone);
  }
}

TEST(Goodness, WithoutAMeasurementItIsUnmeasured) {
  EXPECT_EQ(goodness({}).score, 0);
  EXPECT_EQ(goodness({}).reason, PathReason::kUnmeasured);
}

// By hand, floor 19 + 1 ms: latency 20 / 80 = 250, loss none, jitter none: 0.5 * 250 + 300 + 200.
TEST(Goodness, TheReasonIsThePartThatCostsMost) {
  const Goodness late =
      goodness({.srtt = milliseconds(79), .rttvar = {}, .rtt_min = milliseconds(19)});
  EXPECT_EQ(late.permille, 625u);
  EXPECT_EQ(late.score, 63);
  EXPECT_EQ(late.reason, PathReason::kLatency);
  // 20 / (20 + 2 * 90) = 100: 500 + 30 + 200.
  const Goodness unsteady =
      goodness({.srtt = milliseconds(19), .rttvar = milliseconds(90), .rtt_min = milliseconds(19)});
  EXPECT_EQ(unsteady.permille, 730u);
  EXPECT_EQ(unsteady.reason, PathReason::kJitter);
  // All three bad, loss least of them; then loss alone with a little jitter.
  EXPECT_EQ(goodness({.srtt = milliseconds(19),
                      .rttvar = milliseconds(2),
                      .rtt_min = milliseconds(19),
                      .loss_permille = 100})
                .reason,
            PathReason::kLoss);
}

TEST(Goodness, ThePollLoopsNoiseOnALanCostsLittle) {
  const Goodness lan = goodness(
      {.srtt = microseconds(250), .rttvar = microseconds(60), .rtt_min = microseconds(60)});
  EXPECT_GE(lan.score, kScoreGood);
}

TEST(Goodness, StaysInItsBounds) {
  const Goodness worst = goodness({.srtt = base::seconds(60),
                                   .rttvar = base::seconds(60),
                                   .rtt_min = {},
                                   .loss_permille = UINT32_MAX / 1000});
  EXPECT_LE(worst.permille, 10u);
  // A floor above the smoothed value (a lane made anew) is no better than perfect.
  EXPECT_EQ(goodness({.srtt = milliseconds(5), .rttvar = {}, .rtt_min = milliseconds(9)}).permille,
            1000u);
}

}  // namespace
}  // namespace weft::health
