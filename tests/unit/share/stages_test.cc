// No cycle is lost or counted twice, and a turn without work is idling all of it.
#include "engine/share/stages.hh"

#include <gtest/gtest.h>

#include <numeric>

namespace weft::share {
namespace {

std::uint64_t sum(const StageCycles& cycles) { return std::accumulate(cycles.begin(), cycles.end(), std::uint64_t{0}); }
std::uint64_t of(const StageClock& clock, Stage stage) { return clock.total()[static_cast<std::size_t>(stage)]; }

TEST(StageClock, AllThatPassesIsInSomeStage) {
  const std::uint64_t before = __builtin_ia32_rdtsc();
  StageClock clock;
  for (int turn = 0; turn < 100; ++turn) {
    clock.begin_turn();
    clock.lap(Stage::kPoll);
    clock.lap(Stage::kOpen);
    clock.lap(Stage::kPoll);
    clock.end_turn(true);
  }
  const std::uint64_t ended = __builtin_ia32_rdtsc();
  EXPECT_LE(sum(clock.total()), ended - before);
  EXPECT_GT(sum(clock.total()), 0u);
  EXPECT_GT(of(clock, Stage::kPoll), 0u);
  EXPECT_EQ(of(clock, Stage::kSeal), 0u);
}

TEST(StageClock, LookingForWorkInVainIsIdling) {
  StageClock clock;
  clock.begin_turn();
  clock.lap(Stage::kPoll);
  clock.lap(Stage::kDisk);
  EXPECT_EQ(sum(clock.total()), 0u) << "the turn has not ended";
  clock.end_turn(false);
  EXPECT_EQ(of(clock, Stage::kPoll), 0u);
  EXPECT_EQ(of(clock, Stage::kDisk), 0u);
  EXPECT_GT(of(clock, Stage::kIdle), 0u);
  const std::uint64_t idle = of(clock, Stage::kIdle);
  clock.begin_turn();
  clock.lap(Stage::kDisk);
  clock.end_turn(true);
  EXPECT_GT(of(clock, Stage::kIdle), idle) << "the rest between the two";
  EXPECT_GT(of(clock, Stage::kDisk), 0u);
}

}  // namespace
}  // namespace weft::share
