#include "sched/pacer.hh"

#include <gtest/gtest.h>

namespace weft::sched {
namespace {

using base::Duration;
using base::Instant;
using base::microseconds;
using base::milliseconds;

constexpr std::uint32_t kPacket = 1250;

// Sends whenever it may, in turns of `turn`; returns bytes in `time`.
std::uint64_t drain(Pacer& pacer, Duration turn, Duration time, Instant start) {
  std::uint64_t sent = 0;
  for (Instant now = start; now < start + time; now += turn) {
    pacer.on_turn(now);
    while (pacer.may_send(now)) {
      pacer.on_sent(kPacket, now);
      sent += kPacket;
    }
  }
  return sent;
}

TEST(Pacer, ABurstOfSixteenPacketsAtFirst) {
  Pacer pacer(kPacket);
  int packets = 0;
  for (; pacer.may_send(Instant{}); ++packets) pacer.on_sent(kPacket, Instant{});
  EXPECT_EQ(packets, 16);
}

TEST(Pacer, RateIsOneAndAQuarterOfTheWindowPerRoundTripAndDoubleInSlowStart) {
  Pacer pacer(kPacket);
  pacer.set_rate(1'000'000, milliseconds(10), false, Instant{});
  EXPECT_NEAR(static_cast<double>(pacer.rate_Bps()), 125e6, 1e3);
  pacer.set_rate(1'000'000, milliseconds(10), true, Instant{});
  EXPECT_NEAR(static_cast<double>(pacer.rate_Bps()), 200e6, 1e3);
}

// Whatever the turn between 50 us and 5 ms, the rate is reached: the bucket covers two turns.
TEST(Pacer, TheRateIsReachedAtAnyTurnOfThePollLoop) {
  for (const std::int64_t turn_us : {50, 200, 1'000, 3'000, 5'000}) {
    SCOPED_TRACE(turn_us);
    Pacer pacer(kPacket);
    pacer.set_rate(8'000'000, milliseconds(20), false, Instant{});
    const Duration turn = microseconds(turn_us);
    drain(pacer, turn, milliseconds(200), Instant{});  // learns the turn
    const std::uint64_t sent =
        drain(pacer, turn, milliseconds(1'000), Instant{} + milliseconds(200));
    EXPECT_NEAR(static_cast<double>(sent), 500e6, 15e6);
  }
}

// 10 ms at 1 MB/s are eight packets, however much faster it goes from then on.
TEST(Pacer, ANewRateCountsFromNowOn) {
  Pacer pacer(kPacket);
  pacer.set_rate_Bps(1'000'000, Instant{});
  while (pacer.may_send(Instant{})) pacer.on_sent(kPacket, Instant{});
  const Instant later = Instant{} + milliseconds(10);
  pacer.set_rate_Bps(1'000'000'000, later);
  int packets = 0;
  for (; pacer.may_send(later); ++packets) pacer.on_sent(kPacket, later);
  EXPECT_EQ(packets, 8);
}

TEST(Pacer, ASlowLaneDoesNotLoseFractions) {
  Pacer pacer(kPacket);
  pacer.set_rate(8'000, milliseconds(100), false, Instant{});  // 100 kB/s
  const std::uint64_t sent = drain(pacer, microseconds(50), milliseconds(10'000), Instant{});
  EXPECT_NEAR(static_cast<double>(sent), 1e6 + 16 * kPacket, 10e3);
}

TEST(Pacer, ControlFramesDoNotShutDataOutForLong) {
  Pacer pacer(kPacket);
  pacer.set_rate(1'000'000, milliseconds(10), false, Instant{});
  for (int i = 0; i < 10'000; ++i) pacer.on_sent(kPacket, Instant{});
  EXPECT_FALSE(pacer.may_send(Instant{}));
  EXPECT_TRUE(pacer.may_send(Instant{} + milliseconds(2)));
}

TEST(Pacer, ALongSilenceFillsTheBucketOnce) {
  Pacer pacer(kPacket);
  pacer.set_rate(1'000'000, milliseconds(10), false, Instant{});
  const Instant later = Instant{} + base::seconds(100'000);
  std::int64_t sent = 0;
  for (; pacer.may_send(later); sent += kPacket) pacer.on_sent(kPacket, later);
  EXPECT_LE(sent, pacer.burst_bytes() + kPacket);
}

}  // namespace
}  // namespace weft::sched
