#include "sched/rtt.hh"

#include <gtest/gtest.h>

#include "sched/ack_tracker.hh"

namespace weft::sched {
namespace {

using base::microseconds;
using base::milliseconds;

TEST(Rtt, StartsFromTheChallenge) {
  const Rtt rtt(milliseconds(2));
  EXPECT_EQ(rtt.srtt(), milliseconds(2));
  EXPECT_EQ(rtt.rttvar(), milliseconds(1));
  EXPECT_FALSE(rtt.has_sample());
  EXPECT_EQ(rtt.pto(), milliseconds(2 + 4 + 1));
}

TEST(Rtt, FirstSampleReplacesTheGuess) {
  Rtt rtt(milliseconds(2));
  rtt.on_sample(milliseconds(40), milliseconds(1));
  EXPECT_EQ(rtt.srtt(), milliseconds(40));
  EXPECT_EQ(rtt.rttvar(), milliseconds(20));
  EXPECT_EQ(rtt.min(), milliseconds(40));
}

// RFC 9002 5.3 by hand: 40 ms, then 60 ms of which the peer held 1 ms.
TEST(Rtt, SecondSampleIsSmoothed) {
  Rtt rtt(milliseconds(2));
  rtt.on_sample(milliseconds(40), {});
  rtt.on_sample(milliseconds(60), milliseconds(1));
  EXPECT_EQ(rtt.srtt(), microseconds((7 * 40'000 + 59'000) / 8));
  EXPECT_EQ(rtt.rttvar(), microseconds((3 * 20'000 + 19'000) / 4));
  EXPECT_EQ(rtt.latest(), milliseconds(60));
  EXPECT_EQ(rtt.loss_delay(), microseconds(67'500));
}

TEST(Rtt, ThePeersDelayIsBelievedOnlyAsFarAsPromised) {
  Rtt rtt(milliseconds(2));
  rtt.on_sample(milliseconds(40), {});
  rtt.on_sample(milliseconds(60), milliseconds(50));
  EXPECT_EQ(rtt.srtt(), microseconds((7 * 40'000 + 59'000) / 8));
  rtt.reset(milliseconds(40));
  rtt.on_sample(milliseconds(40), {});
  rtt.on_sample(microseconds(40'500),
                milliseconds(1));  // would fall below the floor: not taken off
  EXPECT_EQ(rtt.srtt(), base::nanoseconds((7 * 40'000'000 + 40'500'000) / 8));
}

TEST(Rtt, QuietLanHasTheFloorsAndNotLess) {
  Rtt rtt(microseconds(50));
  for (int i = 0; i < 100; ++i) rtt.on_sample(microseconds(50), {});
  EXPECT_EQ(rtt.pto(), kPtoMin);
  EXPECT_EQ(rtt.loss_delay(), kGranularity);
  rtt.on_sample({}, {});  // both ends in one turn
  EXPECT_GT(rtt.srtt().ns, 0);
  EXPECT_GT(rtt.latest().ns, 0);
}

}  // namespace
}  // namespace weft::sched
