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
  EXPECT_EQ(find_silence(silent(9999, true), true), LinkFinding::kSuspect);
  EXPECT_EQ(find_silence(silent(10'000, true), true), LinkFinding::kDead);
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

}  // namespace
}  // namespace weft::health
