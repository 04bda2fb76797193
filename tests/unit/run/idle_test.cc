// How a core rests between turns (engine/run/idle.hh).
#include "engine/run/idle.hh"

#include <gtest/gtest.h>

namespace weft::run {
namespace {

using Rest = Idle::Rest;

TEST(Idle, ATurnWithWorkIsFollowedByTheNextAtOnce) {
  Idle idle;
  for (int turn = 0; turn < 100; ++turn) EXPECT_EQ(idle.on_turn(1).rest, Rest::kNone);
}

TEST(Idle, ShortGapsArePausesAndLongerOnesSleepsThatGrow) {
  Idle idle;
  for (std::uint32_t turn = 0; turn < Idle::kPauses; ++turn) EXPECT_EQ(idle.on_turn(0).rest, Rest::kPause);
  base::Duration before = Idle::kSleepMin;
  for (int turn = 0; turn < 200; ++turn) {
    const Idle::Decision decision = idle.on_turn(0);
    ASSERT_EQ(decision.rest, Rest::kSleep);
    EXPECT_GE(decision.sleep, before);
    EXPECT_LE(decision.sleep, 2 * before);
    before = decision.sleep;
  }
  EXPECT_EQ(before, Idle::kSleepMax);
}

TEST(Idle, GapsWithinATransferKeepTheShortestSleep) {
  Idle idle;
  for (int gap = 0; gap < 50; ++gap) {
    for (std::uint32_t turn = 0; turn < Idle::kPauses + 3; ++turn) {
      const Idle::Decision decision = idle.on_turn(0);
      EXPECT_EQ(decision.sleep, decision.rest == Rest::kSleep ? Idle::kSleepMin : base::Duration{});
    }
    EXPECT_EQ(idle.on_turn(7).rest, Rest::kNone);
  }
}

TEST(Idle, AnIdleCoreReachesTheLongestSleepWithinMilliseconds) {
  Idle idle;
  base::Duration slept{};
  while (true) {
    const Idle::Decision decision = idle.on_turn(0);
    if (decision.sleep == Idle::kSleepMax) break;
    slept += decision.sleep;
  }
  EXPECT_LE(slept, base::milliseconds(45));
}

}  // namespace
}  // namespace weft::run
