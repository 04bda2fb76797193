// What the scheduler is for, as figures over simulated links in virtual time: the sum of all paths, and never worse
// than the best of them. Each test prints its figure; the goal is asserted.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "link_sim.hh"

namespace weft::sched::test {
namespace {

using base::milliseconds;
using base::seconds;
using share::Congestion;
using share::Policy;

constexpr std::uint64_t kMbit = 125'000;   // bytes per second
constexpr std::uint64_t kEndless = 6'000'000;

// A queue of one bandwidth-delay product, as routers have it, and never less than a switch has.
LinkSpec link(std::uint64_t mbit, std::int64_t rtt_ms, std::uint32_t loss_one_in = 0) {
  const std::uint64_t rate = mbit * kMbit;
  return {.rate_Bps = rate, .delay = milliseconds(rtt_ms) / 2,
          .queue_bytes = std::max<std::uint64_t>(128 << 10, rate * static_cast<std::uint64_t>(rtt_ms) / 1000),
          .loss_one_in = loss_one_in};
}

// Mbit/s of distinct payload after slow start.
double rate_of(std::vector<LinkSpec> links, Congestion congestion, base::Duration time = seconds(10)) {
  for (LinkSpec& spec : links) spec.congestion = congestion;
  LinkSim sim(links, Policy::kRate, kEndless, 1);
  sim.run(seconds(3));
  const std::uint64_t before = sim.received();
  sim.run(time);
  return static_cast<double>((sim.received() - before) * LinkSim::kPacket) * 8e3 / static_cast<double>(time.ns);
}

// A whole transfer of so many packets, from the first to the arrival of the last, in milliseconds.
double time_of(const std::vector<LinkSpec>& links, std::uint64_t packets, bool resend = true) {
  LinkSim sim(links, Policy::kRate, packets, 1);
  sim.set_resend(resend);
  sim.run(seconds(100));
  EXPECT_TRUE(sim.done());
  return static_cast<double>((sim.last_new() - base::Instant{} - seconds(1)).us()) / 1e3;
}

class Goals : public testing::TestWithParam<Congestion> {};

TEST_P(Goals, FourUnequalPathsMakeNinetyFivePercentOfTheirSum) {
  const double seen = rate_of({link(400, 1), link(200, 5), link(100, 20), link(50, 50)}, GetParam());
  std::printf("four paths, %s: %.1f of 750 Mbit/s = %.1f %%\n", share::name_of(GetParam()), seen, seen / 7.5);
  EXPECT_GE(seen, 0.95 * 750);
}

TEST_P(Goals, ASecondPathHoweverBadNeverCostsTwoPercent) {
  const LinkSpec good = link(100, 10), bad = link(10, 200, 20);
  const double alone = rate_of({good}, GetParam()), both = rate_of({good, bad}, GetParam());
  std::printf("a bad second path, %s: %.1f against %.1f Mbit/s = %.1f %%\n", share::name_of(GetParam()), both, alone,
              100 * both / alone);
  EXPECT_GE(both, 0.98 * alone);
}

TEST_P(Goals, ALossyPathBesideACleanOneAddsFourFifthsOfItself) {
  const LinkSpec clean = link(100, 10), lossy = link(100, 10, 100);
  const double clean_alone = rate_of({clean}, GetParam()), lossy_alone = rate_of({lossy}, GetParam());
  const double both = rate_of({clean, lossy}, GetParam());
  std::printf("1 %% loss beside a clean path, %s: %.1f with %.1f and %.1f alone\n", share::name_of(GetParam()), both,
              clean_alone, lossy_alone);
  EXPECT_GE(both, clean_alone + 0.8 * lossy_alone);
}

INSTANTIATE_TEST_SUITE_P(All, Goals, testing::Values(Congestion::kCubic, Congestion::kBbr),
                         [](const auto& which) { return std::string(share::name_of(which.param)); });

// Transfers with an end, which is where a slow path can hurt: 1.4 to 140 MB.
TEST(GoalsTail, ABadSecondPathDoesNotHoldATransferBack) {
  const LinkSpec good = link(100, 10), bad = link(10, 200, 20);
  for (const std::uint64_t packets : {20u, 100u, 300u, 1'000u, 3'000u, 10'000u, 30'000u, 100'000u}) {
    const double alone = time_of({good}, packets), both = time_of({good, bad}, packets);
    std::printf("%6.1f MB: %8.1f ms alone, %8.1f ms beside a bad path = %.1f %%\n",
                static_cast<double>(packets) * 1.4e-3, alone, both, 100 * alone / both);
    EXPECT_LE(0.98 * both, alone) << packets;
  }
}

TEST(GoalsTail, SecondCopiesEndATransferEarlier) {
  const std::vector<LinkSpec> links{link(200, 2), link(20, 200)};
  const double without = time_of(links, 20'000, false), with = time_of(links, 20'000, true);
  std::printf("tail of 28 MB over 200 Mbit/s, 2 ms and 20 Mbit/s, 200 ms: %.1f ms without, %.1f ms with second copies\n",
              without, with);
  EXPECT_LT(with, without);
}

TEST(GoalsTail, SecondCopiesAreAtMostTwoPercent) {
  for (const std::uint64_t packets : {100u, 5'000u, 20'000u}) {
    const std::vector<LinkSpec> links{link(200, 2), link(20, 200, 50)};
    LinkSim sim(links, Policy::kRate, packets, 1);
    sim.run(seconds(30));
    ASSERT_TRUE(sim.done());
    EXPECT_LE(50 * sim.copies(), packets);
  }
}

// Like lanes have nothing to gain from each other.
TEST(GoalsTail, EqualLanesSendNoSecondCopies) {
  const std::vector<LinkSpec> links{link(500, 1), link(500, 1)};
  LinkSim sim(links, Policy::kRate, 20'000, 1);
  sim.run(seconds(30));
  ASSERT_TRUE(sim.done());
  EXPECT_EQ(sim.copies(), 0u);
}

TEST(Links, RedundantSendsEverythingTwiceAndLosesNoTimeToALoss) {
  const std::vector<LinkSpec> links{link(100, 20, 100), link(100, 22, 100)};
  LinkSim twice(links, Policy::kRedundant, kEndless, 1), once(links, Policy::kRate, kEndless, 1);
  for (LinkSim* sim : {&twice, &once}) {
    sim->set_source(4 * kMbit);
    sim->run(seconds(10));
  }
  EXPECT_GE(twice.copies(), 85 * twice.received() / 100);   // the rest: no room at the other
  EXPECT_GT(twice.duplicates(), 80 * twice.received() / 100);
  EXPECT_LT(3 * twice.sent_again(), once.sent_again());      // only what both have lost
}

TEST(Links, RedundantIsAsFastAsTheBetterPath) {
  const LinkSpec good = link(100, 10), bad = link(10, 200);
  LinkSim sim(std::vector{good, bad}, Policy::kRedundant, kEndless, 1);
  sim.run(seconds(3));
  const std::uint64_t before = sim.received();
  sim.run(seconds(5));
  EXPECT_GE((sim.received() - before) * LinkSim::kPacket, 95 * 5 * 100 * kMbit / 100);
}

// One switch port between several lanes, large packets, a round trip that was measured while nothing queued.
TEST(GoalsStart, NoProbeTimeoutWhileWindowsGrowIntoAnEmptyQueue) {
  // In turn, and one window after the other, as lanes of several sessions fill them.
  for (const auto& [lanes, policy] : {std::pair{1, Policy::kRate}, {2, Policy::kRate}, {4, Policy::kRate},
                                     {2, Policy::kMinRtt}, {4, Policy::kMinRtt}}) {
    std::vector<LinkSpec> links;
    for (int i = 0; i < lanes; ++i)
      links.push_back({.rate_Bps = 20'000'000, .delay = base::microseconds(100), .queue_bytes = 4 << 20,
                       .packet_bytes = 9000, .bottleneck_of = i == 0 ? -1 : 0});
    LinkSim sim(links, policy, 1'000, 1);
    sim.run(seconds(20));
    ASSERT_TRUE(sim.done());
    std::uint64_t evacuated = 0;
    for (std::size_t i = 0; i < links.size(); ++i) evacuated += sim.evacuated_on(i);
    std::printf("%d lanes of 9000-byte packets on 20 MB/s, %s: %.1f %% sent again, %llu handed back\n", lanes,
                share::name_of(policy), static_cast<double>(sim.sent_again()) / 10,
                static_cast<unsigned long long>(evacuated));
    EXPECT_LE(sim.sent_again(), 20u);      // 2 %
  }
}

}  // namespace
}  // namespace weft::sched::test
