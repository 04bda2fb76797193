// The conditions of ecf.hh worked by hand: windows of 100 kB, a quick lane of 10 ms.
#include "sched/ecf.hh"

#include <gtest/gtest.h>

#include <array>

namespace weft::sched {
namespace {

using base::milliseconds;

LaneView lane(std::int64_t srtt_ms, bool can_send, std::uint64_t window = 100'000) {
  return {.usable = true, .can_send = can_send, .state = share::PathState::kActive, .srtt = milliseconds(srtt_ms),
          .window_bytes = window};
}

TEST(Ecf, TheQuickestWithCreditTakesIt) {
  Ecf ecf;
  const std::array lanes{lane(50, true), lane(10, true)};
  EXPECT_EQ(ecf.pick(lanes, 0, 1'000'000), 1);
}

// A: 10 (k + 100) < 100 x 50, that is k < 400 kB. B: 50 max(k, 100) >= 100 x 20, always.
TEST(Ecf, WaitsForTheQuickestWhileThatEndsSooner) {
  const std::array lanes{lane(50, true), lane(10, false)};
  EXPECT_EQ(Ecf{}.pick(lanes, 0, 399'000), kNoLane);
  EXPECT_EQ(Ecf{}.pick(lanes, 0, 400'000), 0);
  EXPECT_EQ(Ecf{}.pick(lanes, 0, 10'000'000), 0);
}

// Waiting moves the border by a quarter: 10 (k + 100) < 100 x 50 x 5 / 4, k < 525 kB.
TEST(Ecf, WhoWaitsGoesOnWaitingForAQuarterMore) {
  const std::array lanes{lane(50, true), lane(10, false)};
  Ecf ecf;
  EXPECT_EQ(ecf.pick(lanes, 0, 500'000), 0);
  EXPECT_EQ(ecf.pick(lanes, 0, 300'000), kNoLane);
  EXPECT_EQ(ecf.pick(lanes, 0, 500'000), kNoLane);
  EXPECT_EQ(ecf.pick(lanes, 0, 525'000), 0);       // gives up, and the border is back where it was
  EXPECT_EQ(ecf.pick(lanes, 0, 500'000), 0);
}

// Less than a window is left: A says 2 x 10 < srtt_s.
TEST(Ecf, DoesNotWaitForALaneThatIsOnlyAsGood) {
  const std::array lanes{lane(20, true), lane(10, false)}, worse{lane(21, true), lane(10, false)};
  EXPECT_EQ(Ecf{}.pick(lanes, 0, 50'000), 0);
  EXPECT_EQ(Ecf{}.pick(worse, 0, 50'000), kNoLane);
}

// With 5 ms of doubt A holds from 15 ms on (20 < 19 + 5), B only from 25 ms on.
TEST(Ecf, DoesNotWaitForWhatLiesWithinTheDoubt) {
  std::array lanes{lane(19, true), lane(10, false)};
  lanes[0].rttvar = milliseconds(5);
  EXPECT_EQ(Ecf{}.pick(lanes, 0, 80'000), 0);
  lanes[0].srtt = milliseconds(26);
  EXPECT_EQ(Ecf{}.pick(lanes, 0, 80'000), kNoLane);
}

TEST(Ecf, NothingWithCreditIsNone) {
  const std::array lanes{lane(50, false), lane(10, false)};
  EXPECT_EQ(Ecf{}.pick(lanes, 0, 1), kNoLane);
  EXPECT_EQ(Ecf{}.pick({}, 0, 1), kNoLane);
}

TEST(Ecf, TheLargestFiguresDoNotOverflow) {
  const std::array lanes{lane(60'000, true, std::uint64_t{1} << 40), lane(59'000, false, std::uint64_t{1} << 40)};
  EXPECT_EQ(Ecf{}.pick(lanes, 0, std::uint64_t{1} << 50), 0);
}

}  // namespace
}  // namespace weft::sched
