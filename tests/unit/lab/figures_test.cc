// Figures of made-up records, computed by hand beside them.
#include "engine/lab/figures.hh"

#include <gtest/gtest.h>

namespace weft::lab {
namespace {

Scenario two_links() {
  Scenario scenario;
  scenario.links = {{.name = "left"}, {.name = "right"}};
  scenario.runs = {{.name = "both", .links = {0, 1}}};
  return scenario;
}

// 1000 bytes a second after half a second, left and right in halves, for ten seconds; a look every 20 ms.
Record even(double from_s = 0.5, double to_s = 10.5) {
  Record record;
  for (double at = 0; at <= to_s + 0.5; at += 0.02) {
    const double bytes = 1000 * (std::clamp(at, from_s, to_s) - from_s);
    const auto half = static_cast<std::uint64_t>(bytes / 2);
    record.samples.push_back({at, 2 * half, 2 * half, {half, half}});
  }
  record.payload = record.samples.back().verified;
  return record;
}

Given given(double at_s, Order::Kind kind, std::size_t link, bool flap = false) {
  return {at_s, {.kind = kind, .link = link, .flap = flap}};
}

TEST(Figures, GoodputIsTheSlopeBetweenTheMarks) {
  const Scenario scenario = two_links();
  const Figures f = figures_of(even(), scenario, scenario.runs[0]);
  EXPECT_NEAR(f.first_s, 0.5, 0.03);
  EXPECT_NEAR(f.seconds, 10, 0.05);
  EXPECT_NEAR(f.goodput_Bps, 1000, 2);
  EXPECT_NEAR(f.whole_Bps, 1000, 6);
  EXPECT_NEAR(f.from_s, 2, 0.05);
  EXPECT_NEAR(f.to_s, 9.5, 0.05);
  EXPECT_EQ(f.by_link[0], f.by_link[1]);
}

TEST(Figures, WarmUpAndTailDoNotCount) {
  const Scenario scenario = two_links();
  Record record;
  // 20 bytes in 2 s, 75 in 0.75 s, 5 in 5 s.
  for (const auto& [at, bytes] : std::vector<std::pair<double,
       std::uint64_t>>{{0, 0}, {1, 10}, {2, 20}, {2.75, 95}, {7.75, 100}})
    record.samples.push_back({at, bytes, bytes, {bytes, 0}});
  record.payload = 100;
  const Figures f = figures_of(record, scenario, scenario.runs[0]);
  EXPECT_NEAR(f.goodput_Bps, 100, 1e-6);
  EXPECT_LT(f.whole_Bps, 14);
}

// Forty blocks that fill together and are verified together: what came is the measure, not what was verified.
TEST(Figures, BlocksDoneTogetherDoNotMakeItFaster) {
  const Scenario scenario = two_links();
  Record record;
  for (int i = 0; i <= 100; ++i) {
    const auto received = static_cast<std::uint64_t>(i) * 100;
    record.samples.push_back({i * 0.1, received / 4000 * 4000 + (i == 100 ? 2000 : 0), received, {received, 0}});
  }
  record.payload = 10'000;
  EXPECT_NEAR(figures_of(record, scenario, scenario.runs[0]).goodput_Bps, 1000, 1e-6);
}

TEST(Figures, WaitsAndWhatTheyBelongTo) {
  const Scenario scenario = two_links();
  Record record = even();
  record.waits = {{1.0, 0.040}, {3.99, 0.015}, {4.5, 0.012}, {6.0, 0.030}};
  record.orders = {given(4.0, Order::Kind::kSilence, 0)};
  const Figures f = figures_of(record, scenario, scenario.runs[0]);
  EXPECT_DOUBLE_EQ(f.stall_s, 0.040);
  EXPECT_NEAR(f.stall_at_s, 0.5, 0.03);
  EXPECT_DOUBLE_EQ(f.event_stall_s, 0.015);      // the others are before it, or a second later
}

TEST(Figures, BackInUseIsHalfOfWhatItHad) {
  const Scenario scenario = two_links();
  Record record;
  // right: 100 B/s until 2 s, nothing until 3.4 s, then 100 B/s again; healed at 3 s.
  for (int i = 0; i <= 300; ++i) {
    const double at = i * 0.02;
    const auto right = static_cast<std::uint64_t>(100 * (std::min(at, 2.0) + std::max(0.0, at - 3.4)));
    const auto left = static_cast<std::uint64_t>(i);
    record.samples.push_back({at, left + right, left + right, {left, right}});
  }
  record.orders = {given(2.0, Order::Kind::kSilence, 1), given(3.0, Order::Kind::kRestore, 1)};
  Figures f = figures_of(record, scenario, scenario.runs[0]);
  ASSERT_EQ(f.back.size(), 1u);
  EXPECT_EQ(f.back[0].link, 1u);
  ASSERT_TRUE(f.back[0].after_s);
  EXPECT_NEAR(*f.back[0].after_s, 0.45, 0.03);   // half of the window of 100 ms after 3.4 s
  EXPECT_NEAR(f.up_s[0] - f.up_s[1], 1.0, 1e-9);

  record.orders[1].at_s = 5.99;                  // too late to be seen again
  f = figures_of(record, scenario, scenario.runs[0]);
  ASSERT_EQ(f.back.size(), 1u);
  EXPECT_FALSE(f.back[0].after_s);
}

TEST(Figures, FlapsAreCountedAndNotFollowed) {
  Scenario scenario = two_links();
  Record record = even();
  for (int i = 1; i <= 4; ++i) {
    record.orders.push_back(given(i, Order::Kind::kLinkDown, 0, true));
    record.orders.push_back(given(i + 0.25, Order::Kind::kRestore, 0, true));
  }
  const Figures f = figures_of(record, scenario, scenario.runs[0]);
  EXPECT_EQ(f.flaps, 4u);
  EXPECT_TRUE(f.back.empty());
  EXPECT_NEAR(f.up_s[1] - f.up_s[0], 1.0, 1e-9);
  EXPECT_NEAR(f.up_s[1], f.seconds, 1e-9);
  scenario.runs[0].links = {1};                  // left is not of this run: never up but for what heals it
  EXPECT_LT(figures_of(even(), scenario, scenario.runs[0]).up_s[0], 1e-9);
}

TEST(Figures, NothingArrived) {
  const Scenario scenario = two_links();
  Record record;
  record.samples = {{0, 0, 0, {0, 0}}, {1, 0, 0, {0, 0}}};
  record.payload = 100;
  const Figures f = figures_of(record, scenario, scenario.runs[0]);
  EXPECT_EQ(f.goodput_Bps, 0);
  EXPECT_EQ(f.seconds, 0);
}

}  // namespace
}  // namespace weft::lab
