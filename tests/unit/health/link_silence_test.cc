// Is a busy link still there (health/link_silence.hh)?
#include "health/link_silence.hh"

#include <gtest/gtest.h>

namespace weft::health {
namespace {

using base::milliseconds;
using base::seconds;

LinkSilence silent(std::int64_t ms, bool unacked, bool busy = true) {
  return {.busy = busy, .unacked = unacked, .heard_ago = milliseconds(ms), .rtt = milliseconds(1), .rttvar = milliseconds(1)};
}

TEST(LinkSilence, ALinkThatRestsIsNotJudged) {
  EXPECT_EQ(find_silence(silent(100'000, true, false), false), LinkFinding::kFine);
}

TEST(LinkSilence, FirstAskedThenSuspectedThenDead) {
  EXPECT_EQ(find_silence(silent(499, false), false), LinkFinding::kFine);
  EXPECT_EQ(find_silence(silent(500, false), false), LinkFinding::kAsk);
  EXPECT_EQ(find_silence(silent(999, true), false), LinkFinding::kFine) << "its Ping is on the way";
  EXPECT_EQ(find_silence(silent(1000, true), false), LinkFinding::kSuspect);
  EXPECT_EQ(find_silence(silent(4999, true), true), LinkFinding::kSuspect);
  EXPECT_EQ(find_silence(silent(5000, true), true), LinkFinding::kDead);
}

TEST(LinkSilence, APeerThatIsSlowIsNoDeadLink) {
  for (std::int64_t ms = 0; ms < 60'000; ms += 100) {
    const LinkFinding finding = find_silence(silent(ms, false), false);   // each Ping was acknowledged
    EXPECT_TRUE(finding == LinkFinding::kFine || finding == LinkFinding::kAsk) << ms;
  }
}

TEST(LinkSilence, OneThatIsHeardAgainHasReturned) {
  EXPECT_EQ(find_silence(silent(10, false), true), LinkFinding::kFine);
  EXPECT_EQ(find_silence(silent(10, false, false), true), LinkFinding::kFine);
}

TEST(LinkSilence, LongRoundTripsAreGivenTheirTime) {
  LinkSilence slow{.busy = true, .unacked = true, .heard_ago = seconds(3), .rtt = milliseconds(600), .rttvar = milliseconds(100)};
  EXPECT_EQ(link_patience(slow.rtt, slow.rttvar), seconds(4));
  EXPECT_EQ(find_silence(slow, false), LinkFinding::kFine);
  slow.heard_ago = seconds(4);
  EXPECT_EQ(find_silence(slow, false), LinkFinding::kSuspect);
}

TEST(LinkHold, TheFirstReturnIsAtOnceAndLaterOnesTakeTwiceAsLongEach) {
  LinkHold hold(seconds(5));
  base::Instant now{seconds(100).ns};
  const auto return_after = [&] {
    hold.on_suspect();
    EXPECT_FALSE(hold.may_return(false, now));
    const base::Instant heard = now += seconds(1);
    while (!hold.may_return(true, now)) now += milliseconds(10);
    return now - heard;
  };
  EXPECT_EQ(return_after(), seconds(0));
  const base::Duration second = return_after();
  EXPECT_GT(second, seconds(0));
  EXPECT_EQ(return_after(), 2 * second);
  for (int i = 0; i < 20; ++i) (void)return_after();
  EXPECT_EQ(return_after(), kFlapHoldMax);
  for (int i = 0; i < 3600 / 5; ++i) hold.fade();   // an hour of peace: not much of it is left
  for (int i = 0; i < 4 * 3600 / 5; ++i) hold.fade();
  EXPECT_EQ(return_after(), seconds(0));
}

TEST(LinkHold, SilenceInBetweenBeginsItAnew) {
  LinkHold hold(seconds(5));
  hold.on_suspect();
  hold.on_suspect();
  hold.on_suspect();
  base::Instant now{seconds(100).ns};
  EXPECT_FALSE(hold.may_return(true, now));
  EXPECT_FALSE(hold.may_return(false, now + milliseconds(500)));
  EXPECT_FALSE(hold.may_return(true, now + milliseconds(1000)));
  EXPECT_TRUE(hold.may_return(true, now + milliseconds(1000) + kFlapHoldMax));
}

}  // namespace
}  // namespace weft::health
