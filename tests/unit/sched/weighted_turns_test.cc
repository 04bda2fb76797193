#include "sched/weighted_turns.hh"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace weft::sched {
namespace {

LaneView lane(std::uint8_t weight) {
  return {.usable = true, .can_send = true, .state = share::PathState::kActive, .weight = weight};
}
std::uint32_t by_weight(const LaneView& view) noexcept { return view.weight; }

TEST(WeightedTurns, AreSpreadAndNotBunched) {
  WeightedTurns turns;
  const std::array lanes{lane(3), lane(1)};
  std::string order;
  for (int i = 0; i < 8; ++i) order += static_cast<char>('a' + turns.take(lanes, 0, by_weight));
  EXPECT_EQ(order, "aabaaaba");
}

TEST(WeightedTurns, KeepAnyProportion) {
  WeightedTurns turns;
  const std::array lanes{lane(100), lane(1), lane(49)};
  std::array<int, 3> taken{};
  for (int i = 0; i < 1500; ++i) ++taken[static_cast<std::size_t>(turns.take(lanes, 0, by_weight))];
  EXPECT_EQ(taken, (std::array{1000, 10, 490}));
}

TEST(WeightedTurns, AFullLaneHoldsNobodyBackAndGetsItsTurnsLater) {
  WeightedTurns turns;
  std::array lanes{lane(1), lane(1)};
  lanes[0].can_send = false;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(turns.take(lanes, 0, by_weight), 1);
  lanes[0].can_send = true;
  // It is owed the ten turns that were its own.
  std::array<int, 2> taken{};
  for (int i = 0; i < 20; ++i) ++taken[static_cast<std::size_t>(turns.take(lanes, 0, by_weight))];
  EXPECT_EQ(taken, (std::array{20, 0}));
  taken = {};
  for (int i = 0; i < 20; ++i) ++taken[static_cast<std::size_t>(turns.take(lanes, 0, by_weight))];
  EXPECT_EQ(taken, (std::array{10, 10}));
}

TEST(WeightedTurns, WhatAFullLaneIsOwedHasABound) {
  WeightedTurns turns;
  std::array lanes{lane(1), lane(1)};
  lanes[0].can_send = false;
  for (int i = 0; i < 100'000; ++i) EXPECT_EQ(turns.take(lanes, 0, by_weight), 1);
  lanes[0].can_send = true;
  int alone = 0;
  while (turns.take(lanes, 0, by_weight) == 0) ++alone;
  EXPECT_GE(alone, WeightedTurns::kTurnsKept);
  EXPECT_LE(alone, 4 * WeightedTurns::kTurnsKept);
}

TEST(WeightedTurns, NoneWithCreditChangesNothing) {
  WeightedTurns turns;
  std::array lanes{lane(2), lane(1)};
  for (LaneView& view : lanes) view.can_send = false;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(turns.take(lanes, 0, by_weight), kNoLane);
  EXPECT_EQ(turns.take({}, 0, by_weight), kNoLane);
  for (LaneView& view : lanes) view.can_send = true;
  EXPECT_EQ(turns.take(lanes, 0, by_weight), 0);
}

TEST(WeightedTurns, ALaneThatComesBackIsANewcomer) {
  WeightedTurns turns;
  std::array lanes{lane(1), lane(1)};
  lanes[0].can_send = false;
  for (int i = 0; i < 50; ++i) (void)turns.take(lanes, 0, by_weight);
  lanes[0].usable = false;
  for (int i = 0; i < 200; ++i) EXPECT_EQ(turns.take(lanes, 0, by_weight), 1);
  lanes[0].usable = lanes[0].can_send = true;
  std::array<int, 2> taken{};
  for (int i = 0; i < 20; ++i) ++taken[static_cast<std::size_t>(turns.take(lanes, 0, by_weight))];
  EXPECT_EQ(taken, (std::array{10, 10}));
}

}  // namespace
}  // namespace weft::sched
