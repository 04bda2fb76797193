// The shipped lanes and picker over simulated links: what the parts are for, in virtual time.
#include <gtest/gtest.h>

#include <array>

#include "link_sim.hh"

namespace weft::sched::test {
namespace {

using base::milliseconds;
using base::seconds;
using share::Policy;

constexpr std::uint64_t kMbit = 125'000;   // bytes per second
constexpr std::uint64_t kEndless = 4'000'000;

// Distinct payload per second between two instants of a run, in packet bytes (what the link
// counts).
double goodput_Bps(LinkSim& sim, base::Duration warm_up, base::Duration time) {
  sim.run(warm_up);
  const std::uint64_t before = sim.received();
  sim.run(time);
  return static_cast<double>((sim.received() - before) * LinkSim::kPacket) * 1e9 /
         static_cast<double>(time.ns);
}

TEST(Links, OneLinkIsUsedInFull) {
  const std::array links{LinkSpec{.rate_Bps = 100 * kMbit, .delay = milliseconds(5)}};
  LinkSim sim(links, Policy::kRate, kEndless, 1);
  EXPECT_GE(goodput_Bps(sim, seconds(1), seconds(4)), 0.95 * 100 * kMbit);
}

TEST(Links, AFastLanIsFullAfterAFifthOfASecond) {
  const std::array links{LinkSpec{
      .rate_Bps = 1000 * kMbit, .delay = base::microseconds(100), .queue_bytes = 512 << 10}};
  LinkSim sim(links, Policy::kRate, kEndless, 1);
  EXPECT_GE(goodput_Bps(sim, milliseconds(200), milliseconds(300)), 0.95 * 1000 * kMbit);
}

// A machine whose data core comes round only each millisecond: pacing must not be the limit.
TEST(Links, ASlowPollLoopStillFillsALan) {
  for (const std::int64_t turn_us : {300, 1'000, 3'000}) {
    SCOPED_TRACE(turn_us);
    const std::array links{LinkSpec{.rate_Bps = 1000 * kMbit,
                                    .delay = base::microseconds(50),
                                    .queue_bytes = 1024 << 10}};
    LinkSim sim(links, Policy::kRate, kEndless, 1);
    sim.set_turn(base::microseconds(turn_us));
    EXPECT_GE(goodput_Bps(sim, seconds(1), seconds(1)), 0.95 * 1000 * kMbit);
  }
}

TEST(Links, LightLossCostsLittle) {
  const std::array links{
      LinkSpec{.rate_Bps = 100 * kMbit, .delay = base::microseconds(500), .loss_one_in = 1000}};
  LinkSim sim(links, Policy::kRate, kEndless, 7);
  EXPECT_GE(goodput_Bps(sim, seconds(1), seconds(2)), 0.90 * 100 * kMbit);
}

TEST(Links, TwoEqualLinksStartFairly) {
  const std::array links{LinkSpec{}, LinkSpec{}};
  LinkSim sim(links, Policy::kRate, kEndless, 1);
  sim.run(milliseconds(100));
  const auto a = static_cast<double>(sim.sent_on(0));
  const auto b = static_cast<double>(sim.sent_on(1));
  EXPECT_NEAR(a / (a + b), 0.5, 0.1);
}

TEST(Links, RateSumsUnequalLinks) {
  const std::array links{
      LinkSpec{.rate_Bps = 300 * kMbit, .delay = milliseconds(5), .queue_bytes = 512 << 10},
      LinkSpec{.rate_Bps = 80 * kMbit, .delay = milliseconds(15), .queue_bytes = 256 << 10}};
  LinkSim sim(links, Policy::kRate, kEndless, 1);
  EXPECT_GE(goodput_Bps(sim, seconds(1), seconds(3)), 0.95 * 380 * kMbit);
}

// 1 Mbyte over a quick and a very slow link: the slow one must not hold the end back.
TEST(Links, TheTailDoesNotWaitForASlowLink) {
  const std::array links{LinkSpec{.rate_Bps = 100 * kMbit, .delay = milliseconds(1)},
                         LinkSpec{.rate_Bps = 1 * kMbit, .delay = milliseconds(200)}};
  LinkSim rate(links, Policy::kRate, 8'000, 1);
  rate.run(seconds(20));
  LinkSim turns(links, Policy::kRoundRobin, 8'000, 1);
  turns.run(seconds(20));
  ASSERT_TRUE(rate.done());
  ASSERT_TRUE(turns.done());
  EXPECT_LT(rate.now(), turns.now());
}

// Each packet on a slow link keeps an extent of the receiver's memory for its whole way. Nearly all of it is taken so; what the
// sender is still asked for is then an end of a transfer, and the slow link gets none of it.
TEST(Links, LittleReceiveMemoryDoesNotLetASlowLinkHoldUpAQuickOne) {
  const LinkSpec quick{.rate_Bps = 1000 * kMbit, .delay = base::microseconds(100), .queue_bytes = 512 << 10};
  const LinkSpec slow{.rate_Bps = 100 * kMbit, .delay = milliseconds(100), .queue_bytes = 512 << 10};
  for (const std::uint64_t extents : {16, 64, 256}) {
    SCOPED_TRACE(extents);
    const std::array alone{quick};
    LinkSim one(alone, Policy::kRate, kEndless, 1);
    one.set_receive_memory(extents);
    const std::array both{quick, slow};
    LinkSim two(both, Policy::kRate, kEndless, 1);
    two.set_receive_memory(extents);
    EXPECT_GE(goodput_Bps(two, seconds(2), seconds(2)), 0.98 * goodput_Bps(one, seconds(2), seconds(2)));
  }
}

TEST(Links, MinRttPrefersTheQuickLink) {
  const std::array links{LinkSpec{.delay = milliseconds(20)}, LinkSpec{.delay = milliseconds(1)}};
  LinkSim sim(links, Policy::kMinRtt, 2'000, 1);  // fits into what the quick one carries
  sim.run(seconds(2));
  ASSERT_TRUE(sim.done());
  EXPECT_GT(sim.sent_on(1), 2 * sim.sent_on(0));
}

TEST(Links, RoundRobinSendsTheSameOnEqualLinks) {
  const std::array links{LinkSpec{}, LinkSpec{}};
  LinkSim sim(links, Policy::kRoundRobin, 20, 1);
  sim.run(seconds(1));
  ASSERT_TRUE(sim.done());
  EXPECT_EQ(sim.sent_on(0), 10u);
  EXPECT_EQ(sim.sent_on(1), 10u);
}

// 80 Mbit/s of work for two links that could carry 200.
double share_of_first(Policy policy, share::PathEntry first, share::PathEntry second) {
  const std::array links{LinkSpec{}, LinkSpec{}};
  LinkSim sim(links, policy, kEndless, 1);
  sim.set_entry(0, first);
  sim.set_entry(1, second);
  sim.set_source(80 * kMbit);
  sim.run(seconds(3));
  EXPECT_GE(sim.received() * LinkSim::kPacket, 95 * 3 * 80 * kMbit / 100);
  return static_cast<double>(sim.sent_on(0)) / static_cast<double>(sim.sent_on(0) + sim.sent_on(1));
}

TEST(Links, WeightedSplitsAsTheUserSays) {
  const share::PathEntry heavy{.state = share::PathState::kActive, .weight = 30};
  const share::PathEntry light{.state = share::PathState::kActive, .weight = 10};
  EXPECT_NEAR(share_of_first(Policy::kWeighted, heavy, light), 0.75, 0.01);
  EXPECT_NEAR(share_of_first(Policy::kRoundRobin, heavy, light), 0.50, 0.01);
}

TEST(Links, HealthSplitsByScore) {
  const share::PathEntry well{.state = share::PathState::kActive, .score = 100};
  const share::PathEntry ill{.state = share::PathState::kActive, .score = 25};
  EXPECT_NEAR(share_of_first(Policy::kHealth, well, ill), 0.80, 0.01);
  EXPECT_NEAR(share_of_first(Policy::kWeighted, well, ill), 0.50, 0.01);
}

// A heavy lane on a thin link cannot carry its share: the light one carries the rest.
TEST(Links, WeightsHoldNobodyBack) {
  const std::array links{LinkSpec{.rate_Bps = 20 * kMbit}, LinkSpec{.rate_Bps = 100 * kMbit}};
  LinkSim sim(links, Policy::kWeighted, kEndless, 1);
  sim.set_entry(0, {.state = share::PathState::kActive, .weight = 100});
  sim.set_entry(1, {.state = share::PathState::kActive, .weight = 1});
  EXPECT_GE(goodput_Bps(sim, seconds(1), seconds(3)), 0.95 * 120 * kMbit);
}

// Bursts over a quick link and a long thin one: min-rtt fills the thin one as soon as the quick one is full, and its
// end comes late; ECF waits for the quick one.
TEST(Links, EcfEndsABurstEarlierThanMinRtt) {
  const std::array links{LinkSpec{.rate_Bps = 100 * kMbit, .delay = milliseconds(5)},
                         LinkSpec{.rate_Bps = 5 * kMbit, .delay = milliseconds(150)}};
  const auto time_of = [&](Policy policy) {
    LinkSim sim(links, policy, 600, 1);
    sim.run(seconds(20));
    EXPECT_TRUE(sim.done());
    return sim.now() - base::Instant{} - seconds(1);
  };
  const base::Duration ecf = time_of(Policy::kEcf), min_rtt = time_of(Policy::kMinRtt);
  RecordProperty("ecf_ms", static_cast<int>(ecf.ms()));
  RecordProperty("min_rtt_ms", static_cast<int>(min_rtt.ms()));
  EXPECT_LT(2 * ecf, min_rtt);
}

TEST(Links, ActiveBackupLeavesTheBackupDarkUntilThePrimaryDies) {
  const std::array links{LinkSpec{}, LinkSpec{}};
  LinkSim sim(links, Policy::kActiveBackup, 20'000, 1);
  sim.set_entry(1, {.state = share::PathState::kStandby, .role = share::PathRole::kBackup});
  sim.run(seconds(1));
  EXPECT_EQ(sim.sent_on(1), 0u);
  sim.blackhole(0, true);
  sim.run(seconds(10));
  EXPECT_TRUE(sim.done());
  EXPECT_TRUE(sim.all_received());
  EXPECT_GT(sim.sent_on(1), 5'000u);
}

TEST(Links, ABlackholedLanesChunksComeBackWithinOneProbeTimeout) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    const std::array links{LinkSpec{.delay = milliseconds(2), .loss_one_in = 500},
                           LinkSpec{.delay = milliseconds(3), .loss_one_in = 500}};
    LinkSim sim(links, Policy::kRate, 30'000, seed);
    sim.run(milliseconds(500 + 37 * static_cast<std::int64_t>(seed)));
    ASSERT_EQ(sim.evacuated_on(1), 0u);
    const LaneMetrics before = sim.lane(1).metrics();
    const base::Duration pto = before.srtt + 4 * before.rttvar + kAckDelayMax;
    const base::Instant died = sim.now();
    sim.blackhole(1, true);
    sim.run(seconds(10));
    EXPECT_TRUE(sim.done());
    EXPECT_TRUE(sim.all_received());
    // One probe timeout after the last ack; that may have left just before the cut.
    EXPECT_LE(sim.first_evacuation() - died, 2 * pto + milliseconds(5));
    EXPECT_GT(sim.evacuated_on(1), 0u);
    EXPECT_LT(sim.longest_gap(), milliseconds(100));
  }
}

TEST(Links, AReturningLinkIsUsedAgain) {
  const std::array links{LinkSpec{.delay = milliseconds(2)}, LinkSpec{.delay = milliseconds(2)}};
  LinkSim sim(links, Policy::kRate, kEndless, 3);
  sim.run(seconds(1));
  sim.blackhole(1, true);
  sim.run(milliseconds(500));
  sim.blackhole(1, false);
  EXPECT_GE(goodput_Bps(sim, seconds(2), seconds(1)), 0.90 * 200 * kMbit);
}

// The only link goes away and comes back: nothing else can carry the chunks, and still all arrive.
TEST(Links, AllLinksSilentForASecondLosesNothing) {
  const std::array links{LinkSpec{.delay = milliseconds(1)}};
  LinkSim sim(links, Policy::kRate, 10'000, 3);
  sim.run(milliseconds(300));
  sim.blackhole(0, true);
  sim.run(seconds(1));
  EXPECT_FALSE(sim.done());
  sim.blackhole(0, false);
  sim.run(seconds(10));
  EXPECT_TRUE(sim.done());
  EXPECT_TRUE(sim.all_received());
}

TEST(Links, SameSeedSameRun) {
  const std::array links{LinkSpec{.loss_one_in = 50},
                         LinkSpec{.rate_Bps = 20 * kMbit, .loss_one_in = 20}};
  LinkSim one(links, Policy::kRate, 5'000, 11);
  LinkSim two(links, Policy::kRate, 5'000, 11);
  one.run(seconds(20));
  two.run(seconds(20));
  EXPECT_TRUE(one.done());
  EXPECT_EQ(one.now(), two.now());
  EXPECT_EQ(one.sent_on(0), two.sent_on(0));
}

}  // namespace
}  // namespace weft::sched::test
