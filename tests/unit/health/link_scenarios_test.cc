// What is concluded of a link through whole stories: partition, one-sided partition, ramps of latency and loss, jitter, a clock
// that jumps, outage and recovery. The kernel's TCP is played: it acknowledges, measures, sends again.
#include <gtest/gtest.h>

#include <functional>

#include "engine/base/prng.hh"
#include "health/link_health.hh"
#include "health/link_silence.hh"

namespace weft::health {
namespace {

using base::Duration;
using base::milliseconds;
using base::seconds;

// One connection and its kernel. Every 250 ms it is looked at for silence, every 5 s judged, as engine/run/link_watch does.
class LinkStory : public testing::Test {
 protected:
  struct Weather {
    bool ours_pass = true, theirs_pass = true;         // what we send, what the peer sends
    Duration rtt = milliseconds(60);
    std::uint32_t loss_permille = 0;
  };
  // Plays until `time` has passed; the weather is asked at each step with the time since the beginning of this call.
  void play(Duration time, const std::function<Weather(Duration)>& weather_at) {
    const base::Instant from = now_;
    for (; now_ - from < time; now_ += milliseconds(250)) {
      const Weather weather = weather_at(now_ - from);
      const bool both = weather.ours_pass && weather.theirs_pass;
      if (busy_) waits_ = true;
      if (both) {
        srtt_ = (7 * srtt_ + weather.rtt) / 8;
        const Duration off = weather.rtt > srtt_ ? weather.rtt - srtt_ : srtt_ - weather.rtt;
        rttvar_ = (3 * rttvar_ + off) / 4;
        sent_ += 100'000;
        again_ += 100 * weather.loss_permille;
        if (waits_ || busy_) heard_ = now_;
        waits_ = false;
      } else if (weather.theirs_pass && busy_) {
        heard_ = now_;                                 // the peer's data still comes, though not our acknowledgements' answers
      }
      look();
    }
  }
  void look() {
    const LinkSilence silence{.busy = busy_, .unacked = waits_, .heard_ago = now_ - heard_, .rtt = srtt_, .rttvar = rttvar_};
    const LinkFinding finding = find_silence(silence, suspect_);
    if (finding == LinkFinding::kAsk) waits_ = true;
    if (finding == LinkFinding::kSuspect && !suspect_) suspected_at_.push_back(now_);
    if (finding == LinkFinding::kDead) ++dead_;
    suspect_ = finding == LinkFinding::kSuspect || finding == LinkFinding::kDead;
    if (now_ < judge_at_) return;
    judge_at_ = now_ + kLinkEvery;
    verdict_ = judge({.connected = true, .rtt = srtt_, .rttvar = rttvar_, .rtt_min = milliseconds(60), .bytes_sent = sent_,
                      .bytes_again = again_}, memory_, {});
    warned_ += verdict_.degrading ? 1 : 0;
  }
  static Weather fair(Duration) { return {}; }

  base::Instant now_{seconds(1000).ns}, heard_ = now_, judge_at_ = now_;
  Duration srtt_ = milliseconds(60), rttvar_ = milliseconds(2);
  std::uint64_t sent_ = 0, again_ = 0;
  bool busy_ = true, waits_ = false, suspect_ = false;
  int dead_ = 0, warned_ = 0;
  std::vector<base::Instant> suspected_at_;
  LinkMemory memory_;
  LinkVerdict verdict_;
};

TEST_F(LinkStory, FairWeatherIsNothingToTell) {
  play(seconds(3600), fair);
  EXPECT_TRUE(suspected_at_.empty());
  EXPECT_EQ(warned_, 0);
  EXPECT_GE(verdict_.score, 95);
}

TEST_F(LinkStory, APartitionIsSuspectedWithinTwoSecondsAndGivenUpAfterFive) {
  play(seconds(60), fair);
  const base::Instant cut = now_;
  play(seconds(12), [](Duration) { return Weather{.ours_pass = false, .theirs_pass = false}; });
  ASSERT_EQ(suspected_at_.size(), 1u);
  EXPECT_LE(suspected_at_[0] - cut, seconds(2));
  EXPECT_GT(dead_, 0);
}

TEST_F(LinkStory, AnOutageEndsAndTheLinkIsUsedAgain) {
  play(seconds(60), fair);
  play(seconds(3), [](Duration) { return Weather{.ours_pass = false, .theirs_pass = false}; });
  EXPECT_TRUE(suspect_);
  EXPECT_EQ(dead_, 0);
  play(seconds(1), fair);
  EXPECT_FALSE(suspect_);
}

TEST_F(LinkStory, AOneSidedPartitionThatStopsAnswersIsSuspectedToo) {
  play(seconds(60), fair);
  play(seconds(3), [](Duration) { return Weather{.ours_pass = true, .theirs_pass = false}; });
  EXPECT_TRUE(suspect_);
}

TEST_F(LinkStory, WhileThePeersDataComesTheLinkIsThere) {
  play(seconds(60), fair);
  play(seconds(30), [](Duration) { return Weather{.ours_pass = false, .theirs_pass = true}; });
  EXPECT_FALSE(suspect_) << "what we wait for still arrives";
}

TEST_F(LinkStory, ALatencyRampWarnsAndLowersTheScoreAndIsNoSilence) {
  play(seconds(600), fair);
  play(seconds(300), [](Duration t) { return Weather{.rtt = milliseconds(60 + t.ms() / 500)}; });   // to ten times
  EXPECT_GT(warned_, 0);
  EXPECT_LT(verdict_.score, 80);
  EXPECT_EQ(verdict_.reason, share::PathReason::kLatency);
  EXPECT_TRUE(suspected_at_.empty());
}

TEST_F(LinkStory, ALossRampWarnsAndLowersTheScore) {
  play(seconds(60), fair);
  const int before = verdict_.score;
  play(seconds(300), [](Duration t) { return Weather{.loss_permille = static_cast<std::uint32_t>(t.ms() / 1500)}; });   // to 20 %
  EXPECT_LT(verdict_.score, before - 15) << "all of its weight";
  EXPECT_GT(verdict_.loss_permille, 150u);
  EXPECT_GT(warned_, 0);
  EXPECT_TRUE(suspected_at_.empty());
}

TEST_F(LinkStory, JitterIsNoTrendAndNoSilence) {
  base::Prng dice(5);
  play(seconds(4 * 3600), [&](Duration) { return Weather{.rtt = milliseconds(40 + dice.below(40))}; });
  EXPECT_EQ(warned_, 0);
  EXPECT_TRUE(suspected_at_.empty());
}

// The wall clock is nowhere in this; what jumps is the time between two looks: a suspended machine.
TEST_F(LinkStory, AMachineThatSleptAnHourSuspectsNothingItDidNotAsk) {
  play(seconds(60), fair);
  busy_ = false;
  now_ += seconds(3600);
  look();
  EXPECT_FALSE(suspect_);
  busy_ = true;
  play(seconds(10), fair);
  EXPECT_TRUE(suspected_at_.empty());
}

}  // namespace
}  // namespace weft::health
