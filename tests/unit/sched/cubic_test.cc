#include "sched/cubic.hh"

#include <gtest/gtest.h>

#include <algorithm>

#include "sched/arith.hh"
#include "sched/hystart.hh"

namespace weft::sched {
namespace {

using base::Duration;
using base::Instant;
using base::milliseconds;
using base::seconds;

constexpr std::uint32_t kPacket = 1000;
Instant at_ms(std::int64_t ms) { return Instant{} + milliseconds(ms); }

AckedEvent acked(std::uint64_t bytes, Instant sent, Duration rtt, bool limited = true) {
  return {.bytes = bytes, .newest_sent = sent, .latest_rtt = rtt, .srtt = rtt,
          .round_ended = false, .window_limited = limited};
}

// Grows to `packets` in slow start; the acks come at `now`.
void grow_to(Cubic& cubic, std::uint64_t packets, Instant now) {
  while (cubic.window_bytes() < packets * kPacket)
    cubic.on_acked(acked(std::min<std::uint64_t>(packets * kPacket - cubic.window_bytes(), kPacket),
                         now - milliseconds(10), milliseconds(10)), now);
}

TEST(Arith, CubeRootAndWideProducts) {
  for (const std::uint64_t r : {0u, 1u, 2u, 9u, 1000u, 2'000'000u}) {
    EXPECT_EQ(cube_root(r * r * r), r);
    EXPECT_EQ(cube_root(r * r * r + r), r);
    if (r > 1) {
      EXPECT_EQ(cube_root(r * r * r - 1), r - 1);
    }
  }
  EXPECT_EQ(cube_root(UINT64_MAX), 2'642'245u);
  EXPECT_EQ(mul_div(std::uint64_t{1} << 40, 1'000'000'000, 1 << 20),
            (std::uint64_t{1} << 20) * 1'000'000'000);
  EXPECT_EQ(mul_div(UINT64_MAX, UINT64_MAX, 1), UINT64_MAX);
}

TEST(Cubic, SlowStartDoublesAndStartsWithThirtyTwoPackets) {
  Cubic cubic(kPacket);
  EXPECT_EQ(cubic.window_bytes(), 32u * kPacket);
  cubic.on_acked(acked(32 * kPacket, at_ms(0), milliseconds(10)), at_ms(10));
  EXPECT_EQ(cubic.window_bytes(), 64u * kPacket);
}

TEST(Cubic, OfJumboPacketsItStartsWithSixtyFourKibibytes) {
  EXPECT_EQ(Cubic(9000).window_bytes(), kInitialWindowBytes);
  EXPECT_EQ(Cubic(65535).window_bytes(), 2u * 65535u);
}

TEST(Cubic, AQueueThatIsLongEnoughIsNotMadeLonger) {
  Cubic cubic(kPacket);
  grow_to(cubic, 100, at_ms(0));
  cubic.on_lost({.sent = at_ms(0)}, at_ms(1));
  auto next = [&cubic, now = at_ms(100)](Duration rtt) mutable {
    now += milliseconds(10);
    AckedEvent event = acked(kPacket, now - milliseconds(10), rtt);
    event.rtt_min = milliseconds(10);
    cubic.on_acked(event, now);
    return cubic.window_bytes();
  };
  std::uint64_t window = next(milliseconds(10));
  for (int i = 0; i < 500; ++i) next(milliseconds(210));
  EXPECT_GT(next(milliseconds(210)), window);
  window = next(milliseconds(211));
  for (int i = 0; i < 500; ++i) EXPECT_EQ(next(milliseconds(211)), window);
  // The curve's clock stood: it goes on from where it was.
  EXPECT_LT(next(milliseconds(210)), window + window / 50);
}

// A port that never drops, at `packets_ms`, 1 ms away: what stands before it after ten seconds, in packets.
std::uint64_t queue_of(Cubic& cubic, std::uint64_t packets_ms) {
  std::uint64_t queue = 0;
  for (std::int64_t ms = 1; ms < 10'000;) {
    const std::uint64_t flight = cubic.window_bytes() / kPacket;
    queue = flight > packets_ms ? flight - packets_ms : 0;
    const auto round = milliseconds(1 + static_cast<std::int64_t>(queue / packets_ms));
    ms += round.ms();
    for (std::uint64_t packet = 1; packet <= flight; ++packet)
      cubic.on_acked({.bytes = kPacket, .newest_sent = at_ms(ms) - round, .latest_rtt = round, .srtt = round,
                      .rtt_min = milliseconds(1), .round_ended = packet == flight, .window_limited = true,
                      .in_flight_bytes = (flight - 1) * kPacket}, at_ms(ms));
  }
  return queue;
}

TEST(Cubic, BeforeAPortThatNeverDropsOnlySoManyPacketsStand) {
  for (const std::uint64_t packets_ms : {1u, 16u, 80u}) {
    Cubic bounded(kPacket, 256), free(kPacket);
    EXPECT_LE(queue_of(bounded, packets_ms), 320u) << packets_ms;   // the bound, and what came in the last round
    EXPECT_GE(bounded.window_bytes(), packets_ms * kPacket) << packets_ms;
    if (packets_ms > 1) {
      EXPECT_GT(queue_of(free, packets_ms), 1000u) << packets_ms;
    }
  }
}

TEST(Cubic, OneSlowAnswerIsNoQueue) {
  Cubic cubic(kPacket, 256);
  grow_to(cubic, 1000, at_ms(0));
  const std::uint64_t before = cubic.window_bytes();
  for (int packet = 0; packet < 1000; ++packet)
    cubic.on_acked({.bytes = kPacket, .newest_sent = at_ms(100), .latest_rtt = milliseconds(packet == 500 ? 2 : 100),
                    .srtt = milliseconds(100), .rtt_min = milliseconds(1), .round_ended = packet == 999,
                    .in_flight_bytes = 1000 * kPacket}, at_ms(200));
  EXPECT_LT(cubic.window_bytes(), before);                          // half of it stood before the port, even at best
  cubic.reset();
  grow_to(cubic, 1000, at_ms(300));
  for (int packet = 0; packet < 1000; ++packet)
    cubic.on_acked({.bytes = kPacket, .newest_sent = at_ms(400), .latest_rtt = milliseconds(packet == 500 ? 1 : 100),
                    .srtt = milliseconds(100), .rtt_min = milliseconds(1), .round_ended = packet == 999,
                    .in_flight_bytes = 1000 * kPacket}, at_ms(500));
  EXPECT_GE(cubic.window_bytes(), 1000u * kPacket);
}

TEST(Cubic, AWindowThatIsNotUsedDoesNotGrow) {
  Cubic cubic(kPacket);
  cubic.on_acked(acked(kPacket, at_ms(0), milliseconds(10), false), at_ms(10));
  EXPECT_EQ(cubic.window_bytes(), 32u * kPacket);
}

TEST(Cubic, OneReductionPerRoundTrip) {
  Cubic cubic(kPacket);
  grow_to(cubic, 100, at_ms(10));
  cubic.on_lost({.sent = at_ms(12)}, at_ms(20));
  EXPECT_EQ(cubic.window_bytes(), 70u * kPacket);
  EXPECT_EQ(cubic.window_max_bytes(), 100u * kPacket);
  cubic.on_lost({.sent = at_ms(19)}, at_ms(21));  // of the same flight
  EXPECT_EQ(cubic.window_bytes(), 70u * kPacket);
  cubic.on_acked(acked(10 * kPacket, at_ms(19), milliseconds(10)), at_ms(25));  // nor does it grow
  EXPECT_EQ(cubic.window_bytes(), 70u * kPacket);
  cubic.on_lost({.sent = at_ms(25)}, at_ms(40));
  EXPECT_EQ(cubic.window_bytes(), 49u * kPacket);
  EXPECT_EQ(cubic.window_max_bytes(), 70u * kPacket * 17 / 20);  // fast convergence
}

// By hand: W_max = 100, cwnd = 70. K = cbrt(30 / 0.4) = 4.2172 s. W(0) = 70, W(K / 2) = 100 - 0.4 *
// 2.1086^3 = 96.25, W(K) = 100, W(K + 2 s) = 103.2. A round trip of 200 ms, so that Reno (0.53
// packets per round trip after 4.2 s: 70 + 11) stays below the curve.
TEST(Cubic, FollowsTheCurve) {
  Cubic cubic(kPacket);
  grow_to(cubic, 100, at_ms(10));
  cubic.on_lost({.sent = at_ms(12)}, at_ms(20));
  const Duration rtt = milliseconds(200);
  const Instant epoch = at_ms(220);
  auto run_to = [&, now = epoch](Duration t) mutable {
    for (; now <= epoch + t;
         now += milliseconds(2))  // a full window is acknowledged each round trip
      cubic.on_acked(acked(cubic.window_bytes() / 100, now - rtt + milliseconds(1), rtt), now);
    return static_cast<double>(cubic.window_bytes()) / kPacket;
  };
  EXPECT_NEAR(run_to(milliseconds(2)), 70.0, 0.5);
  EXPECT_NEAR(static_cast<double>(cubic.plateau_after().ms()), 4217.2, 1.0);
  EXPECT_NEAR(run_to(milliseconds(2109)), 96.25, 1.0);
  EXPECT_NEAR(run_to(milliseconds(4217)), 100.0, 0.5);
  EXPECT_NEAR(run_to(milliseconds(6217)), 103.2, 1.0);
}

// On a short round trip the curve is slower than Reno, and Reno's line is taken:
// alpha = 9/17 packets per round trip. 100 round trips of 1 ms: 70 + 52.9, above the old window
// alpha is 1.
TEST(Cubic, IsNeverSlowerThanReno) {
  Cubic cubic(kPacket);
  grow_to(cubic, 100, at_ms(10));
  cubic.on_lost({.sent = at_ms(12)}, at_ms(20));
  Instant now = at_ms(22);
  for (int round = 0; round < 50; ++round, now += milliseconds(1))
    cubic.on_acked(acked(cubic.window_bytes(), now - milliseconds(1), milliseconds(1)), now);
  EXPECT_NEAR(static_cast<double>(cubic.window_bytes()) / kPacket, 70 + 50 * 9.0 / 17, 1.5);
}

TEST(Cubic, TheCurvesClockStandsWhileTheWindowIsNotUsed) {
  Cubic cubic(kPacket);
  grow_to(cubic, 100, at_ms(10));
  cubic.on_lost({.sent = at_ms(12)}, at_ms(20));
  const Duration rtt = milliseconds(200);
  cubic.on_acked(acked(kPacket, at_ms(30), rtt), at_ms(230));
  for (int i = 1; i <= 600; ++i)
    cubic.on_acked(acked(kPacket, at_ms(30 + 100 * i), rtt, false), at_ms(230 + 100 * i));
  const std::uint64_t before = cubic.window_bytes();
  cubic.on_acked(acked(kPacket, at_ms(60'300), rtt), at_ms(60'330));
  EXPECT_LT(cubic.window_bytes(), before + kPacket);  // a minute later it is still at t = 0
}

TEST(Cubic, PersistentCongestionLeavesTwoPackets) {
  Cubic cubic(kPacket);
  grow_to(cubic, 100, at_ms(10));
  cubic.on_lost({.sent = at_ms(12)}, at_ms(20));
  cubic.on_persistent_congestion();
  EXPECT_EQ(cubic.window_bytes(), 2u * kPacket);
  EXPECT_TRUE(cubic.in_slow_start());  // and up again to 0.7 of the old window
  grow_to(cubic, 70, at_ms(100));
  EXPECT_FALSE(cubic.in_slow_start());
}

TEST(Cubic, IdleRestartKeepsAMemoryAndResetKeepsNone) {
  Cubic cubic(kPacket);
  grow_to(cubic, 1000, at_ms(10));
  cubic.on_lost({.sent = at_ms(12)}, at_ms(20));
  cubic.on_flight_starts({.rested = true}, at_ms(30));
  EXPECT_EQ(cubic.window_bytes(), 32u * kPacket);
  grow_to(cubic, 525, at_ms(5'000));
  EXPECT_FALSE(cubic.in_slow_start());
  cubic.reset();
  EXPECT_EQ(cubic.window_bytes(), 32u * kPacket);
  EXPECT_TRUE(cubic.in_slow_start());
  EXPECT_EQ(cubic.window_max_bytes(), 0u);
}

TEST(Cubic, NeverFallsBelowTwoPackets) {
  Cubic cubic(kPacket);
  for (int i = 0; i < 100; ++i) cubic.on_lost({.sent = at_ms(20 * i + 15)}, at_ms(20 * i + 20));
  EXPECT_EQ(cubic.window_bytes(), 2u * kPacket);
}

TEST(HyStart, ARisingRoundTripEndsSlowStartAndNoiseDoesNot) {
  HyStart hystart;
  const auto round = [&](std::int64_t rtt_ms) {
    for (int i = 0; i < 10; ++i) hystart.on_sample(milliseconds(rtt_ms), i == 0);
  };
  round(40);
  round(42);  // less than 40 / 8 more
  EXPECT_EQ(hystart.phase(), HyStart::Phase::kSlowStart);
  round(50);
  EXPECT_EQ(hystart.phase(), HyStart::Phase::kCss);
  EXPECT_EQ(hystart.growth(100), 25u);
  round(44);  // it was noise
  EXPECT_EQ(hystart.phase(), HyStart::Phase::kSlowStart);
  round(60);
  for (int i = 0; i < 5; ++i) round(60 + i);
  EXPECT_EQ(hystart.phase(), HyStart::Phase::kDone);
}

TEST(HyStart, ThePollLoopsNoiseOnALanIsBelowItsThreshold) {
  HyStart hystart;
  for (int n = 0; n < 20; ++n)
    for (int i = 0; i < 10; ++i)
      hystart.on_sample(base::microseconds(100 + 300 * (n % 10)), i == 0);
  EXPECT_EQ(hystart.phase(), HyStart::Phase::kSlowStart);
}

}  // namespace
}  // namespace weft::sched
