// Which paths are chosen, when, and what is said of it: the triggers of a migration.
#include "migrate/chooser.hh"

#include "tests/unit/migrate/scene.hh"

namespace weft::migrate::test {
namespace {

Settings of_low() { return {.we_are_low = true}; }
Settings one_at_a_time() { return {.multipath = false, .we_are_low = true}; }

TEST(Chooser, AllGoodPathsAreUsedAndNothingIsToBeDone) {
  End end({good(0), good(1), good(2)}, of_low());
  end.run(seconds(60));
  EXPECT_EQ(end.in_use(), set_of({0, 1, 2}));
  EXPECT_TRUE(end.news.empty());
}

TEST(Chooser, APathThatStaysBadIsLeftAndTakenAgainWhenItIsWell) {
  End end({good(0), good(1)}, of_low());
  end.at(1).score = 20;
  end.run(seconds(4));
  EXPECT_EQ(end.in_use(), set_of({0, 1})) << "not for a moment's weakness";
  end.run(seconds(4));
  EXPECT_EQ(end.in_use(), set_of({0}));
  EXPECT_EQ(end.news.at(0).move.why, MoveReason::kDegraded);
  EXPECT_EQ(end.steering.explain(end.paths, end.now).standing[1], Standing::kUnfit);
  end.at(1).score = 50;
  end.run(seconds(60));
  EXPECT_EQ(end.in_use(), set_of({0})) << "better, but not well";
  end.at(1).score = 80;
  end.run(seconds(8));
  EXPECT_EQ(end.in_use(), set_of({0, 1}));
  EXPECT_EQ(end.news.back().move.why, MoveReason::kRecovered);
}

TEST(Chooser, OneThatSwingsIsTakenAgainAfterEverLongerTimes) {
  End end({good(0), good(1)}, of_low());
  Duration waited{};
  for (int round = 0; round < 4; ++round) {
    end.at(1).score = 10;
    end.run(seconds(10));
    ASSERT_EQ(end.in_use(), set_of({0})) << round;
    end.at(1).score = 90;
    const Instant since = end.now;
    while (end.in_use() == set_of({0})) end.tick();
    EXPECT_GE(end.now - since, waited + (round > 0 ? seconds(4) : Duration{})) << round;
    waited = end.now - since;
  }
}

TEST(Chooser, AWarningCountsWhereTheScoreIsNearTheEnd) {
  End end({good(0), good(1)}, of_low());
  end.at(1).degrading = true;
  end.run(seconds(20));
  EXPECT_EQ(end.in_use(), set_of({0, 1})) << "it gets worse, and is still better than none";
  end.at(1).score = 55;
  end.run(seconds(8));
  EXPECT_EQ(end.in_use(), set_of({0}));
}

TEST(Chooser, WhereAllAreBadAllAreUsed) {
  End end({good(0), good(1)}, of_low());
  end.at(0).score = end.at(1).score = 10;
  end.run(seconds(60));
  EXPECT_EQ(end.in_use(), set_of({0, 1}));
  EXPECT_TRUE(end.news.empty());
}

TEST(Chooser, AFallChangesNoUseWhereSeveralAreUsed) {
  End end({good(0), good(1)}, of_low());
  end.fall(0);
  end.run(seconds(30));
  EXPECT_TRUE(end.news.empty());
  EXPECT_EQ(end.steering.explain(end.paths, end.now).standing[0], Standing::kFallen);
  end.come_back(0);
  EXPECT_EQ(end.in_use(), set_of({0, 1})) << "it is used again at once";
}

TEST(Chooser, TheCheapestTierIsUsedAndMeteredPathsLast) {
  std::vector<PathView> paths = {good(0), good(1), good(2), good(3), good(4)};
  paths[0].cost = 5;
  paths[2].role_of_ports = PathRole::kBackup;
  paths[3].metered = true;
  paths[3].role_of_ports = PathRole::kBackup;
  paths[4].cost = 5;
  End end(paths, of_low());
  end.run(seconds(5));
  EXPECT_EQ(end.in_use(), set_of({1}));
  EXPECT_EQ(end.news.at(0).move.why, MoveReason::kPreferred);
  const Choice choice = end.steering.explain(end.paths, end.now);
  EXPECT_EQ(choice.standing[0], Standing::kDearer);
  EXPECT_EQ(choice.standing[2], Standing::kBackup);
  EXPECT_EQ(choice.standing[3], Standing::kMetered);
  end.at(1).score = 5;                       // then the next tier, as a whole
  end.run(seconds(15));
  EXPECT_EQ(end.in_use(), set_of({0, 4}));
}

TEST(Chooser, OneAtATimeTheBestStaysUntilAnotherIsBetterForLongEnough) {
  End end({good(0), good(1), good(2)}, one_at_a_time());
  end.at(1).srtt = milliseconds(20);
  end.run(seconds(10));
  EXPECT_EQ(end.in_use().count(), 1u);
  const PathSet first = end.in_use();
  end.run(seconds(60));
  EXPECT_EQ(end.in_use(), first) << "no worse is no reason";
  end.at(1).srtt = milliseconds(1);
  end.at(1).speed_Bps *= 10;
  end.run(seconds(4));
  EXPECT_EQ(end.in_use(), first);
  EXPECT_EQ(end.steering.explain(end.paths, end.now).rival, PathId{1});
  end.run(seconds(4));
  EXPECT_EQ(end.in_use(), set_of({1}));
  EXPECT_EQ(end.news.back().move.why, MoveReason::kBetter);
  EXPECT_EQ(end.steering.explain(end.paths, end.now).standing[2], Standing::kSpare);
}

TEST(Chooser, OneAtATimeAFallIsFollowedAtOnceAndWithoutProof) {
  End end({good(0), good(1)}, one_at_a_time());
  end.run(seconds(10));
  const int used = end.in_use() == set_of({0}) ? 0 : 1;
  end.news.clear();
  end.mute = set_of({0, 1});
  end.fall(used);
  end.tick();
  end.tick();
  EXPECT_EQ(end.in_use(), set_of({1 - used}));
  end.run(seconds(2));
  EXPECT_EQ(end.news.at(0).move.why, MoveReason::kFailure);
  EXPECT_EQ(end.news.at(1).event, MigrationEvent::kSettled);
  end.come_back(used);
  end.run(seconds(30));
  EXPECT_EQ(end.in_use(), set_of({1 - used})) << "it is no better than the one that took over";
}

TEST(Chooser, TheHighEndLeavesTheRestToTheLowOne) {
  End end({good(0), good(1)}, {.multipath = false, .we_are_low = false});
  end.run(seconds(5));
  const int used = end.in_use() == set_of({0}) ? 0 : 1;
  end.news.clear();
  end.at(1 - used).speed_Bps *= 10;
  end.run(seconds(60));
  EXPECT_TRUE(end.news.empty()) << "better is a matter of opinion";
  end.at(used).score = 5;                    // what it sees itself it may act on
  end.run(seconds(10));
  EXPECT_EQ(end.news.at(0).move.why, MoveReason::kDegraded);
}

TEST(Chooser, OneThatFellHoldsUpNoMoveToTheOthers) {
  std::vector<PathView> paths = {good(0), good(1), good(2)};
  paths[1].role_of_ports = paths[2].role_of_ports = PathRole::kBackup;
  End end(paths, of_low());
  end.fall(2);
  end.at(0).score = 10;
  end.run(seconds(10));
  EXPECT_EQ(end.in_use(), set_of({1}));
  EXPECT_EQ(end.news.back().event, MigrationEvent::kSettled);
}

TEST(Chooser, ASuspectPathIsNotTakenAndNothingIsBegunForItAgainAndAgain) {
  End end({good(0), good(1)}, one_at_a_time());
  end.run(seconds(10));
  const int used = end.in_use() == set_of({0}) ? 0 : 1;
  end.news.clear();
  end.at(1 - used).state = PathState::kSuspect;
  end.fall(used);
  end.run(seconds(5));
  EXPECT_TRUE(end.news.empty());
  end.come_back(1 - used);
  end.run(seconds(2));
  EXPECT_EQ(end.in_use(), set_of({1 - used}));
}

TEST(Chooser, WhereTheCheapFellTheNextTierAloneStepsInAndGoesAgain) {
  std::vector<PathView> paths = {good(0), good(1), good(2)};
  paths[1].cost = 10;
  paths[2].metered = true;
  paths[2].role_of_ports = PathRole::kBackup;
  End end(paths, of_low());
  end.run(seconds(5));
  ASSERT_EQ(end.in_use(), set_of({0}));
  end.fall(0);
  end.run(seconds(2));
  EXPECT_EQ(end.in_use(), set_of({1})) << "the metered one is not asked while another can";
  end.come_back(0);
  EXPECT_TRUE(end.in_use().has(end.id(0))) << "at once";
  end.run(seconds(3));
  EXPECT_EQ(end.in_use(), set_of({0}));
}

TEST(Chooser, APathThatNeverAnsweredIsNotWaitedFor) {
  std::vector<PathView> paths = {good(0), good(1)};
  paths[0].state = PathState::kDown;
  paths[0].srtt = {};
  paths[1].cost = 10;
  End end(paths, of_low());
  end.run(seconds(5));
  EXPECT_EQ(end.in_use(), set_of({1}));
  EXPECT_EQ(end.steering.explain(end.paths, end.now).standing[0], Standing::kUnproved);
}

TEST(Chooser, ZeroMeansNeverLeft) {
  Settings settings = of_low();
  settings.leave_below = 0;
  End end({good(0), good(1)}, settings);
  end.at(1).score = 0;
  end.at(1).degrading = true;
  end.run(seconds(60));
  EXPECT_EQ(end.in_use(), set_of({0, 1}));
}

TEST(Chooser, EveryStandingHasItsSentence) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Standing::kCount); ++i)
    EXPECT_STRNE(sentence_of(static_cast<Standing>(i)), "unknown");
}

}  // namespace
}  // namespace weft::migrate::test
