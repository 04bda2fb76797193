// Several sessions at one server: none can make another wait for long, whatever it asks for and however it behaves.
#include <gtest/gtest.h>

#include "tests/unit/run/star.hh"

namespace weft::sim {
namespace {

constexpr std::size_t kMiB = 1u << 20;

TEST(Fairness, ALongQueueOfASlowPeerDoesNotMakeAnotherWait) {
  Star star(2);
  star.link(0, [](LinkModel& m) { m.rate_Bps = 1'000'000; });
  star.join(0, 16 * kMiB);                    // 16 s of work
  star.join(1, 16 * kMiB);                    // 16 ms
  star.fetch_all(0);
  star.run_for(base::milliseconds(200));
  star.fetch_all(1);
  ASSERT_TRUE(star.run_until([&] { return star.puller(1).ended(); }, base::milliseconds(200)));
  EXPECT_TRUE(star.puller(1).has_all());
  EXPECT_LT(star.gap_longest(1).ms(), 10);
  EXPECT_GT(star.extents_serving(0), 100u);   // still at it
}

TEST(Fairness, ANewcomerIsServedWhileASilentPeerHoldsEverySlot) {
  Star star(2);
  star.join(0, 16 * kMiB);
  star.fetch_all(0);
  ASSERT_TRUE(star.run_until([&] { return star.extents_serving(0) > Side::kServe; }, base::milliseconds(50)));
  star.link(0, [](LinkModel& m) { m.blackhole = true; });   // and control says nothing
  star.run_for(base::milliseconds(50));
  star.join(1, 16 * kMiB);
  star.fetch_all(1);
  ASSERT_TRUE(star.run_until([&] { return star.puller(1).ended(); }, base::milliseconds(200)));
  EXPECT_TRUE(star.puller(1).has_all());
  star.link(0, [](LinkModel& m) { m.blackhole = false; });
  ASSERT_TRUE(star.run_until([&] { return star.puller(0).ended(); }, base::seconds(20)));
  EXPECT_TRUE(star.puller(0).has_all());      // what was taken from it came in the end
}

TEST(Fairness, EqualPeersGetEqualParts) {
  constexpr std::uint32_t kPullers = 4;
  Star star(kPullers);
  for (std::uint32_t i = 0; i < kPullers; ++i) star.join(i, 12 * kMiB);
  for (std::uint32_t i = 0; i < kPullers; ++i) star.fetch_all(i);
  ASSERT_TRUE(star.run_until([&] { return star.puller(0).ended(); }, base::seconds(5)));
  for (std::uint32_t i = 0; i < kPullers; ++i) EXPECT_GT(star.puller(i).written, star.puller(0).ordered * 3 / 4);
  for (std::uint32_t i = 0; i < kPullers; ++i)
    ASSERT_TRUE(star.run_until([&] { return star.puller(i).ended(); }, base::seconds(5)));
  for (std::uint32_t i = 0; i < kPullers; ++i) EXPECT_TRUE(star.puller(i).has_all());
}

TEST(Fairness, SlotsTakenBackUnderLossLoseNoByte) {
  Star star(3, 7);
  for (std::uint32_t i = 0; i < 3; ++i)
    star.link(i, [](LinkModel& m) {
      m.rate_Bps = 30'000'000;
      m.drop_ppm = 20'000;
      m.jitter = base::microseconds(300);
    });
  for (std::uint32_t i = 0; i < 3; ++i) {     // each comes when those before hold everything
    star.join(i, 8 * kMiB);
    star.fetch_all(i);
    star.run_for(base::milliseconds(20));
  }
  for (std::uint32_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(star.run_until([&] { return star.puller(i).ended(); }, base::seconds(20)));
    EXPECT_EQ(star.puller(i).failed, 0u);
    EXPECT_TRUE(star.puller(i).has_all());
  }
  star.run_for(base::milliseconds(50));
  EXPECT_EQ(star.server.channel->report().slots_free, Side::kFetch + Side::kServe);
}

// More refusals than any list had room for: a session's whole window asks for what is not granted (any more).
TEST(Fairness, EveryRefusalIsHeardAtOnce) {
  for (const std::uint32_t drop_ppm : {0u, 50'000u}) {
    Star star(1);
    star.join(0, 16 * kMiB);
    star.run_for(base::milliseconds(50));
    star.link(0, [&](LinkModel& m) { m.drop_ppm = drop_ppm; });
    star.puller(0).handle ^= 1;
    star.fetch_all(0, 4 * kMiB);              // 4 blocks, 128 requests at once
    ASSERT_TRUE(star.run_until([&] { return star.puller(0).ended(); }, base::seconds(1)));
    EXPECT_EQ(star.puller(0).failed, 4u);
  }
}

}  // namespace
}  // namespace weft::sim
