// What is concluded of a link from the kernel's figures (health/link_health.hh).
#include "health/link_health.hh"

#include <gtest/gtest.h>

namespace weft::health {
namespace {

using base::milliseconds;
using base::seconds;
using share::PathReason;

LinkReport up(std::int64_t rtt_us, std::uint64_t sent = 0, std::uint64_t again = 0) {
  return {.connected = true, .rtt = base::microseconds(rtt_us), .rttvar = base::microseconds(rtt_us / 20),
          .rtt_min = base::microseconds(1000), .bytes_sent = sent, .bytes_again = again};
}

TEST(LinkHealth, AGoodLinkIsAskedSeldom) {
  LinkMemory memory;
  const LinkVerdict verdict = judge(up(1000), memory, {});
  EXPECT_GE(verdict.score, 95);
  EXPECT_EQ(verdict.reason, PathReason::kNone);
  EXPECT_EQ(verdict.keep_alive, seconds(120));
  EXPECT_FALSE(verdict.degrading);
}

Settings fixed(std::int64_t interval_s) {
  Settings settings;
  settings.keep_alive = {.adaptive = false, .max = seconds(interval_s)};
  return settings;
}

TEST(LinkHealth, NoOptionLetsALinkRestUntilItsPeerTakesItForDead) {
  LinkMemory memory;
  EXPECT_EQ(judge(up(1000), memory, fixed(3600)).keep_alive, kLinkSilenceMax);
  EXPECT_EQ(judge(up(1000), memory, fixed(30)).keep_alive, seconds(30));
}

TEST(LinkHealth, WithoutALinkThereIsNoScoreAndNothingToAsk) {
  LinkMemory memory;
  const LinkVerdict verdict = judge({}, memory, {});
  EXPECT_EQ(verdict.score, 0);
  EXPECT_EQ(verdict.reason, PathReason::kSilence);
  EXPECT_EQ(verdict.keep_alive, base::Duration{});
}

TEST(LinkHealth, OneWithoutARoundTripYetIsUnmeasuredAndAskedSoon) {
  LinkMemory memory;
  const LinkVerdict verdict = judge({.connected = true}, memory, {});
  EXPECT_EQ(verdict.reason, PathReason::kUnmeasured);
  EXPECT_EQ(verdict.keep_alive, seconds(5));
}

TEST(LinkHealth, ALongRoundTripIsNamedWithItsFigure) {
  LinkMemory memory;
  const LinkVerdict verdict = judge(up(120'000), memory, {});
  EXPECT_LT(verdict.score, kScoreGood);
  EXPECT_EQ(verdict.reason, PathReason::kLatency);
  EXPECT_EQ(verdict.measure, 12'000u);            // percent of its floor
  EXPECT_LT(verdict.keep_alive, seconds(120));
}

TEST(LinkHealth, LossIsOfWhatWasSentLatelyAndIsForgotten) {
  LinkMemory memory;
  EXPECT_EQ(judge(up(1000, 1000, 900), memory, {}).loss_permille, 3u);          // 900 bytes are no loss rate yet
  EXPECT_EQ(judge(up(1000, 1'001'000, 100'900), memory, {}).loss_permille, 100u);
  std::uint64_t sent = 1'001'000;
  LinkVerdict verdict;
  for (int i = 0; i < 20; ++i) verdict = judge(up(1000, sent += 4 << 20, 100'900), memory, {});
  EXPECT_EQ(verdict.loss_permille, 0u);
}

TEST(LinkHealth, AnotherConnectionBetweenTwoLooksCountsFromItsBeginning) {
  LinkMemory memory;
  (void)judge(up(1000, 10u << 20, 5000), memory, {});
  const LinkVerdict verdict = judge(up(1000, 2u << 20, 0), memory, {});
  EXPECT_EQ(verdict.loss_permille, 0u);
  EXPECT_GE(verdict.score, 95);
}

TEST(LinkHealth, FallsCountAndAreHalfForgottenInTenMinutes) {
  LinkMemory memory;
  for (int fall = 0; fall < 8; ++fall) {
    (void)judge(up(1000), memory, {});
    (void)judge({}, memory, {});
  }
  const std::uint32_t after = memory.unrest.falls();
  EXPECT_GT(after, 7 * kOneFall);
  const std::uint8_t flapped = judge(up(1000), memory, {}).score;
  for (int call = 0; call < seconds(600).ns / kLinkEvery.ns; ++call) (void)judge(up(1000), memory, {});
  EXPECT_NEAR(memory.unrest.falls(), after / 2, after / 20);
  EXPECT_GT(judge(up(1000), memory, {}).score, flapped);
}

TEST(LinkHealth, ARoundTripThatGrowsIsToldBeforeItIsBad) {
  LinkMemory memory;
  for (int call = 0; call < 100; ++call) EXPECT_FALSE(judge(up(1000 + call % 7), memory, {}).degrading);
  int call = 0;
  while (!judge(up(1000 + 2000 * ++call), memory, {}).degrading) ASSERT_LT(call, 60);
  EXPECT_LT(call, 40);
}

TEST(LinkHealth, ADelayedAckIsNoTrouble) {
  LinkMemory memory;
  LinkVerdict verdict;
  for (int call = 0; call < 200; ++call) {
    verdict = judge({.connected = true, .rtt = base::microseconds(call % 3 == 0 ? 41'000 : 6'000), .rttvar = milliseconds(11),
                     .rtt_min = base::microseconds(8)}, memory, {});
    EXPECT_FALSE(verdict.degrading) << call;
    EXPECT_GE(verdict.score, 70) << call;
  }
}

}  // namespace
}  // namespace weft::health
