// Orders at their times, and properties of drawn flaps over seeds.
#include "engine/lab/timeline.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace weft::lab {
namespace {

using Do = Event::Do;
using Kind = Order::Kind;

Event event(Do what, std::optional<double> at_s, std::optional<double> at_percent, std::vector<std::size_t> links) {
  Event out;
  out.what = what;
  out.at_s = at_s;
  out.at_percent = at_percent;
  out.links = std::move(links);
  return out;
}

TEST(Timeline, OrdersComeOnceAndInTheirOrder) {
  const std::vector<Event> events = {event(Do::kHeal, 3, {}, {1}), event(Do::kSilence, 1, {}, {0, 1}),
                                     event(Do::kLinkDown, {}, 40, {0})};
  Timeline timeline(events, 1);
  EXPECT_TRUE(timeline.take_due(0.9, 10).empty());
  auto due = timeline.take_due(1.0, 10);
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].kind, Kind::kSilence);
  EXPECT_EQ(due[0].link, 0u);
  EXPECT_EQ(due[1].link, 1u);
  EXPECT_TRUE(timeline.take_due(1.1, 39.9).empty());
  due = timeline.take_due(1.2, 40);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].kind, Kind::kLinkDown);
  EXPECT_FALSE(timeline.done());
  due = timeline.take_due(9, 100);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].kind, Kind::kRestore);
  EXPECT_TRUE(timeline.done());
}

TEST(Timeline, WhoLooksLateGetsAllInTheOrderOfTimes) {
  const std::vector<Event> events = {event(Do::kHeal, 2, {}, {0}), event(Do::kSilence, 1, {}, {0})};
  Timeline timeline(events, 1);
  const auto due = timeline.take_due(5, 0);
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].kind, Kind::kSilence);
  EXPECT_EQ(due[1].kind, Kind::kRestore);
}

TEST(Timeline, CarriesShapeAndPolicy) {
  Event impair = event(Do::kImpair, 0, {}, {1});
  impair.shape.rate_mbit = 5;
  Event policy = event(Do::kPolicy, 0, {}, {});
  policy.policy = "ecf";
  Timeline timeline(std::vector{impair, policy}, 1);
  const auto due = timeline.take_due(0, 0);
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].shape.rate_mbit, 5);
  EXPECT_EQ(due[1].policy, "ecf");
}

Event flaps(std::uint32_t count, double seconds, std::vector<std::size_t> links) {
  Event out = event(Do::kFlaps, 0.5, {}, std::move(links));
  out.count = count;
  out.seconds = seconds;
  return out;
}

TEST(Flaps, AreWhatWasAskedForWhateverTheSeed) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    base::Prng dice(seed);
    const auto count = 1 + dice.below(60);
    const std::vector<std::size_t> links = dice.chance(2) ? std::vector<std::size_t>{0, 1, 2}
        : std::vector<std::size_t>{4};
    const Event asked = flaps(count, 60, links);
    std::map<std::size_t, std::size_t> by_link;
    const auto plan = plan_flaps(asked, dice);
    ASSERT_EQ(plan.size(), count);
    for (std::size_t i = 0; i < plan.size(); ++i) {
      if (i > 0) {
        EXPECT_LE(plan[i - 1].up_s, plan[i].down_s + 1e-9);                    // one at a time
      }
      const double down_ms = (plan[i].up_s - plan[i].down_s) * 1000;
      EXPECT_GE(down_ms, asked.down_ms_min - 1e-6);
      EXPECT_LE(down_ms, asked.down_ms_max + 1e-6);
      EXPECT_GE(plan[i].down_s, 0);
      EXPECT_LE(plan[i].up_s, asked.seconds + 1e-6);
      EXPECT_NE(std::ranges::find(links, plan[i].link), links.end());
      ++by_link[plan[i].link];
    }
    // A link that is never drawn in 30 flaps of three links would be one in ten thousand seeds.
    if (count >= 30) {
      EXPECT_EQ(by_link.size(), links.size());
    }
  }
}

// 100 / 1000 is more than 0.3 / 3 by the last bit.
TEST(Flaps, MayFillTheirTimeToTheLastBit) {
  Event asked = flaps(3, 0.3, {0});
  asked.down_ms_min = asked.down_ms_max = 100;
  base::Prng dice(1);
  const auto plan = plan_flaps(asked, dice);
  ASSERT_EQ(plan.size(), 3u);
  for (const Flap& flap : plan) EXPECT_NEAR(flap.up_s - flap.down_s, 0.1, 1e-9);
}

TEST(Flaps, SameSeedSameFlaps) {
  const auto times = [](std::uint64_t seed) {
    base::Prng dice(seed);
    std::vector<double> out;
    for (const Flap& flap : plan_flaps(flaps(20, 30, {0, 1}), dice)) out.push_back(flap.down_s);
    return out;
  };
  EXPECT_EQ(times(3), times(3));
  EXPECT_NE(times(3), times(4));
}

TEST(Flaps, EachGoesDownAndComesUp) {
  Event asked = flaps(9, 10, {0, 1});
  asked.by_link_down = true;
  Timeline timeline(std::vector{asked}, 5);
  std::map<std::size_t, int> down;
  int seen = 0;
  for (double s = 0; s <= 11; s += 0.01)
    for (const Order& order : timeline.take_due(s, 0)) {
      EXPECT_GE(s, 0.5);
      EXPECT_TRUE(order.flap);
      if (order.kind == Kind::kLinkDown) {
        EXPECT_EQ(++down[order.link], 1);
        ++seen;
      } else {
        EXPECT_EQ(order.kind, Kind::kRestore);
        EXPECT_EQ(--down[order.link], 0);
      }
    }
  EXPECT_EQ(seen, 9);
  EXPECT_TRUE(timeline.done());
}

}  // namespace
}  // namespace weft::lab
