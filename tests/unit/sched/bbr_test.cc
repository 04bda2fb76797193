// BBR's states one by one, on a pipe made of arithmetic: rate and round trip are given, acks follow. What it does to
// links stands in congestion_links_test.cc.
#include "sched/bbr.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace weft::sched {
namespace {

using base::Duration;
using base::Instant;
using base::milliseconds;
using base::seconds;
using State = Bbr::State;

constexpr std::uint64_t kPacket = 1000;

// One round trip at a time: what the window and the pacing allow leaves at once, what the pipe takes of it comes back.
class Pipe {
 public:
  std::uint64_t rate_Bps = 10'000'000;      // with 10 ms: a bdp of 100 packets
  Duration rtt = milliseconds(10);
  std::uint64_t lost_percent = 0;           // of each round, in runs of one packet
  bool app_limited = false;

  Bbr bbr{kPacket, 1};
  Instant now{seconds(100).ns};
  std::vector<State> seen{State::kStartup};

  [[nodiscard]] std::uint64_t bdp() const { return rate_Bps * static_cast<std::uint64_t>(rtt.ns) / 1'000'000'000; }

  void round() {
    const std::uint64_t paced = bbr.pacing_Bps() == 0
                                    ? bbr.window_bytes()
                                    : bbr.pacing_Bps() * static_cast<std::uint64_t>(rtt.ns) / 1'000'000'000;
    const std::uint64_t flight = std::min(bbr.window_bytes(), std::max(paced, kPacket));
    const std::uint64_t lost = flight * lost_percent / 100 / kPacket * kPacket;
    const std::uint64_t arrived = flight - lost;
    // A queue stretches the round trip: what is above the bdp waits.
    const auto drain = base::nanoseconds(static_cast<std::int64_t>(flight * 1'000'000'000 / rate_Bps));
    const Duration took = std::max(rtt, drain);
    const std::uint64_t before = delivered_;
    now += took;
    for (std::uint64_t at = 0; at < lost; at += kPacket) {
      number_ += 5;
      bbr.on_lost({.packet_number = number_, .sent = now - took, .bytes = kPacket, .in_flight_bytes = flight,
                   .lost_bytes = at + kPacket, .app_limited = app_limited}, now);
      note();
    }
    delivered_ += arrived;
    bbr.on_acked({.bytes = arrived, .newest_sent = now - took, .latest_rtt = took, .srtt = took, .round_ended = true,
                  .window_limited = flight + 2 * kPacket >= bbr.window_bytes(), .rtt = took,
                  .in_flight_bytes = std::max(flight, in_flight_least),   // for each packet that came another one left
                  .delivered_bytes = delivered_, .lost_bytes = lost,
                  .sample = {.any = true,
                             .rate_Bps = arrived * 1'000'000'000 / static_cast<std::uint64_t>(took.ns),
                             .delivered_bytes = arrived,
                             .delivered_before = before,
                             .in_flight_bytes = flight,
                             .lost_before = 0,
                             .app_limited = app_limited}},
                 now);
    note();
  }
  // False: not within `rounds`.
  bool until(State state, int rounds = 2000) {
    for (int i = 0; i < rounds && bbr.state() != state; ++i) round();
    return bbr.state() == state;
  }
  std::uint64_t in_flight_least = 0;

 private:
  void note() {
    if (bbr.state() != seen.back()) seen.push_back(bbr.state());
  }
  std::uint64_t delivered_ = 0, number_ = 0;
};

TEST(Bbr, StartsWithTheInitialWindowAndNoRate) {
  const Bbr bbr(kPacket, 1);
  EXPECT_EQ(bbr.window_bytes(), kInitialWindowPackets * kPacket);
  EXPECT_EQ(bbr.pacing_Bps(), 0u);
  EXPECT_EQ(bbr.state(), State::kStartup);
  EXPECT_TRUE(bbr.in_slow_start());
}

TEST(Bbr, StartupAboutDoublesEachRoundAndEndsWhenTheRateStandsStill) {
  Pipe pipe;
  pipe.rate_Bps = 1'000'000'000;            // a bdp of 10 000 packets
  std::uint64_t last = 0;
  for (int i = 0; i < 7; ++i) {
    pipe.round();
    EXPECT_GE(pipe.bbr.window_bytes(), 3 * last / 2);
    last = pipe.bbr.window_bytes();
    EXPECT_EQ(pipe.bbr.state(), State::kStartup);
  }
  ASSERT_TRUE(pipe.until(State::kDrain, 12));
  EXPECT_NEAR(static_cast<double>(pipe.bbr.model().max_bandwidth_Bps()), 1e9, 1e7);
  EXPECT_EQ(pipe.bbr.model().long_term_bytes(), BbrModel::kNoBound);   // nothing was lost
}

TEST(Bbr, AnApplicationThatSendsLittleIsNoPlateau) {
  Pipe pipe;
  pipe.app_limited = true;
  for (int i = 0; i < 50; ++i) pipe.round();
  EXPECT_EQ(pipe.bbr.state(), State::kStartup);
}

TEST(Bbr, ManyLossesEndStartupAndSetTheBound) {
  Pipe pipe;
  pipe.rate_Bps = 1'000'000'000;
  for (int i = 0; i < 6; ++i) pipe.round();
  ASSERT_EQ(pipe.bbr.state(), State::kStartup);
  pipe.lost_percent = 5;
  pipe.round();
  EXPECT_EQ(pipe.bbr.state(), State::kDrain);
  EXPECT_NE(pipe.bbr.model().long_term_bytes(), BbrModel::kNoBound);
}

TEST(Bbr, FewLossesDoNot) {
  Pipe pipe;
  pipe.rate_Bps = 1'000'000'000;
  pipe.lost_percent = 1;
  for (int i = 0; i < 6; ++i) pipe.round();
  EXPECT_EQ(pipe.bbr.state(), State::kStartup);
  EXPECT_EQ(pipe.bbr.model().long_term_bytes(), BbrModel::kNoBound);
}

TEST(Bbr, DrainSendsAtHalfTheRateUntilTheQueueIsEmpty) {
  Pipe pipe;
  pipe.in_flight_least = 10 * pipe.bdp();
  ASSERT_TRUE(pipe.until(State::kDrain));
  pipe.round();
  EXPECT_EQ(pipe.bbr.state(), State::kDrain);
  EXPECT_NEAR(static_cast<double>(pipe.bbr.pacing_Bps()), 0.5 * 0.99 * 10e6, 1e5);
  pipe.in_flight_least = 0;
  pipe.round();
  EXPECT_EQ(pipe.bbr.state(), State::kCruise);   // through kDown, which had nothing left to drain
}

// bdp 100 packets: 63 round trips of 10 ms end a cruise before its two seconds do.
TEST(Bbr, TheCycleGoesDownCruiseRefillUp) {
  Pipe pipe;
  ASSERT_TRUE(pipe.until(State::kUp));
  EXPECT_EQ(pipe.seen, (std::vector{State::kStartup, State::kDrain, State::kCruise, State::kRefill, State::kUp}));
  EXPECT_NEAR(static_cast<double>(pipe.bbr.pacing_Bps()), 1.25 * 0.99 * 10e6, 1e5);
  ASSERT_TRUE(pipe.until(State::kDown, 10));                      // more did not bring more
  EXPECT_NEAR(static_cast<double>(pipe.bbr.pacing_Bps()), 0.90 * 0.99 * 10e6, 1e5);
  ASSERT_TRUE(pipe.until(State::kCruise, 10));
  EXPECT_NEAR(static_cast<double>(pipe.bbr.pacing_Bps()), 0.99 * 10e6, 1e5);
}

TEST(Bbr, ALongPathProbesByTheClock) {
  Pipe pipe;
  pipe.rtt = milliseconds(100);
  ASSERT_TRUE(pipe.until(State::kCruise));
  const Instant from = pipe.now;
  ASSERT_TRUE(pipe.until(State::kRefill, 40));
  EXPECT_GE(pipe.now - from, seconds(1));
  EXPECT_LE(pipe.now - from, seconds(3) + 2 * pipe.rtt);
}

TEST(Bbr, AProbeFindsARateThatGrew) {
  Pipe pipe;
  ASSERT_TRUE(pipe.until(State::kCruise));
  pipe.rate_Bps = 20'000'000;
  for (int i = 0; i < 500; ++i) pipe.round();
  EXPECT_GE(pipe.bbr.model().max_bandwidth_Bps(), 19'000'000u);
}

TEST(Bbr, ARateThatFellIsForgottenAfterTwoProbes) {
  Pipe pipe;
  ASSERT_TRUE(pipe.until(State::kCruise));
  pipe.rate_Bps = 5'000'000;
  for (int i = 0; i < 500; ++i) pipe.round();
  EXPECT_LE(pipe.bbr.model().max_bandwidth_Bps(), 5'500'000u);
}

TEST(Bbr, ManyLossesInAProbeEndItAndBoundTheFlight) {
  Pipe pipe;
  ASSERT_TRUE(pipe.until(State::kUp));
  pipe.lost_percent = 10;
  pipe.round();
  EXPECT_EQ(pipe.bbr.state(), State::kDown);
  const std::uint64_t bound = pipe.bbr.model().long_term_bytes();
  ASSERT_NE(bound, BbrModel::kNoBound);
  pipe.lost_percent = 0;
  ASSERT_TRUE(pipe.until(State::kCruise, 10));
  pipe.round();
  EXPECT_LE(pipe.bbr.window_bytes(), bound * 85 / 100 + kPacket);   // headroom for others
}

TEST(Bbr, TheBoundRisesWhileAProbeDrawsNoLosses) {
  Pipe pipe;
  ASSERT_TRUE(pipe.until(State::kUp));
  pipe.lost_percent = 10;
  pipe.round();
  pipe.lost_percent = 0;
  const std::uint64_t bound = pipe.bbr.model().long_term_bytes();
  pipe.rate_Bps = 40'000'000;
  for (int i = 0; i < 1000; ++i) pipe.round();
  EXPECT_GT(pipe.bbr.model().long_term_bytes(), 3 * bound / 2);
}

// Losses between probes hold the rate to what came through; the next probe forgets that.
TEST(Bbr, LossesInACruiseAreRememberedUntilTheNextProbe) {
  Pipe pipe;
  ASSERT_TRUE(pipe.until(State::kCruise));
  pipe.lost_percent = 30;
  for (int i = 0; i < 5; ++i) pipe.round();
  ASSERT_EQ(pipe.bbr.state(), State::kCruise);
  EXPECT_LT(pipe.bbr.model().bandwidth_Bps(), pipe.bbr.model().max_bandwidth_Bps() * 8 / 10);
  pipe.lost_percent = 0;
  ASSERT_TRUE(pipe.until(State::kRefill));
  EXPECT_EQ(pipe.bbr.model().bandwidth_Bps(), pipe.bbr.model().max_bandwidth_Bps());
}

TEST(Bbr, ProbeRttComesEveryFiveSecondsForTwoHundredMilliseconds) {
  Pipe pipe;
  ASSERT_TRUE(pipe.until(State::kCruise));
  pipe.rtt = milliseconds(11);              // never as short again
  ASSERT_TRUE(pipe.until(State::kProbeRtt, 600));
  const Instant from = pipe.now;
  EXPECT_TRUE(pipe.bbr.keeps_flight_small());
  pipe.round();
  EXPECT_LE(pipe.bbr.window_bytes(), pipe.bdp() / 2 + kPacket);
  while (pipe.bbr.state() == State::kProbeRtt) pipe.round();
  EXPECT_GE(pipe.now - from, milliseconds(200));
  EXPECT_LE(pipe.now - from, milliseconds(250));
  EXPECT_EQ(pipe.bbr.state(), State::kCruise);
  const Instant left = pipe.now;
  ASSERT_TRUE(pipe.until(State::kProbeRtt, 600));
  EXPECT_GE(pipe.now - left, seconds(5));
  EXPECT_LE(pipe.now - left, seconds(5) + milliseconds(100));
}

TEST(Bbr, ALongerRoundTripIsBelievedAfterTenSeconds) {
  Pipe pipe;
  ASSERT_TRUE(pipe.until(State::kCruise));
  EXPECT_EQ(pipe.bbr.model().min_rtt(), milliseconds(10));
  pipe.rtt = milliseconds(30);
  const Instant changed = pipe.now;
  while (pipe.now - changed < seconds(4)) pipe.round();
  EXPECT_EQ(pipe.bbr.model().min_rtt(), milliseconds(10));
  while (pipe.now - changed < seconds(11)) pipe.round();
  EXPECT_GE(pipe.bbr.model().min_rtt(), milliseconds(30));
}

TEST(Bbr, AfterAPauseItGoesOnAtTheRateItKnowsAndDoesNotProbeTheRoundTrip) {
  Pipe pipe;
  ASSERT_TRUE(pipe.until(State::kUp));
  const std::uint64_t window = pipe.bbr.window_bytes();
  pipe.now += seconds(20);
  pipe.bbr.on_flight_starts({.rested = true, .app_limited = true}, pipe.now);
  EXPECT_NEAR(static_cast<double>(pipe.bbr.pacing_Bps()), 0.99 * 10e6, 1e5);
  EXPECT_EQ(pipe.bbr.window_bytes(), window);
  pipe.round();
  EXPECT_NE(pipe.bbr.state(), State::kProbeRtt);
}

TEST(Bbr, PersistentCongestionLeavesFourPacketsAndGrowsBack) {
  Pipe pipe;
  ASSERT_TRUE(pipe.until(State::kCruise));
  pipe.bbr.on_persistent_congestion();
  EXPECT_EQ(pipe.bbr.window_bytes(), 4 * kPacket);
  for (int i = 0; i < 12; ++i) pipe.round();
  EXPECT_GE(pipe.bbr.window_bytes(), pipe.bdp());
}

TEST(Bbr, ResetIsAsNew) {
  Pipe pipe;
  ASSERT_TRUE(pipe.until(State::kCruise));
  pipe.bbr.reset();
  EXPECT_EQ(pipe.bbr.state(), State::kStartup);
  EXPECT_EQ(pipe.bbr.window_bytes(), kInitialWindowPackets * kPacket);
  EXPECT_EQ(pipe.bbr.pacing_Bps(), 0u);
}

TEST(Bbr, TheSameSeedTakesTheSameTurns) {
  Pipe one, two;
  for (int i = 0; i < 3000; ++i) {
    one.round();
    two.round();
    ASSERT_EQ(one.bbr.state(), two.bbr.state());
    ASSERT_EQ(one.bbr.window_bytes(), two.bbr.window_bytes());
  }
}

}  // namespace
}  // namespace weft::sched
