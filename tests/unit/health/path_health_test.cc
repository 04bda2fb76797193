#include "health/path_health.hh"

#include <gtest/gtest.h>

#include <vector>

#include "health/goodness.hh"
#include "health/monitor.hh"
#include "health/timing.hh"

namespace weft::health {
namespace {

using base::Duration;
using base::Instant;
using base::microseconds;
using base::milliseconds;
using base::seconds;
using share::PathEvent;
using share::PathReason;
using share::PathState;
using share::PathVerdict;

// One path whose state is moved by the test as migrate would; ticks every 10 ms.
class PathHealthTest : public testing::Test {
 protected:
  PathHealthTest() {
    report_.path = base::PathId{9};
    report_.state = PathState::kProbing;
    report_.srtt = microseconds(300);
    report_.rttvar = microseconds(20);
    report_.rtt_min = microseconds(250);
  }
  PathVerdict tick() {
    now_ += milliseconds(10);
    const PathVerdict verdict = judge(report_, memory_, {.needed = needed_, .idle = idle_}, settings_, now_);
    if (verdict.probe_due) {
      ++asked_;
      probe_times_.push_back(now_);
    }
    return verdict;
  }
  PathVerdict answer() {
    report_.validated = true;
    report_.probe_seq_answered = ++asked_;
    report_.last_received = now_;
    return tick();
  }
  void be(PathState state) {
    report_.state = state;
    tick();
  }
  void be_active() {
    report_.validated = true;
    report_.last_received = now_;
    be(PathState::kActive);
  }
  // Sends and is not answered: silent for `silence`.
  PathVerdict silent_for(Duration silence) {
    report_.waiting = true;
    report_.silence = silence;
    report_.unheard = silence;
    return tick();
  }
  // Runs until an event, at most `time`; returns how long it took.
  Duration until_event(PathEvent event, Duration time) {
    const Instant start = now_;
    while (now_ - start < time) {
      const PathVerdict verdict = tick();
      if (verdict.has_event && verdict.event == event) return now_ - start;
      if (verdict.has_event) ADD_FAILURE() << share::name_of(verdict.event);
    }
    return base::kForever;
  }

  // Falls after a stay of `stay`, then answers every probe; returns how long until it is back.
  std::int64_t fall_ms(Duration stay) {
    be_active();
    for (const Instant until = now_ + stay - milliseconds(10); now_ < until;) tick();
    be(PathState::kDown);
    const Instant start = now_;
    while (now_ - start < seconds(10)) {
      report_.probe_seq_answered = asked_;
      if (tick().has_event) break;
    }
    return (now_ - start).ms();
  }

  PathReport report_;
  PathMemory memory_;
  bool needed_ = false;
  Duration idle_{};
  Settings settings_;
  Instant now_ = Instant{} + seconds(50);
  std::uint32_t asked_ = 0;
  std::vector<Instant> probe_times_;
};

TEST_F(PathHealthTest, ACandidateIsAskedAtOnceThenAtDoublingIntervals) {
  for (int i = 0; i < 300; ++i) tick();
  std::vector<std::int64_t> gaps_ms;
  for (std::size_t i = 1; i < probe_times_.size(); ++i)
    gaps_ms.push_back((probe_times_[i] - probe_times_[i - 1]).ms());
  EXPECT_EQ(gaps_ms, (std::vector<std::int64_t>{100, 200, 400, 800, 1000}));
}

TEST_F(PathHealthTest, AnAnswerBringsACandidateUpAndNoneForThreeSecondsDown) {
  EXPECT_FALSE(tick().has_event);
  const PathVerdict verdict = answer();
  ASSERT_TRUE(verdict.has_event);
  EXPECT_EQ(verdict.event, PathEvent::kAnswered);
  EXPECT_EQ(verdict.reason, PathReason::kAnswer);
}

TEST_F(PathHealthTest, ACandidateThatNeverAnswersIsDown) {
  tick();
  EXPECT_EQ(until_event(PathEvent::kDead, seconds(4)), kProbingMax);
}

TEST_F(PathHealthTest, ValidationWithoutAnAnswerInThisStateIsNoAnswer) {
  report_.validated = true;
  report_.probe_seq_answered = 17;  // from an earlier life
  EXPECT_FALSE(tick().has_event);
  EXPECT_FALSE(tick().has_event);
}

TEST_F(PathHealthTest, SilentThenSuspectThenDeadThenAnsweredThenBack) {
  be_active();
  EXPECT_FALSE(silent_for(milliseconds(10)).has_event);
  PathVerdict verdict = silent_for(milliseconds(11));
  ASSERT_TRUE(verdict.has_event);
  EXPECT_EQ(verdict.event, PathEvent::kSilent);
  EXPECT_EQ(verdict.reason, PathReason::kSilence);

  report_.state = PathState::kSuspect;
  EXPECT_FALSE(silent_for(milliseconds(100)).has_event);
  verdict = silent_for(milliseconds(101));
  ASSERT_TRUE(verdict.has_event);
  EXPECT_EQ(verdict.event, PathEvent::kDead);

  be(PathState::kDown);
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(tick().has_event);
  report_.waiting = false;
  verdict = answer();
  ASSERT_TRUE(verdict.has_event);
  EXPECT_EQ(verdict.event, PathEvent::kAnswered);
}

TEST_F(PathHealthTest, ASuspectThatAnswersIsBack) {
  be_active();
  silent_for(milliseconds(50));
  be(PathState::kSuspect);
  report_.silence = milliseconds(1);  // the wait is a new one
  const PathVerdict verdict = tick();
  ASSERT_TRUE(verdict.has_event);
  EXPECT_EQ(verdict.event, PathEvent::kAnswered);
}

TEST_F(PathHealthTest, ASuspectThatBringsPacketsIsGivenUpOnlyWhenItStaysDeaf) {
  be_active();
  silent_for(milliseconds(50));
  be(PathState::kSuspect);
  report_.waiting = true;
  for (const Duration silence : {milliseconds(101), milliseconds(500), kDeafMax}) {
    report_.silence = silence;
    report_.unheard = milliseconds(100);   // of a packet now and then
    EXPECT_FALSE(tick().has_event) << silence.ms();
  }
  report_.silence = kDeafMax + milliseconds(1);
  PathVerdict verdict = tick();
  ASSERT_TRUE(verdict.has_event);
  EXPECT_EQ(verdict.event, PathEvent::kDead);
  report_.silence = milliseconds(500);
  report_.unheard = milliseconds(101);     // quiet in both directions
  verdict = tick();
  ASSERT_TRUE(verdict.has_event);
  EXPECT_EQ(verdict.event, PathEvent::kDead);
}

TEST_F(PathHealthTest, ASuspectIsAskedOftenAndScoredLow) {
  be_active();
  const std::uint8_t good = tick().score;
  silent_for(milliseconds(50));
  probe_times_.clear();
  be(PathState::kSuspect);
  for (int i = 0; i < 20; ++i) tick();
  EXPECT_GE(probe_times_.size(), 6u);
  const PathVerdict verdict = tick();
  EXPECT_EQ(verdict.score, good / 2);
  EXPECT_EQ(verdict.reason, PathReason::kSilence);
}

TEST_F(PathHealthTest, AStalledReportDoesNotAge) {
  be_active();
  silent_for(milliseconds(5));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(tick().has_event);  // the same report for a second
}

TEST_F(PathHealthTest, APortThatGoesDownActsAtOnce) {
  for (const PathState state :
       {PathState::kActive, PathState::kStandby, PathState::kSuspect, PathState::kDraining}) {
    report_.waiting = true;
    report_.silence = milliseconds(50);
    report_.port_up = true;
    report_.state = state;
    report_.port_up = false;
    const PathVerdict verdict = tick();
    ASSERT_TRUE(verdict.has_event);
    EXPECT_EQ(verdict.event, PathEvent::kDead);
    EXPECT_EQ(verdict.reason, PathReason::kPortDown);
    EXPECT_FALSE(verdict.probe_due);
  }
  be(PathState::kDown);
  EXPECT_EQ(tick().reason, PathReason::kPortDown);
}

TEST_F(PathHealthTest, TrafficNeedsNoProbeAndIdlenessOneEachFiveSeconds) {
  be_active();
  for (int i = 0; i < 2'000; ++i) {
    report_.last_received = now_;
    tick();
  }
  EXPECT_TRUE(probe_times_.empty());
  for (int i = 0; i < 1'600; ++i) tick();
  ASSERT_EQ(probe_times_.size(), 3u);
  EXPECT_EQ(probe_times_[1] - probe_times_[0], kIdleProbe);
}

TEST_F(PathHealthTest, SomethingUnansweredIsQuestionEnough) {
  be_active();
  report_.waiting = true;
  report_.silence = milliseconds(3);
  for (int i = 0; i < 2'000; ++i) tick();
  EXPECT_TRUE(probe_times_.empty());
}

TEST_F(PathHealthTest, APathThatIsDownIsAskedOftenAtFirstAndAnEighthOfItsOutageLater) {
  be_active();
  be(PathState::kDown);
  probe_times_.clear();
  const Instant fell = report_.last_received;
  for (int i = 0; i < 3'000; ++i) tick();
  EXPECT_LE(probe_times_.size(), 70u);
  for (std::size_t i = 1; i < probe_times_.size(); ++i) {
    const Duration gap = probe_times_[i] - probe_times_[i - 1];
    EXPECT_LE(gap, std::max((probe_times_[i] - fell) / kDownProbeShare, kSuspectProbe) + milliseconds(10));   // a tick
    EXPECT_LE(gap, kProbeSlowest);
  }
}

TEST_F(PathHealthTest, StaysTooShortToBeUsefulAreFollowedByLongerHolds) {
  std::vector<std::int64_t> held_ms;
  for (int i = 0; i < 4; ++i) held_ms.push_back(fall_ms(milliseconds(150)));
  EXPECT_LE(held_ms[0], 30);
  EXPECT_NEAR(static_cast<double>(held_ms[1]), 200, 40);
  EXPECT_NEAR(static_cast<double>(held_ms[2]), 400, 40);
  EXPECT_NEAR(static_cast<double>(held_ms[3]), 800, 40);
  EXPECT_LE(fall_ms(kUsefulStay), 30);
}

TEST_F(PathHealthTest, APathThatWasUsefulIsBackAtOnceHoweverOftenItFalls) {
  for (int i = 0; i < 20; ++i) EXPECT_LE(fall_ms(milliseconds(400)), 30);
}

TEST_F(PathHealthTest, APathThatFlapsIsBetterThanNone) {
  fall_ms(milliseconds(50));
  EXPECT_GE(fall_ms(milliseconds(50)), 200);
  needed_ = true;
  EXPECT_LE(fall_ms(milliseconds(50)), 30);
}

// Four falls deep: 800 ms of answers are asked for, and given only half of the time.
TEST_F(PathHealthTest, AHoldStartsAgainWhenAnswersStop) {
  for (int i = 0; i < 3; ++i) fall_ms(milliseconds(50));
  be_active();
  be(PathState::kDown);
  for (int turn = 0; turn < 10; ++turn) {
    for (int i = 0; i < 40; ++i) {
      report_.probe_seq_answered = asked_;
      EXPECT_FALSE(tick().has_event);
    }
    for (int i = 0; i < 40; ++i) EXPECT_FALSE(tick().has_event);
    EXPECT_EQ(memory_.answering_since, base::kNever);
  }
}

TEST_F(PathHealthTest, ADrainingPathIsDrainedWhenNothingIsInFlight) {
  be_active();
  report_.in_flight_bytes = 10;
  be(PathState::kDraining);
  EXPECT_FALSE(tick().has_event);
  EXPECT_FALSE(tick().probe_due);
  report_.in_flight_bytes = 0;
  const PathVerdict verdict = tick();
  ASSERT_TRUE(verdict.has_event);
  EXPECT_EQ(verdict.event, PathEvent::kDrained);
}

TEST_F(PathHealthTest, ADrainingPathThatNeverSettlesIsEnded) {
  be_active();
  report_.in_flight_bytes = 10;
  be(PathState::kDraining);
  const Duration took = until_event(PathEvent::kDead, seconds(3));
  EXPECT_EQ(took, kDrainMax);
}

// Our own port flaps: each return is a probing path, and held like one that was down.
TEST_F(PathHealthTest, AFlappingPortIsHeldLikeAFlappingPath) {
  for (int i = 0; i < 2; ++i) {
    be_active();
    be(PathState::kDown);
  }
  be(PathState::kProbing);
  const Instant start = now_;
  for (bool back = false; !back && now_ - start < seconds(3);) {
    report_.probe_seq_answered = asked_;
    back = tick().has_event;
  }
  EXPECT_NEAR(static_cast<double>((now_ - start).ms()), 200, 40);
}

TEST_F(PathHealthTest, LossLowersTheScoreAndIsForgotten) {
  be_active();
  const std::uint8_t before = tick().score;
  for (int i = 0; i < 10; ++i) {
    report_.packets_out += 100;
    report_.packets_lost += 10;
    tick();
  }
  const std::uint8_t lossy = tick().score;
  EXPECT_EQ(before - lossy, 20);
  for (int i = 0; i < 200; ++i) {
    report_.packets_out += 100;
    tick();
  }
  EXPECT_GE(tick().score, before - 1);
}

TEST_F(PathHealthTest, WhatWasLostBeforeThePeerWasThereSaysNothingOfThePath) {
  for (int i = 0; i < 300; ++i) {   // three seconds of challenges into the void
    report_.packets_out += 10;
    report_.packets_lost += 10;
    tick();
  }
  be_active();
  for (int i = 0; i < 300; ++i) {
    report_.packets_out += 10;
    report_.last_received = now_;
    const PathVerdict verdict = tick();
    ASSERT_FALSE(verdict.degrading) << i;
    ASSERT_GE(verdict.score, 95) << i;
  }
}

TEST_F(PathHealthTest, CountersThatStartAgainAreNoLoss) {
  be_active();
  report_.packets_out = 100'000;
  report_.packets_lost = 10;
  const std::uint8_t before = tick().score;
  report_.packets_out = 50;
  report_.packets_lost = 0;
  EXPECT_GE(tick().score, before);
}

TEST(Monitor, KeepsAMemoryForEachPath) {
  Monitor monitor;
  std::vector<PathReport> reports(2);
  reports[0].path = base::PathId{1};
  reports[0].state = PathState::kProbing;
  reports[1].path = base::PathId{63};
  reports[1].state = PathState::kDown;
  Instant now = Instant{} + seconds(1);
  Verdicts verdicts = monitor.tick(reports, now);
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].path, base::PathId{1});
  EXPECT_TRUE(verdicts[0].probe_due);
  EXPECT_TRUE(verdicts[1].probe_due);
  EXPECT_EQ(verdicts[1].reason, PathReason::kSilence);
  verdicts = monitor.tick(reports, now + milliseconds(10));
  EXPECT_FALSE(verdicts[0].probe_due);
  EXPECT_EQ(monitor.memory(base::PathId{1}).asked, 1u);
  monitor.forget(base::PathId{1});
  EXPECT_EQ(monitor.memory(base::PathId{1}).asked, 0u);
  reports[1].state = PathState::kAbsent;
  verdicts = monitor.tick(reports, now + milliseconds(20));
  EXPECT_FALSE(verdicts[1].has_event);
  EXPECT_EQ(monitor.memory(base::PathId{63}).asked, 0u);
}

TEST(Monitor, PathsAtRestAreLookedAtSeldomAndOthersAtOnce) {
  Monitor monitor;
  PathReport report{.path = base::PathId{1}, .state = PathState::kActive, .validated = true, .lanes = 1};
  Instant now{seconds(1000).ns};
  const auto next = [&] {
    (void)monitor.tick({&report, 1}, now);
    return monitor.next_look({&report, 1}, now) - now;
  };
  EXPECT_EQ(next(), seconds(0)) << "it carried data just now";
  now += seconds(30 * 60);
  report.last_received = now;
  EXPECT_EQ(next(), milliseconds(250));
  report.waiting = true;
  EXPECT_EQ(next(), seconds(0));
  report.waiting = false;
  report.state = PathState::kSuspect;
  EXPECT_EQ(next(), seconds(0));
  report.state = PathState::kStandby;
  EXPECT_EQ(next(), milliseconds(250));
  report.port_up = false;
  EXPECT_EQ(next(), seconds(0));
}

TEST(Monitor, APathIsNeededWhenNoOtherIsInUse) {
  for (const PathState other : {PathState::kActive, PathState::kStandby, PathState::kSuspect, PathState::kDown}) {
    Monitor monitor;
    std::vector<PathReport> reports(2);
    reports[0].path = base::PathId{0};
    reports[1].path = base::PathId{1};
    reports[0].state = other;
    Instant now = Instant{} + seconds(1);
    const auto tick = [&](PathState state) {
      reports[1].state = state;
      reports[1].validated = true;
      return monitor.tick(reports, now += milliseconds(10))[1].has_event;
    };
    for (int fall = 0; fall < 2; ++fall) {         // at once after coming back: it flaps
      tick(PathState::kActive);
      tick(PathState::kDown);
    }
    ++reports[1].probe_seq_answered;
    const bool in_use = other == PathState::kActive || other == PathState::kStandby;
    EXPECT_EQ(tick(PathState::kDown), !in_use) << static_cast<int>(other);
  }
}

}  // namespace
}  // namespace weft::health
