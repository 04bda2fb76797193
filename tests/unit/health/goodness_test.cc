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

// By hand, floor 19 + 1 ms, weights 40, 20, 20, 10, 10.
TEST(Goodness, TheReasonIsThePartThatCostsMost) {
  // Latency 20 / 80 = 250.
  const Goodness late =
      goodness({.srtt = milliseconds(79), .rttvar = {}, .rtt_min = milliseconds(19), .noise = milliseconds(1)});
  EXPECT_EQ(late.permille, 700u);
  EXPECT_EQ(late.score, 70);
  EXPECT_EQ(late.reason, PathReason::kLatency);
  EXPECT_EQ(late.measure, 415u);   // percent of the floor
  // Jitter 20 / (20 + 2 * 190) = 50, and a little latency.
  const Goodness unsteady =
      goodness({.srtt = milliseconds(21), .rttvar = milliseconds(190), .rtt_min = milliseconds(19)});
  EXPECT_EQ(unsteady.reason, PathReason::kJitter);
  EXPECT_EQ(unsteady.measure, 190'000u);
  const Goodness lossy = goodness({.srtt = milliseconds(21), .rttvar = milliseconds(2), .rtt_min = milliseconds(19),
                                   .loss_permille = 100, .noise = milliseconds(1)});
  EXPECT_EQ(lossy.permille, 730u);   // 0.4 * 20 / 22 + 0.2 * 20 / 24 + 0 + 0.2
  EXPECT_EQ(lossy.reason, PathReason::kLoss);
  EXPECT_EQ(lossy.measure, 100u);
}

Quality at_its_best() { return {.srtt = milliseconds(19), .rttvar = {}, .rtt_min = milliseconds(19)}; }

TEST(Goodness, APathThatTakesLessThanItDidAndOneThatFellAreWorse) {
  const Weights only_goodput{0, 0, 0, 1, 0}, only_stability{0, 0, 0, 0, 1};
  Quality quality = at_its_best();
  quality.rate_Bps = 3'000'000'000;
  quality.capacity_Bps = 12'000'000'000;       // 100 Gbit/s
  Goodness good = goodness(quality, only_goodput);
  EXPECT_EQ(good.score, 25);
  EXPECT_EQ(good.reason, PathReason::kGoodput);
  EXPECT_EQ(good.measure, 25u);
  quality.rate_Bps = 0;                        // not known, or nothing to send
  EXPECT_EQ(goodness(quality, only_goodput).score, 100);

  quality.falls = 3 * kOneFall;
  good = goodness(quality, only_stability);
  EXPECT_EQ(good.score, 25);
  EXPECT_EQ(good.reason, PathReason::kUnrest);
  EXPECT_EQ(good.measure, 3 * kOneFall);
}

// What the older formulas could not tell apart.
TEST(Goodness, TellsATenthOfAMillisecondFromOneAndTenGigabitFromAHundred) {
  const Quality quality{.srtt = milliseconds(1), .rttvar = {}, .rtt_min = microseconds(100)};
  EXPECT_LT(goodness(quality, {.latency = 1, .jitter = 0, .loss = 0, .goodput = 0, .stability = 0}).score, kScoreGood);
  Quality rates = at_its_best();
  rates.rate_Bps = 1'250'000'000;
  rates.capacity_Bps = 12'500'000'000;
  EXPECT_EQ(goodness(rates, {.latency = 0, .jitter = 0, .loss = 0, .goodput = 1, .stability = 0}).score, 10);
}

TEST(Goodness, AWeightIsAPart) {
  Quality quality = at_its_best();
  quality.loss_permille = 100;
  EXPECT_EQ(goodness(quality, {.latency = 1, .jitter = 1, .loss = 2, .goodput = 0, .stability = 0}).permille, 500u);
  EXPECT_EQ(goodness(quality, {.latency = 1, .jitter = 0, .loss = 0, .goodput = 0, .stability = 0}).permille, 1000u);
}

TEST(Goodness, ThePollLoopsNoiseOnALanCostsLittle) {
  const Goodness lan = goodness(
      {.srtt = microseconds(250), .rttvar = microseconds(60), .rtt_min = microseconds(60)});
  EXPECT_GE(lan.score, kScoreGood);
  // Seen between two wefts at rest, whose cores sleep up to kNoise before they answer.
  const Goodness at_rest = goodness(
      {.srtt = microseconds(1300), .rttvar = microseconds(700), .rtt_min = microseconds(150)});
  EXPECT_GE(at_rest.score, kScoreGood - 5);
}

TEST(Goodness, StaysInItsBounds) {
  const Goodness worst = goodness({.srtt = base::seconds(60),
                                   .rttvar = base::seconds(60),
                                   .rtt_min = {},
                                   .loss_permille = UINT32_MAX,
                                   .rate_Bps = 1,
                                   .capacity_Bps = UINT64_MAX / 1000,
                                   .falls = UINT32_MAX});
  EXPECT_LE(worst.permille, 10u);
  // A floor above the smoothed value (a lane made anew) is no better than perfect.
  EXPECT_EQ(goodness({.srtt = milliseconds(5), .rttvar = {}, .rtt_min = milliseconds(9)}).permille,
            1000u);
}

}  // namespace
}  // namespace weft::health
