// Wishes, migrations step by step, and two ends that must agree.
#include "migrate/steering.hh"

#include "engine/base/prng.hh"
#include "tests/unit/migrate/scene.hh"

namespace weft::migrate::test {
namespace {

Settings of_low() { return {.we_are_low = true}; }

class Steered : public testing::Test {
 protected:
  PathError switch_to(int path) { return after(end.steering.switch_to(id(path), end.paths, end.now)); }
  PathError move(int from, int to) { return after(end.steering.move(id(from), id(to), end.paths, end.now)); }
  PathError close(int path) { return after(end.steering.close(id(path), end.paths, end.now)); }
  PathError open(int path) { return after(end.steering.open(id(path), end.paths)); }
  PathError probe(int path, Duration deadline) { return after(end.steering.probe(id(path), deadline, end.paths, end.now)); }
  PathError after(PathError error) {
    end.collect();
    end.follow();
    return error;
  }
  static PathId id(int path) { return PathId{static_cast<std::uint8_t>(path)}; }
  void expect_ends(MigrationEvent event) {
    ASSERT_FALSE(end.news.empty());
    EXPECT_EQ(end.news.back().event, event);
    EXPECT_FALSE(end.steering.mover().under_way());
  }

  End end{{good(0), good(1), good(2)}, of_low()};
};

TEST_F(Steered, ASwitchMakesBeforeItBreaksAndShiftsInSteps) {
  end.at(1).role_of_ports = PathRole::kBackup;
  end.follow();
  ASSERT_EQ(switch_to(1), PathError::kNone);
  EXPECT_EQ(end.in_use(), set_of({0, 2})) << "nothing before it has answered";
  std::vector<std::uint16_t> parts;
  while (end.in_use() != set_of({1})) {
    end.tick();
    ASSERT_FALSE(end.in_use().empty());
    if (end.in_use() == set_of({0, 2})) continue;
    ASSERT_TRUE(end.in_use().has(id(1)));
    if (parts.empty() || parts.back() != end.part(0)) parts.push_back(end.part(0));
  }
  EXPECT_EQ(parts, (std::vector<std::uint16_t>{192, 128, 64, share::kWholeWindow}));
  EXPECT_TRUE(end.asked.has(id(1)));
  end.run(seconds(2));
  expect_ends(MigrationEvent::kSettled);
  EXPECT_EQ(end.steering.counters().completed, 1u);
  EXPECT_GT(end.steering.counters().took, Mover::kTrial);
  EXPECT_EQ(end.steering.counters().by_duration[2], 1u) << "the trial, three steps and the proof";
  end.run(seconds(60));
  EXPECT_EQ(end.in_use(), set_of({1})) << "the operator's word stands";
  EXPECT_EQ(end.steering.mover().state(), MigrationState::kStable);
  EXPECT_EQ(end.steering.explain(end.paths, end.now).standing[0], Standing::kNotChosen);
  EXPECT_EQ(end.steering.unpin(end.now), PathError::kNone);
  end.run(seconds(10));
  EXPECT_EQ(end.in_use(), set_of({0, 2})) << "and with its end all is as configured";
  EXPECT_EQ(end.steering.unpin(end.now), PathError::kNothingToDo);
}

TEST_F(Steered, AnAutomaticMigrationIsNotEndedByUnpinning) {
  end.paths[0].cost = end.paths[2].cost = 5;   // one is cheaper
  for (int i = 0; i < 200 && end.steering.mover().state() != MigrationState::kCompleted; ++i) {
    EXPECT_EQ(end.steering.unpin(end.now), PathError::kNothingToDo);
    end.run(milliseconds(50));
  }
  expect_ends(MigrationEvent::kSettled);
  EXPECT_EQ(end.in_use(), set_of({1}));
}

TEST_F(Steered, ATargetThatDoesNotAnswerIsNotTaken) {
  ASSERT_EQ(switch_to(1), PathError::kNone);
  end.run(seconds(2));
  end.news.clear();
  end.mute = set_of({2});
  ASSERT_EQ(switch_to(2), PathError::kNone);
  end.run(seconds(3));
  expect_ends(MigrationEvent::kTimedOut);
  EXPECT_EQ(end.in_use(), set_of({1}));
  EXPECT_EQ(end.steering.counters().rolled_back, 1u);
}

TEST_F(Steered, ATargetThatFallsInItsTrialGivesAllBack) {
  end.at(2).role_of_ports = PathRole::kBackup;
  end.follow();
  ASSERT_EQ(switch_to(2), PathError::kNone);
  end.run(milliseconds(300));
  ASSERT_EQ(end.in_use(), set_of({2}));
  end.fall(2);
  end.tick();
  end.tick();
  expect_ends(MigrationEvent::kTargetLost);
  EXPECT_EQ(end.in_use(), set_of({0, 1}));
  EXPECT_FALSE(end.steering.plan().pinned);
  for (const auto& entry : end.steering.plan().paths) EXPECT_EQ(entry.part, share::kWholeWindow);
}

TEST_F(Steered, APinnedChoiceThatFallsIsLeft) {
  Settings one = of_low();
  one.multipath = false;
  end.steering.set_settings(one);
  ASSERT_EQ(switch_to(2), PathError::kNone);
  end.run(seconds(10));
  end.fall(2);
  end.run(seconds(2));
  EXPECT_EQ(end.in_use().count(), 1u);
  EXPECT_FALSE(end.steering.plan().pinned);
}

TEST_F(Steered, ABetterOneThatCarriesLessIsGivenBackAndNotTriedAgainAtOnce) {
  Settings one = of_low();
  one.multipath = false;
  End single({good(0), good(1)}, one);
  single.run(seconds(10));
  const int used = single.in_use() == set_of({0}) ? 0 : 1;
  single.news.clear();
  single.at(1 - used).speed_Bps *= 10;             // so it says
  single.at(1 - used).rate_Bps = 30'000'000;
  single.run(seconds(8));
  ASSERT_EQ(single.news.size(), 2u);
  EXPECT_EQ(single.news[1].event, MigrationEvent::kTrialFailed);
  EXPECT_EQ(single.in_use().has(id(used)), true);
  EXPECT_EQ(single.in_use().count(), 1u);
  single.run(seconds(120));
  EXPECT_LE(single.steering.counters().begun, 8u) << "each failure makes the next try wait longer";
}

TEST_F(Steered, WrongWishesAreRefusedAndChangeNothing) {
  end.fall(2);
  const PathPlan before = end.steering.plan();
  EXPECT_EQ(switch_to(7), PathError::kUnknownPath);
  EXPECT_EQ(switch_to(2), PathError::kNotValidated);
  EXPECT_EQ(move(0, 2), PathError::kNotValidated);
  EXPECT_EQ(move(0, 9), PathError::kUnknownPath);
  EXPECT_EQ(move(9, 0), PathError::kUnknownPath);
  EXPECT_EQ(move(1, 1), PathError::kNothingToDo);
  EXPECT_EQ(close(9), PathError::kUnknownPath);
  EXPECT_EQ(open(0), PathError::kPathExists);
  EXPECT_EQ(probe(9, seconds(1)), PathError::kUnknownPath);
  end.fall(1);
  EXPECT_EQ(close(0), PathError::kLastPath);
  EXPECT_EQ(close(1), PathError::kNone) << "one that fell is no loss";
  EXPECT_EQ(close(1), PathError::kUnknownPath);
  EXPECT_EQ(before.paths[0], end.steering.plan().paths[0]);
  EXPECT_EQ(end.steering.plan().number, before.number + 1);
  EXPECT_TRUE(end.news.empty());
}

TEST_F(Steered, TheOnlyOneInUseIsClosedWhereAnotherStandsBy) {
  end.at(1).role_of_ports = end.at(2).role_of_ports = PathRole::kBackup;
  end.at(1).score = 50;
  end.follow();
  ASSERT_EQ(close(0), PathError::kNone);
  EXPECT_EQ(end.in_use(), set_of({2})) << "the better of the two";
  EXPECT_EQ(open(0), PathError::kNone);
  EXPECT_FALSE(end.steering.is_closed(id(0)));
}

TEST_F(Steered, ProbesEndWithARoundTripOrAtTheirDeadline) {
  end.at(0).rtt_latest = milliseconds(7);
  end.mute = set_of({1});
  ASSERT_EQ(probe(0, seconds(1)), PathError::kNone);
  ASSERT_EQ(probe(1, milliseconds(200)), PathError::kNone);
  ASSERT_EQ(probe(1, milliseconds(300)), PathError::kNone) << "joins the first";
  EXPECT_TRUE(end.steering.is_busy());
  end.run(milliseconds(250));
  ASSERT_EQ(end.probed.size(), 1u);
  EXPECT_EQ(end.probed[0].error, PathError::kNone);
  EXPECT_EQ(end.probed[0].rtt, milliseconds(7));
  end.run(milliseconds(100));
  ASSERT_EQ(end.probed.size(), 2u);
  EXPECT_EQ(end.probed[1].error, PathError::kDeadlineExceeded);
  EXPECT_FALSE(end.steering.is_busy());
  ASSERT_EQ(probe(2, seconds(1)), PathError::kNone);
  end.at(2).state = PathState::kAbsent;
  end.run(milliseconds(20));
  EXPECT_EQ(end.probed.at(2).error, PathError::kUnknownPath);
}

TEST_F(Steered, TheSameWishTwiceIsOneMigrationAndAnotherSupersedes) {
  ASSERT_EQ(switch_to(0), PathError::kNone);
  ASSERT_EQ(switch_to(0), PathError::kNone);
  EXPECT_EQ(end.steering.counters().begun, 1u);
  EXPECT_EQ(end.steering.counters().merged, 1u);
  end.run(milliseconds(50));
  ASSERT_EQ(switch_to(2), PathError::kNone);
  EXPECT_EQ(end.news.at(1).event, MigrationEvent::kSuperseded);
  end.run(seconds(3));
  EXPECT_EQ(end.in_use(), set_of({2}));
  for (const auto& entry : end.steering.plan().paths) EXPECT_EQ(entry.part, share::kWholeWindow);
}

TEST_F(Steered, TheOperatorsWishIsNotMergedIntoWhatIsNotPinned) {
  end.at(1).score = end.at(2).score = 10;
  while (!end.steering.mover().under_way()) end.tick();       // away from both, by itself
  ASSERT_EQ(end.steering.mover().move().why, MoveReason::kDegraded);
  ASSERT_EQ(switch_to(0), PathError::kNone);
  end.run(seconds(3));
  EXPECT_TRUE(end.steering.plan().pinned);
}

TEST_F(Steered, AClosedPathComesBackInAnotherLife) {
  ASSERT_EQ(close(2), PathError::kNone);
  EXPECT_EQ(end.steering.plan().at(id(2)).life, 1);
  ASSERT_EQ(open(2), PathError::kNone);
  EXPECT_EQ(end.steering.plan().at(id(2)).life, 1);
  EXPECT_TRUE(end.steering.renew(id(2), 1));
  EXPECT_EQ(end.sent.size(), 2u) << "it has that life";
  EXPECT_TRUE(end.steering.renew(id(2), 3));
  end.collect();
  EXPECT_EQ(end.steering.plan().at(id(2)).life, 3);
  EXPECT_EQ(end.sent.size(), 3u);
}

TEST_F(Steered, WhatWasMeantForAPortThatWentIsDecidedAnewByItsEndAlone) {
  PathPlan theirs;
  theirs.number = 5;
  theirs.at(id(0)) = {.use = PathUse::kBackup, .life = 4};
  theirs.at(id(1)).use = PathUse::kClosed;
  ASSERT_TRUE(end.steering.on_peers_plan(theirs, end.now));
  end.steering.on_path_gone(id(0), false);
  end.steering.on_path_gone(id(1), true);
  EXPECT_EQ(end.steering.plan(), theirs) << "theirs is for them to say; what is closed stays so";
  end.steering.on_path_gone(id(0), true);
  EXPECT_EQ(end.steering.plan().at(id(0)), (PathPlan::Entry{.life = 4})) << "another port has its number now";
  EXPECT_EQ(end.steering.plan().number, 6u);
  EXPECT_TRUE(end.steering.take_plan_changed()) << "the peer is told";
}

TEST_F(Steered, AnOldPlanOfThePeerIsIgnoredAndANewOneStandsAgainstOurs) {
  PathPlan theirs;
  EXPECT_FALSE(end.steering.on_peers_plan(theirs, end.now)) << "number 0 is nobody's";
  theirs.number = 1;
  theirs.at(id(0)).use = PathUse::kBackup;
  ASSERT_TRUE(end.steering.on_peers_plan(theirs, end.now));
  end.follow();
  EXPECT_EQ(end.in_use(), set_of({1, 2}));
  end.run(seconds(300));
  EXPECT_EQ(end.in_use(), set_of({1, 2})) << "it will have its reason";
  EXPECT_TRUE(end.sent.empty()) << "and needs not be told what it said";
  end.run(seconds(310));
  EXPECT_EQ(end.in_use(), set_of({0, 1, 2}));
}

TEST_F(Steered, WhenThePeersOperatorLetsGoTheLowEndDecidesAgain) {
  PathPlan theirs;
  theirs.number = 1;
  theirs.pinned = true;
  theirs.at(id(0)).use = PathUse::kBackup;
  ASSERT_TRUE(end.steering.on_peers_plan(theirs, end.now));
  end.run(seconds(60));
  EXPECT_EQ(end.in_use(), set_of({1, 2}));
  theirs.number = end.steering.plan().number + 1;
  theirs.pinned = false;
  ASSERT_TRUE(end.steering.on_peers_plan(theirs, end.now));
  end.run(seconds(2));
  EXPECT_EQ(end.in_use(), set_of({0, 1, 2}));
}

TEST_F(Steered, NumbersThatAreUsedUpChangeNothingMore) {
  PathPlan theirs;
  theirs.number = PathPlan::kNumberMax;
  ASSERT_TRUE(end.steering.on_peers_plan(theirs, end.now));
  EXPECT_EQ(close(0), PathError::kSuperseded);
  EXPECT_EQ(switch_to(0), PathError::kSuperseded);
  end.at(1).score = 0;
  end.run(seconds(20));
  EXPECT_EQ(end.in_use(), set_of({0, 1, 2}));
  EXPECT_TRUE(end.news.empty());
}

// Two ends, each of which sees its own direction, and messages that take their time. Whatever is wished, they agree in the end,
// nothing is left half done, and there always is a path in use.
class TwoEnds {
 public:
  TwoEnds(std::uint64_t seed, bool multipath)
      : dice_(seed), low(four(), {.multipath = multipath, .we_are_low = true}),
        high(four(), {.multipath = multipath, .we_are_low = false}) {}

  static std::vector<PathView> four() {
    std::vector<PathView> paths = {good(0), good(1), good(2), good(3)};
    paths[1].cost = 5;                    // both ends let go of it
    return paths;
  }

  void step(bool wishes) {
    for (End* end : {&low, &high}) {
      if (wishes && dice_.below(300) == 0) wish(*end);
      end->tick();
    }
    carry(low, high);
    carry(high, low);
  }
  void settle() {
    for (End* end : {&low, &high})
      for (PathView& path : end->paths) {
        path.score = 95;
        path.degrading = false;
        if (path.state != PathState::kAbsent) path.state = PathState::kStandby;
      }
    for (int i = 0; i < 1000; ++i) step(false);
  }

 private:
  void wish(End& end) {
    const auto some = [&] { return PathId{static_cast<std::uint8_t>(dice_.below(5))}; };
    switch (dice_.below(10)) {
      case 0: (void)end.steering.switch_to(some(), end.paths, end.now); break;
      case 1: (void)end.steering.move(some(), some(), end.paths, end.now); break;
      case 2: (void)end.steering.close(some(), end.paths, end.now); break;
      case 3: case 4: {
        const PathId path = some();
        if (base::to_index(path) < 4) (void)end.steering.open(path, end.paths);
        break;
      }
      case 5: (void)end.steering.unpin(end.now); break;
      case 6: (void)end.steering.probe(some(), milliseconds(100), end.paths, end.now); break;
      case 7: {   // a path falls or comes back, for both
        const auto path = static_cast<int>(dice_.below(3));   // the last always works
        const bool falls = dice_.below(2) == 0;
        for (End* e : {&low, &high})
          if (e->at(path).state != PathState::kAbsent) falls ? e->fall(path) : e->come_back(path);
        break;
      }
      default: {  // one end sees it worse
        PathView& path = end.at(static_cast<int>(dice_.below(4)));
        path.score = static_cast<std::uint8_t>(dice_.below(101));
        path.degrading = dice_.below(4) == 0;
      }
    }
    end.collect();
  }
  // A message may wait for a while; they stay in order.
  void carry(End& from, End& to) {
    while (!from.sent.empty() && dice_.below(3) != 0) {
      (void)to.steering.on_peers_plan(from.sent.front(), to.now);
      from.sent.pop_front();
      to.collect();
      reopen(to);
    }
    reopen(from);
  }
  // As WeftSession: a pair of ports that is no longer closed is a path again.
  static void reopen(End& end) {
    end.follow();
    for (PathView& path : end.paths)
      if (path.state == PathState::kAbsent && !end.steering.is_closed(path.path)) path.state = PathState::kStandby;
    end.follow();
  }
  base::Prng dice_;

 public:
  End low, high;
};

TEST(TwoEndsProp, AgreeWhateverIsWished) {
  std::uint64_t completed = 0, failed = 0, merged = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    TwoEnds two(seed, seed % 2 == 0);
    for (int i = 0; i < 6000; ++i) two.step(true);
    two.settle();
    ASSERT_EQ(two.low.steering.plan(), two.high.steering.plan()) << "seed " << seed;
    for (End* end : {&two.low, &two.high}) {
      ASSERT_FALSE(end->steering.mover().under_way()) << "seed " << seed;
      ASSERT_FALSE(end->steering.is_busy()) << "seed " << seed;
      bool any = false, all_closed = true;
      for (const PathView& path : end->paths) {
        any |= share::is_in_use(path.state);
        all_closed &= end->steering.is_closed(path.path);
        ASSERT_EQ(end->steering.plan().at(path.path).part, share::kWholeWindow) << "seed " << seed;
      }
      ASSERT_TRUE(any || all_closed) << "seed " << seed;
      const MigrationCounters& counters = end->steering.counters();
      ASSERT_EQ(counters.begun, counters.completed + counters.failed) << "seed " << seed;
      completed += counters.completed;
      failed += counters.failed;
      merged += counters.merged;
    }
  }
  EXPECT_GT(completed, 100u);
  EXPECT_GT(failed, 20u);
  EXPECT_GT(merged, 5u);
}

}  // namespace
}  // namespace weft::migrate::test
