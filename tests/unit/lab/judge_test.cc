// Each expectation on both sides of its bound.
#include "engine/lab/judge.hh"

#include <gtest/gtest.h>

namespace weft::lab {
namespace {

constexpr double kMbit = 125'000;

struct Bench {
  Scenario scenario;
  Run run;
  Figures f;
  Alone alone{{0, 100 * kMbit}, {1, 50 * kMbit}};
  Bench() {
    scenario.links = {{.name = "left"}, {.name = "right"}};
    scenario.runs = {{.name = "left-alone", .links = {0}}, {.name = "right-alone", .links = {1}}};
    run.links = {0, 1};
    f.by_link = {600, 400};
    f.payload = 1000;
    f.seconds = 10;
    f.up_s = {10, 5};
  }
  std::vector<Verdict> all() const { return judge(scenario, run, f, alone); }
  // The only verdict.
  Verdict one() const {
    const auto verdicts = all();
    EXPECT_EQ(verdicts.size(), 1u);
    return verdicts.empty() ? Verdict{} : verdicts[0];
  }
};

TEST(Judge, NothingAskedNothingSaid) { EXPECT_TRUE(Bench().all().empty()); }

TEST(Judge, ShareOfTheSum) {
  Bench bench;
  bench.run.expect.of_sum_min = 0.98;
  bench.f.goodput_Bps = 147 * kMbit;
  EXPECT_TRUE(bench.one().held);
  bench.f.goodput_Bps = 145.5 * kMbit;
  const Verdict v = bench.one();
  EXPECT_FALSE(v.held);
  EXPECT_EQ(v.what, "of_sum_min");
  EXPECT_EQ(v.seen, "97.0 %");
  EXPECT_EQ(v.wanted, "at least 98.0 %");
  EXPECT_EQ(v.margin, "1.0 points short");
  EXPECT_NE(v.sentence.find("150.0 Mbit/s"), std::string::npos);
}

TEST(Judge, ShareOfTheBest) {
  Bench bench;
  bench.run.expect.of_best_min = 0.98;
  bench.f.goodput_Bps = 98 * kMbit;
  EXPECT_TRUE(bench.one().held);
  bench.f.goodput_Bps = 97 * kMbit;
  EXPECT_FALSE(bench.one().held);
  EXPECT_NE(bench.one().sentence.find("left"), std::string::npos);
  bench.scenario.runs.erase(bench.scenario.runs.begin());        // left is not measured alone: right is the best known
  bench.f.goodput_Bps = 49 * kMbit;
  EXPECT_TRUE(bench.one().held);
}

TEST(Judge, SharesOfEach) {
  Bench bench;
  bench.run.expect.of_shares = {{0, 1.0}, {1, 0.8}};
  bench.f.goodput_Bps = 141 * kMbit;
  EXPECT_TRUE(bench.one().held);
  bench.f.goodput_Bps = 139 * kMbit;
  EXPECT_EQ(bench.one().margin, "1.0 Mbit/s short");
}

TEST(Judge, ShareOfWhatWasUp) {
  Bench bench;                                   // 100 for ten seconds and 50 for five: 125 on average
  bench.run.expect.of_up_min = 0.8;
  bench.f.paths_Bps = 101 * kMbit;
  EXPECT_TRUE(bench.one().held);
  bench.f.paths_Bps = 99 * kMbit;
  EXPECT_FALSE(bench.one().held);
  EXPECT_EQ(bench.one().seen, "79.2 %");
}

TEST(Judge, WithoutAFigureToCompareWithNothingHolds) {
  Bench bench;
  bench.alone.erase(1);
  bench.run.expect.of_sum_min = bench.run.expect.of_best_min = bench.run.expect.of_up_min = 0;
  bench.run.expect.of_shares = {{1, 0.0}};
  const auto verdicts = bench.all();
  ASSERT_EQ(verdicts.size(), 4u);
  for (const Verdict& v : verdicts) {
    EXPECT_FALSE(v.held) << v.what;
    EXPECT_EQ(v.seen, "right alone gave no figure");
  }
}

TEST(Judge, BoundsOfTimesAndShares) {
  Bench bench;
  Expect& e = bench.run.expect;
  e.goodput_mbit_min = 10;
  e.stall_ms_max = 20;
  e.event_stall_ms_max = 20;
  e.duplicate_share_max = 0.02;
  e.seconds_max = 10;
  e.tls_share_max = 0.01;
  e.link_share_min = {{0, 0.6}, {1, 0.4}};
  bench.f.goodput_Bps = 10 * kMbit;
  bench.f.stall_s = bench.f.event_stall_s = 0.020;
  bench.f.duplicate = 20;
  bench.f.via_link = 10;
  for (const Verdict& v : bench.all()) EXPECT_TRUE(v.held) << v.what << ": " << v.seen;
  EXPECT_EQ(bench.all().size(), 8u);
  bench.f.goodput_Bps = 9.9 * kMbit;
  bench.f.stall_s = bench.f.event_stall_s = 0.0201;
  bench.f.duplicate = 21;
  bench.f.via_link = 11;
  bench.f.seconds = 10.1;
  bench.f.by_link = {599, 401};
  int held = 0;
  for (const Verdict& v : bench.all()) held += v.held ? 1 : 0;
  EXPECT_EQ(held, 1);                            // right's share
}

TEST(Judge, BackInUse) {
  Bench bench;
  bench.run.expect.back_in_use_s_max = 1;
  EXPECT_FALSE(bench.one().held);                // nothing was healed before the end
  bench.f.back = {{1, 3.0, 0.9}};
  EXPECT_TRUE(bench.one().held);
  EXPECT_EQ(bench.one().what, "back_in_use_s_max.right");
  bench.f.back[0].after_s = 1.1;
  EXPECT_EQ(bench.one().margin, "0.10 s too much");
  bench.f.back[0].after_s.reset();
  EXPECT_FALSE(bench.one().held);
  EXPECT_EQ(bench.one().seen, "not before the end");
}

}  // namespace
}  // namespace weft::lab
