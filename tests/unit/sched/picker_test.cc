#include "sched/picker.hh"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "sched/lane.hh"

namespace weft::sched {
namespace {

using base::milliseconds;
using share::PathState;
using share::Policy;

constexpr std::uint32_t kPacket = 1400;
constexpr std::uint64_t kBody = std::uint64_t{1} << 40;  // far from the tail

LaneView lane(std::uint64_t rate_Bps, std::int64_t srtt_ms, std::uint64_t queued = 0) {
  return {.usable = true, .can_send = true, .backup = false, .state = PathState::kActive,
          .rate_Bps = rate_Bps, .srtt = milliseconds(srtt_ms), .rttvar = {},
          .queued_bytes = queued};
}
Picker with(Policy policy) {
  Picker picker;
  picker.set_policy(policy);
  return picker;
}

std::vector<Policy> every_policy() {
  std::vector<Policy> all;
  for (std::size_t i = 0; i < share::kPolicyNames.size(); ++i) all.push_back(static_cast<Policy>(i));
  return all;
}

TEST(Picker, NothingUsableIsNone) {
  for (const Policy policy : every_policy()) {
    Picker picker = with(policy);
    EXPECT_EQ(picker.pick({}, kBody, kPacket), Picker::kNone);
    std::array lanes{lane(1'000'000, 10)};
    lanes[0].usable = false;
    EXPECT_EQ(picker.pick(lanes, kBody, kPacket), Picker::kNone);
    EXPECT_EQ(picker.pick_control(lanes), Picker::kNone);
    lanes[0].usable = true;
    lanes[0].can_send = false;
    EXPECT_EQ(picker.pick(lanes, kBody, kPacket), Picker::kNone);
    EXPECT_EQ(picker.pick_control(lanes), 0);
  }
}

TEST(Picker, RateTakesAnyLaneWithCreditInTurn) {
  Picker picker = with(Policy::kRate);
  std::array lanes{lane(100'000'000, 1), lane(1'000'000, 50), lane(0, 2)};
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 0);
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 1);
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 2);
  lanes[0].can_send = false;
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 1);
}

TEST(Picker, ALaneWithABadEstimateIsTriedNowAndThenAtTheTail) {
  Picker picker = with(Policy::kRate);
  // A round trip of seconds, measured across an outage: everything is tail, and the other lane always earlier.
  std::array lanes{lane(10'000'000, 1, 50'000), lane(10'000'000, 4000)};
  std::uint32_t tried = 0;
  for (std::uint32_t i = 0; i < 10 * Picker::kExploreOneIn; ++i)
    if (picker.pick(lanes, 1'000'000, kPacket) == 1) ++tried;
  EXPECT_EQ(tried, 10u);
  lanes[1].queued_bytes = kPacket;   // one is on its way: that is question enough
  for (std::uint32_t i = 0; i < 2 * Picker::kExploreOneIn; ++i)
    EXPECT_NE(picker.pick(lanes, 1'000'000, kPacket), 1);
}

// 10 MB/s at 10 ms against 1 MB/s at 10 ms: (Q + 1400) / B + 5 ms.
TEST(Picker, AtTheTailTheEarlierArrivalTakesItOrNobody) {
  Picker picker = with(Policy::kRate);
  std::array lanes{lane(1'000'000, 10), lane(10'000'000, 10)};
  EXPECT_EQ(picker.pick(lanes, 5'000, kPacket), 1);
  lanes[1].can_send = false;  // it would still be there earlier
  EXPECT_EQ(picker.pick(lanes, 5'000, kPacket), Picker::kNone);
  lanes[1].queued_bytes = 12'000;  // 1.34 ms against 1.4 ms, and this is the last
  EXPECT_EQ(picker.pick(lanes, kPacket, kPacket), Picker::kNone);
  lanes[1].queued_bytes = 13'000;  // 1.44 ms
  EXPECT_EQ(picker.pick(lanes, kPacket, kPacket), 0);
  lanes[0].srtt = milliseconds(12);  // and one more on the way
  EXPECT_EQ(picker.pick(lanes, kPacket, kPacket), Picker::kNone);
}

// 10 and 5 MB/s at 10 ms. All of it by the quick lane alone would last longer than both together need: the other takes
// its part, also while the quick one is merely full, and no more than its part.
TEST(Picker, TheTailIsFilledOverAllLanesSoThatTheyEndTogether) {
  Picker picker = with(Policy::kRate);
  std::array lanes{lane(5'000'000, 10), lane(10'000'000, 10)};
  lanes[1].can_send = false;
  // T = 5 ms + K / 15 MB/s; a packet on the slow lane takes 5 ms + 0.28 ms.
  EXPECT_EQ(picker.pick(lanes, 4'100, kPacket), Picker::kNone);
  EXPECT_EQ(picker.pick(lanes, 4'300, kPacket), 0);
  lanes[0].queued_bytes = 20'000;            // its part of 60 kB
  lanes[1].queued_bytes = 37'000;            // and most of the other's: 3 kB are left
  EXPECT_EQ(picker.pick(lanes, 3'000, kPacket), Picker::kNone);
}

// The third lane cannot begin before the others are through: it does not count, and T is not a later one for it.
TEST(Picker, ALaneThatIsTooLateToHelpIsNoPartOfTheFill) {
  Picker picker = with(Policy::kRate);
  std::array lanes{lane(5'000'000, 10), lane(10'000'000, 10), lane(50'000'000, 2'000)};
  lanes[1].can_send = false;
  EXPECT_EQ(picker.pick(lanes, 4'100, kPacket), Picker::kNone);
  EXPECT_EQ(picker.pick(lanes, 4'300, kPacket), 0);
  lanes[0].can_send = false;
  EXPECT_EQ(picker.pick(lanes, 4'300, kPacket), Picker::kNone);
}

TEST(Picker, AnUnknownRateIsTriedAndHoldsNobodyUp) {
  Picker picker = with(Policy::kRate);
  std::array lanes{lane(10'000'000, 10), lane(0, 10)};
  EXPECT_EQ(picker.pick(lanes, 5'000, kPacket), 1);
  lanes[1].can_send = false;
  EXPECT_EQ(picker.pick(lanes, 5'000, kPacket), 0);
}

// Cross-multiplied comparison against the formula in long double, over the whole range.
TEST(Picker, TailComparisonNeverOverflows) {
  Picker picker = with(Policy::kRate);
  std::array lanes{lane(50'000'000'000, 60'000, std::uint64_t{1} << 36),
                   lane(1, 60'000, std::uint64_t{1} << 36)};
  EXPECT_EQ(picker.pick(lanes, 1, kPacket), 0);
  std::swap(lanes[0], lanes[1]);
  EXPECT_EQ(picker.pick(lanes, 1, kPacket), 1);
}

// 10 ms and 10 MB/s against an unknown 200 ms: not while the quick lane would be through within 95 ms (950 kB), or by
// its window in as many round trips; then four packets.
TEST(Picker, ALongWayRoundIsAskedByFourPacketsAndOnlyWhenItCanHelp) {
  Picker picker = with(Policy::kRate);
  std::array lanes{lane(10'000'000, 10), lane(0, 200)};
  lanes[0].can_send = false;
  EXPECT_EQ(picker.pick(lanes, 940'000, kPacket), Picker::kNone);
  EXPECT_EQ(picker.pick(lanes, 960'000, kPacket), 1);
  lanes[0].window_bytes = 100'000;                          // 19 of these
  EXPECT_EQ(picker.pick(lanes, 1'890'000, kPacket), Picker::kNone);
  EXPECT_EQ(picker.pick(lanes, 1'910'000, kPacket), 1);
  lanes[1].queued_bytes = 3 * kPacket;
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 1);
  lanes[1].queued_bytes = 4 * kPacket;
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), Picker::kNone);
  lanes[1].srtt = milliseconds(39);                         // not as long
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 1);
}

TEST(Picker, ALongWayRoundWaitsUntilTheQuickestIsMeasured) {
  Picker picker = with(Policy::kRate);
  std::array lanes{lane(0, 10, kPacket), lane(0, 200)};
  lanes[0].can_send = false;
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), Picker::kNone);
  lanes[0].queued_bytes = 0;                                // nothing that could tell, and no room: it is not waited for
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 1);
}

TEST(Picker, ATwinIsTheQuickestOfAnotherPortAndOfTheSameRank) {
  const Picker picker = with(Policy::kRedundant);
  std::array lanes{lane(1, 10), lane(1, 5), lane(1, 20), lane(1, 1)};
  lanes[1].port = lanes[0].port;
  lanes[2].port = base::PortId{1};
  lanes[3].port = base::PortId{2};
  lanes[3].state = PathState::kSuspect;
  EXPECT_EQ(picker.pick_twin(lanes, 0), 2);
  lanes[2].can_send = false;
  EXPECT_EQ(picker.pick_twin(lanes, 0), Picker::kNone);
}

TEST(Picker, MinRttTakesTheQuickestWithCredit) {
  Picker picker = with(Policy::kMinRtt);
  std::array lanes{lane(100'000'000, 5), lane(1'000'000, 2), lane(1'000'000, 3)};
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 1);
  lanes[1].can_send = false;
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 2);
}

TEST(Picker, RoundRobinAlternatesAlsoAtTheTail) {
  Picker picker = with(Policy::kRoundRobin);
  const std::array lanes{lane(100'000'000, 5), lane(1'000'000, 2)};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(picker.pick(lanes, 10, kPacket), i % 2);
}

TEST(Picker, WeightedTakesTurnsByWeightAlsoAtTheTail) {
  Picker picker = with(Policy::kWeighted);
  std::array lanes{lane(100'000'000, 5), lane(1'000'000, 2)};
  lanes[0].weight = 40;
  std::array<int, 2> taken{};
  for (int i = 0; i < 100; ++i) ++taken[static_cast<std::size_t>(picker.pick(lanes, 10, kPacket))];
  EXPECT_EQ(taken, (std::array{80, 20}));
}

TEST(Picker, HealthTakesTurnsByScoreAndAScoreOfZeroStillGetsSome) {
  Picker picker = with(Policy::kHealth);
  std::array lanes{lane(100'000'000, 5), lane(1'000'000, 2)};
  lanes[0].score = 20;
  std::array<int, 2> taken{};
  for (int i = 0; i < 120; ++i) ++taken[static_cast<std::size_t>(picker.pick(lanes, kBody, kPacket))];
  EXPECT_EQ(taken, (std::array{20, 100}));
  lanes[0].score = 0;
  taken = {};
  for (int i = 0; i < 1000; ++i) ++taken[static_cast<std::size_t>(picker.pick(lanes, kBody, kPacket))];
  EXPECT_GE(taken[0], 5);
  EXPECT_LE(taken[0], 30);
}

TEST(Picker, EcfWaitsForTheQuickLaneAtTheEnd) {
  Picker picker = with(Policy::kEcf);
  std::array lanes{lane(100'000'000, 50), lane(100'000'000, 10)};
  for (LaneView& view : lanes) view.window_bytes = 100'000;
  EXPECT_EQ(picker.pick(lanes, 10'000, kPacket), 1);
  lanes[1].can_send = false;
  EXPECT_EQ(picker.pick(lanes, 10'000, kPacket), Picker::kNone);
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 0);
}

TEST(Picker, ActiveBackupStaysOnOneAndReturnsToIt) {
  Picker picker = with(Policy::kActiveBackup);
  std::array lanes{lane(1'000'000, 50), lane(100'000'000, 1)};
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 0);
  lanes[0].can_send = false;  // full is no reason to leave
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), Picker::kNone);
  lanes[0].usable = false;
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 1);
  lanes[0].usable = lanes[0].can_send = true;
  EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 0);
}

// Ranks come before policies: active, then standby or backup, then suspect.
TEST(Picker, WorseRanksAreUsedOnlyWhenNoBetterOneIsUsable) {
  for (const Policy policy : every_policy()) {
    Picker picker = with(policy);
    std::array lanes{lane(1'000'000, 1), lane(1'000'000, 2), lane(1'000'000, 50)};
    lanes[0].state = PathState::kSuspect;
    lanes[1].state = PathState::kStandby;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 2);
    lanes[2].can_send = false;
    EXPECT_EQ(picker.pick(lanes, kBody, kPacket), Picker::kNone);
    lanes[2].usable = false;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 1);
    lanes[1].usable = false;
    EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 0);
    lanes[1] = lane(1'000'000, 2);
    lanes[1].backup = true;  // an active path that is marked backup counts as one
    lanes[2] = lane(1'000'000, 50);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(picker.pick(lanes, kBody, kPacket), 2);
  }
}

TEST(Picker, ControlTakesTurnsAmongLanesNearlyAsQuickAsTheQuickest) {
  Picker picker;
  std::array lanes{lane(1, 10), lane(1, 8), lane(1, 17), lane(1, 16)};
  for (LaneView& lane : lanes) lane.can_send = false;   // small and urgent: not held back by a full window
  for (const int expected : {0, 1, 3, 0, 1, 3}) EXPECT_EQ(picker.pick_control(lanes), expected);
  lanes[1].srtt = milliseconds(3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(picker.pick_control(lanes), 1);
  lanes[1].usable = false;
  for (const int expected : {2, 3, 0, 2}) EXPECT_EQ(picker.pick_control(lanes), expected);
}

TEST(Picker, ControlGoesByTheBestRankAsDataDoes) {
  Picker picker;
  std::array lanes{lane(1, 2), lane(1, 2), lane(1, 2), lane(1, 50)};
  lanes[0].state = PathState::kSuspect;
  lanes[1].state = PathState::kStandby;
  lanes[2].backup = true;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(picker.pick_control(lanes), 3);
  lanes[3].usable = false;
  for (const int expected : {1, 2, 1, 2}) EXPECT_EQ(picker.pick_control(lanes), expected);
  lanes[1].usable = lanes[2].usable = false;
  EXPECT_EQ(picker.pick_control(lanes), 0);
}

TEST(Picker, AViewSaysWhatALaneMayCarry) {
  std::vector<SentPacket> ring(64);
  Lane one({.max_packet_bytes = kPacket}, ring);
  const base::Instant now{1'000'000};
  share::PathEntry path{.state = PathState::kActive};
  EXPECT_FALSE(view_of(one, path, false, kPacket, now).usable);
  const LaneView view = view_of(one, path, true, kPacket, now);
  EXPECT_TRUE(view.usable);
  EXPECT_TRUE(view.can_send);
  EXPECT_EQ(view.rate_Bps, 0u);
  for (const PathState state :
       {PathState::kAbsent, PathState::kProbing, PathState::kDraining, PathState::kDown}) {
    path.state = state;
    EXPECT_FALSE(view_of(one, path, true, kPacket, now).usable);
  }
}

}  // namespace
}  // namespace weft::sched
