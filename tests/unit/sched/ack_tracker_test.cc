#include "sched/ack_tracker.hh"

#include <gtest/gtest.h>

#include <set>

#include "engine/base/prng.hh"

namespace weft::sched {
namespace {

using base::Instant;
using base::microseconds;
using base::milliseconds;

Instant at_us(std::int64_t us) { return Instant{} + microseconds(us); }

TEST(AckTracker, NothingReceivedHasNothingToTell) {
  AckTracker tracker;
  wire::Ack ack;
  EXPECT_FALSE(tracker.fill(ack, at_us(1)));
  EXPECT_EQ(tracker.next_deadline(), base::kNever);
  tracker.forget_up_to(7);
  EXPECT_EQ(tracker.range_count(), 0u);
}

TEST(AckTracker, OnePacketIsToldAfterTheDelay) {
  AckTracker tracker;
  tracker.on_received(0, true, at_us(100));
  EXPECT_TRUE(tracker.pending());
  EXPECT_FALSE(tracker.due(at_us(1099)));
  EXPECT_TRUE(tracker.due(at_us(1100)));
  wire::Ack ack;
  ASSERT_TRUE(tracker.fill(ack, at_us(1350)));
  EXPECT_EQ(ack.largest, 0u);
  EXPECT_EQ(ack.delay_us, 1250u);
  ASSERT_EQ(ack.ranges.size(), 1u);
  EXPECT_FALSE(tracker.pending());
  EXPECT_FALSE(tracker.due(at_us(99'999)));
}

TEST(AckTracker, ThirtyTwoPacketsAreToldAtOnce) {
  AckTracker tracker;
  for (std::uint64_t n = 0; n < kAckEvery; ++n) {
    EXPECT_FALSE(tracker.due(at_us(0)));
    tracker.on_received(n, true, at_us(0));
  }
  EXPECT_TRUE(tracker.due(at_us(0)));
}

TEST(AckTracker, AGapAndALatePacketAreToldAtOnce) {
  AckTracker tracker;
  wire::Ack ack;
  tracker.on_received(0, true, at_us(0));
  tracker.on_received(2, true, at_us(1));
  EXPECT_TRUE(tracker.due(at_us(1)));
  ASSERT_TRUE(tracker.fill(ack, at_us(1)));
  ASSERT_EQ(ack.ranges.size(), 2u);
  EXPECT_EQ(ack.ranges[0], (wire::AckRange{2, 2}));
  EXPECT_EQ(ack.ranges[1], (wire::AckRange{0, 0}));
  tracker.on_received(3, true, at_us(2));  // the old gap is known: no hurry
  EXPECT_FALSE(tracker.due(at_us(2)));
  tracker.on_received(1, true, at_us(3));
  EXPECT_TRUE(tracker.due(at_us(3)));
  ASSERT_TRUE(tracker.fill(ack, at_us(3)));
  ASSERT_EQ(ack.ranges.size(), 1u);
  EXPECT_EQ(ack.ranges[0], (wire::AckRange{0, 3}));
  EXPECT_EQ(ack.delay_us, 1u);  // counted from the largest, not from the latest
}

TEST(AckTracker, PacketsThatElicitNothingNeverMakeAnAckDue) {
  AckTracker tracker;
  for (std::uint64_t n = 0; n < 100; n += 2) tracker.on_received(n, false, at_us(0));
  EXPECT_EQ(tracker.next_deadline(), base::kNever);
  wire::Ack ack;
  ASSERT_TRUE(tracker.fill(ack, at_us(0)));
  EXPECT_EQ(ack.ranges.size(), wire::kAckRangesMax);
  EXPECT_EQ(ack.ranges[0].last, 98u);
}

TEST(AckTracker, ForgettingKeepsTheLargest) {
  AckTracker tracker;
  for (const std::uint64_t n : {0u, 1u, 5u, 6u, 7u, 10u}) tracker.on_received(n, true, at_us(0));
  tracker.forget_up_to(6);
  wire::Ack ack;
  ASSERT_TRUE(tracker.fill(ack, at_us(0)));
  ASSERT_EQ(ack.ranges.size(), 2u);
  EXPECT_EQ(ack.ranges[1], (wire::AckRange{7, 7}));
  tracker.forget_up_to(1000);
  ASSERT_TRUE(tracker.fill(ack, at_us(0)));
  ASSERT_EQ(ack.ranges.size(), 1u);
  EXPECT_EQ(ack.ranges[0], (wire::AckRange{10, 10}));
}

TEST(AckTracker, AFullTableForgetsTheOldest) {
  AckTracker tracker;
  for (std::uint64_t n = 0; n <= 2 * AckTracker::kRangesMax; n += 2)
    tracker.on_received(n + 10, true, at_us(0));
  EXPECT_EQ(tracker.range_count(), AckTracker::kRangesMax);
  tracker.on_received(1, true, at_us(0));  // older than all: not worth a place
  EXPECT_EQ(tracker.range_count(), AckTracker::kRangesMax);
}

// Random numbers with loss, reordering and duplicates against a plain set. Few enough gaps that the
// table never fills, so that the answer must be exact.
TEST(AckTrackerProp, SaysExactlyWhatASetSays) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    base::Prng prng(seed);
    AckTracker tracker;
    std::set<std::uint64_t> model;
    std::uint64_t forgotten_to = 0;  // numbers below were forgotten
    std::uint64_t next = 0;
    for (int step = 0; step < 400; ++step) {
      std::uint64_t number = next++;
      if (prng.chance(16)) continue;  // lost
      if (prng.chance(6) && number > 0) {
        number -= prng.below(static_cast<std::uint32_t>(std::min<std::uint64_t>(number, 20)));
        --next;
      }
      if (number < forgotten_to) continue;
      tracker.on_received(number, prng.chance(2), at_us(step));
      model.insert(number);
      if (prng.chance(40) && model.size() > 20) {
        forgotten_to = *std::prev(model.end(), 10) + 1;
        tracker.forget_up_to(forgotten_to - 1);
        model.erase(model.begin(), model.lower_bound(forgotten_to));
      }
      wire::Ack ack;
      ASSERT_TRUE(tracker.fill(ack, at_us(step)));
      ASSERT_EQ(ack.largest, *model.rbegin());
      auto expected = model.rbegin();
      std::uint64_t above = UINT64_MAX;
      for (const wire::AckRange& range : ack.ranges) {
        ASSERT_LE(range.first, range.last);
        ASSERT_LT(range.last + 1, above);  // disjoint, with a gap
        above = range.first;
        for (std::uint64_t n = range.last + 1; n-- > range.first; ++expected) {
          ASSERT_NE(expected, model.rend());
          ASSERT_EQ(*expected, n);
        }
      }
      if (!ack.ranges.full()) {
        ASSERT_EQ(expected, model.rend());
      }
    }
  }
}

}  // namespace
}  // namespace weft::sched
