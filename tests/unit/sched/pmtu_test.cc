// The search for a path's packet size against paths that carry some sizes and not others, in virtual time.
#include "sched/pmtu.hh"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/prng.hh"

namespace weft::sched {
namespace {

constexpr base::Duration kRtt = base::milliseconds(1);

// A path that carries packets up to `carries` and loses some of those.
struct Path {
  std::uint16_t carries = 0;
  std::uint32_t loss_permille = 0;
  base::Prng dice{1};
  bool delivers(std::uint32_t bytes) { return bytes <= carries && dice.below(1000) >= loss_permille; }
};

void acknowledge(Pmtu& pmtu, std::uint64_t number, base::Instant now) {
  wire::Ack ack{.largest = number};
  ASSERT_TRUE(ack.ranges.try_push({number, number}));
  pmtu.handle_ack(ack, now);
}

// Runs probes for a time. Returns how many were sent.
std::uint32_t run(Pmtu& pmtu, Path& path, base::Instant& now, base::Duration time) {
  std::uint32_t probes = 0;
  for (const base::Instant end = now + time; now < end; now += kRtt) {
    if (pmtu.next_deadline() <= now) pmtu.handle_timeout(now);
    if (!pmtu.probe_due()) continue;
    const std::uint16_t bytes = pmtu.probe_bytes();
    pmtu.on_probe_sent(++probes, kRtt, now);
    if (path.delivers(bytes)) acknowledge(pmtu, probes, now + kRtt);
  }
  return probes;
}

TEST(Pmtu, BeforeTheAddressIsProvedItKeepsToTheBase) {
  Pmtu pmtu(1472);
  EXPECT_EQ(pmtu.packet_bytes(), Pmtu::kBaseBytes);
  EXPECT_FALSE(pmtu.probe_due());
  EXPECT_EQ(pmtu.next_deadline(), base::kNever);
}

TEST(Pmtu, OneProbeIsEnoughWhereTheLargestWorks) {
  Pmtu pmtu(8972);
  Path path{.carries = 8972};
  base::Instant now{};
  pmtu.on_validated(now);
  EXPECT_EQ(run(pmtu, path, now, base::seconds(2000)), 1u);
  EXPECT_EQ(pmtu.packet_bytes(), 8972);
  EXPECT_TRUE(pmtu.complete());
}

TEST(Pmtu, FindsWhatAnyPathCarries) {
  for (std::uint16_t carries = Pmtu::kBaseBytes; carries <= 8972; carries += 7) {
    Pmtu pmtu(8972);
    Path path{.carries = carries};
    base::Instant now{};
    pmtu.on_validated(now);
    const std::uint32_t probes = run(pmtu, path, now, base::seconds(3));
    ASSERT_TRUE(pmtu.complete()) << carries;
    EXPECT_LE(pmtu.packet_bytes(), carries);
    EXPECT_GT(pmtu.packet_bytes() + Pmtu::kStepBytes, carries);
    EXPECT_LE(probes, 3u * 11);   // halving 7773 down to 16, three each
  }
}

TEST(Pmtu, APortBelowTheBaseIsNotSearched) {
  Pmtu pmtu(1100);
  Path path{.carries = 1100};
  base::Instant now{};
  pmtu.on_validated(now);
  EXPECT_EQ(run(pmtu, path, now, base::seconds(1000)), 0u);
  EXPECT_EQ(pmtu.packet_bytes(), 1100);
}

TEST(Pmtu, LossOfSomeProbesDoesNotMakeThePathSmaller) {
  int too_small = 0;
  for (int seed = 0; seed < 200; ++seed) {
    Pmtu pmtu(1472);
    Path path{.carries = 1472, .loss_permille = 50, .dice = base::Prng(static_cast<std::uint64_t>(seed))};
    base::Instant now{};
    pmtu.on_validated(now);
    (void)run(pmtu, path, now, base::seconds(3));
    if (pmtu.packet_bytes() < 1472) ++too_small;
  }
  EXPECT_LE(too_small, 1);   // three in a row of 5 %: one in 8000
}

TEST(Pmtu, TriesAgainLaterWhetherThePathHasGrown) {
  Pmtu pmtu(1472);
  Path path{.carries = 1372};
  base::Instant now{};
  pmtu.on_validated(now);
  (void)run(pmtu, path, now, base::seconds(3));
  ASSERT_LE(pmtu.packet_bytes(), 1372);
  path.carries = 1472;
  (void)run(pmtu, path, now, base::seconds(590));
  EXPECT_LE(pmtu.packet_bytes(), 1372);
  (void)run(pmtu, path, now, base::seconds(20));
  EXPECT_EQ(pmtu.packet_bytes(), 1472);
}

TEST(Pmtu, ABlackHoleIsLeftAndTheNewSizeFound) {
  Pmtu pmtu(1472);
  Path path{.carries = 1472};
  base::Instant now{};
  pmtu.on_validated(now);
  (void)run(pmtu, path, now, base::seconds(1));
  ASSERT_EQ(pmtu.packet_bytes(), 1472);
  path.carries = 1300;                                     // a tunnel came between
  for (std::uint32_t i = 1; i < Pmtu::kBlackHoleLosses; ++i) {
    pmtu.on_lost(1472, now);
    pmtu.on_acked(60);                                     // small ones arrive, which says nothing
    pmtu.on_lost(100, now);
  }
  for (int i = 0; i < 1000; ++i) pmtu.on_lost(1472, now);  // at one moment: a queue may have been full
  EXPECT_EQ(pmtu.packet_bytes(), 1472);
  now += Pmtu::kBlackHoleTime;
  pmtu.on_lost(1400, now);
  EXPECT_EQ(pmtu.packet_bytes(), Pmtu::kBaseBytes);
  (void)run(pmtu, path, now, base::seconds(3));
  EXPECT_LE(pmtu.packet_bytes(), 1300);
  EXPECT_GT(pmtu.packet_bytes() + Pmtu::kStepBytes, 1300);
}

TEST(Pmtu, CongestionIsNoBlackHoleWhileSomeLargePacketsArrive) {
  Pmtu pmtu(1472);
  Path path{.carries = 1472};
  base::Instant now{};
  pmtu.on_validated(now);
  (void)run(pmtu, path, now, base::seconds(1));
  for (int i = 0; i < 1000; ++i) {
    for (int lost = 1; lost < 100; ++lost) pmtu.on_lost(1472, now);
    now += base::milliseconds(99);
    pmtu.on_acked(1472);
  }
  EXPECT_EQ(pmtu.packet_bytes(), 1472);
}

TEST(Pmtu, OnlyAnAckThatNamesTheProbeAnswersIt) {
  Pmtu pmtu(1472);
  base::Instant now{};
  pmtu.on_validated(now);
  acknowledge(pmtu, 7, now);                               // nothing was asked
  pmtu.on_probe_sent(7, kRtt, now);
  acknowledge(pmtu, 6, now);
  acknowledge(pmtu, 8, now);
  EXPECT_EQ(pmtu.packet_bytes(), Pmtu::kBaseBytes);
  wire::Ack ack{.largest = 12};
  ASSERT_TRUE(ack.ranges.try_push({10, 12}) && ack.ranges.try_push({5, 8}) && ack.ranges.try_push({0, 1}));
  pmtu.handle_ack(ack, now);
  EXPECT_EQ(pmtu.packet_bytes(), 1472);
}

TEST(Pmtu, WhatIsUnansweredThreeTimesIsGivenUp) {
  Pmtu pmtu(1472);
  base::Instant now{};
  pmtu.on_validated(now);
  for (std::uint64_t number = 0; number < Pmtu::kProbesMax; ++number) {
    ASSERT_TRUE(pmtu.probe_due());
    EXPECT_EQ(pmtu.probe_bytes(), 1472);
    pmtu.on_probe_sent(number, kRtt, now);
    EXPECT_FALSE(pmtu.probe_due());
    EXPECT_EQ(pmtu.next_deadline(), now + Pmtu::kProbeWait);
    pmtu.handle_timeout(now);                              // too early: nothing
    EXPECT_FALSE(pmtu.probe_due());
    now = pmtu.next_deadline();
    pmtu.handle_timeout(now);
  }
  ASSERT_TRUE(pmtu.probe_due());
  EXPECT_EQ(pmtu.probe_bytes(), (Pmtu::kBaseBytes + 1472) / 2);
  pmtu.on_probe_sent(9, base::milliseconds(100), now);     // a long path is given longer
  EXPECT_EQ(pmtu.next_deadline(), now + base::milliseconds(300));
}

// Data of the size that the lane has now and a small packet, in turn, each settled after a round trip.
void converse(Pmtu& pmtu, Path& path, base::Instant& now, std::uint32_t turns) {
  for (std::uint32_t i = 0; i < turns; ++i, now += kRtt) {
    if (pmtu.carries_data()) {
      if (path.delivers(pmtu.packet_bytes())) pmtu.on_acked(pmtu.packet_bytes());
      else pmtu.on_lost(pmtu.packet_bytes(), now);
    }
    if (path.delivers(60)) pmtu.on_acked(60);
  }
}

TEST(Pmtu, APathThatDoesNotCarryTheBaseGetsNoDataUntilItDoes) {
  Pmtu pmtu(1472);
  Path path{.carries = 700};
  base::Instant now{};
  pmtu.on_validated(now);
  converse(pmtu, path, now, 120);
  EXPECT_FALSE(pmtu.carries_data());
  const std::uint32_t probes = run(pmtu, path, now, base::seconds(60));
  EXPECT_GE(probes, 55u);                      // about one a second
  EXPECT_LE(probes, 75u);
  EXPECT_FALSE(pmtu.carries_data());
  path.carries = 1300;
  run(pmtu, path, now, base::seconds(3));
  EXPECT_TRUE(pmtu.carries_data());
  EXPECT_LE(pmtu.packet_bytes(), 1300);
  EXPECT_GT(pmtu.packet_bytes(), 1300 - Pmtu::kStepBytes);
}

TEST(Pmtu, APathThatFallsBelowTheBaseIsSeenFromAbove) {
  Pmtu pmtu(8972);
  Path path{.carries = 8972};
  base::Instant now{};
  pmtu.on_validated(now);
  run(pmtu, path, now, base::seconds(1));
  ASSERT_EQ(pmtu.packet_bytes(), 8972);
  path.carries = 500;
  converse(pmtu, path, now, 250);
  EXPECT_FALSE(pmtu.carries_data());
  pmtu.on_validated(now);                      // after an outage it is asked at once
  path.carries = 8972;
  run(pmtu, path, now, base::milliseconds(3));
  EXPECT_TRUE(pmtu.carries_data());
  EXPECT_EQ(pmtu.packet_bytes(), 8972);
}

// Too few large packets to tell a black hole, but smaller ones: it need not carry the large ones again to be of use.
TEST(Pmtu, APathThatIsGivenUpIsAskedForTheBaseWhateverItCarriedBefore) {
  Pmtu pmtu(8972);
  Path path{.carries = 8972};
  base::Instant now{};
  pmtu.on_validated(now);
  run(pmtu, path, now, base::seconds(1));
  for (std::uint32_t i = 0; i < Pmtu::kBaseLosses; ++i, now += base::milliseconds(25)) {
    pmtu.on_lost(1000, now);
    pmtu.on_acked(60);
  }
  ASSERT_FALSE(pmtu.carries_data());
  EXPECT_EQ(pmtu.packet_bytes(), Pmtu::kBaseBytes);
  path.carries = 1472;
  run(pmtu, path, now, base::seconds(3));
  EXPECT_TRUE(pmtu.carries_data());
  EXPECT_GT(pmtu.packet_bytes(), 1472 - Pmtu::kStepBytes);
}

TEST(Pmtu, NeitherAnOutageNorHeavyLossIsTakenForAPathBelowTheBase) {
  Pmtu pmtu(1200);
  Path path{.carries = 1200};
  base::Instant now{};
  pmtu.on_validated(now);
  for (int i = 0; i < 1000; ++i, now += kRtt) pmtu.on_lost(1200, now);   // nothing arrives at all
  EXPECT_TRUE(pmtu.carries_data());
  path.loss_permille = 200;
  converse(pmtu, path, now, 20'000);
  EXPECT_TRUE(pmtu.carries_data());
}

}  // namespace
}  // namespace weft::sched
