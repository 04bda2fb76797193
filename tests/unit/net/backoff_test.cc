#include "bep/net/backoff.hh"

#include <gtest/gtest.h>

#include "bep/net/duplicate.hh"
#include "bep/net/refusal_log.hh"

namespace weft::net {
namespace {

using base::Duration;
using base::milliseconds;
using base::seconds;

TEST(Backoff, FollowsItsStepsWithinAQuarterAndStaysAtTheLast) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Backoff backoff({seconds(0), seconds(1), seconds(4)}, seed);
    const Duration first = backoff.next();
    EXPECT_GE(first, Duration{});
    EXPECT_LT(first, Backoff::kZeroSpread);
    const Duration second = backoff.next();
    EXPECT_GE(second, milliseconds(750));
    EXPECT_LT(second, milliseconds(1250));
    for (int i = 0; i < 3; ++i) {
      const Duration later = backoff.next();
      EXPECT_GE(later, seconds(3));
      EXPECT_LT(later, seconds(5));
    }
    backoff.reset();
    EXPECT_LT(backoff.next(), Backoff::kZeroSpread);
  }
}

TEST(Backoff, TwoSeedsPartWays) {
  Backoff one({seconds(60)}, 1);
  Backoff other({seconds(60)}, 2);
  EXPECT_NE(one.next(), other.next());
}

// Every cell of the table in duplicate.hh.
TEST(Duplicate, TableOfWhoStays) {
  for (const bool both_weft : {false, true})
    for (const bool existing_ours : {false, true})
      for (const bool new_ours : {false, true})
        for (const bool lower : {false, true}) {
          DuplicateCase c{.rule = {.age = seconds(10)}, .existing_age = seconds(11),
                          .existing_dialled_by_us = existing_ours, .new_dialled_by_us = new_ours,
                          .both_weft = both_weft, .our_id_is_lower = lower};
          EXPECT_TRUE(new_link_wins(c)) << "old links yield";
          c.existing_age = seconds(9);
          const bool race = both_weft && existing_ours != new_ours;
          const bool new_by_lower = new_ours == lower;
          EXPECT_EQ(new_link_wins(c), race && new_by_lower);
        }
}

TEST(Duplicate, ABetterNetworkWinsAndAWorseOneDoesNot) {
  DuplicateCase c{.existing_age = seconds(1), .existing_priority = 30, .new_priority = 20};
  EXPECT_TRUE(new_link_wins(c));
  c.new_priority = 21;
  EXPECT_FALSE(new_link_wins(c)) << "not by enough";
  c.rule.priority = 9;
  EXPECT_TRUE(new_link_wins(c));
  c = {.existing_age = seconds(1), .existing_priority = 10, .new_priority = 30, .existing_score = 0};
  EXPECT_FALSE(new_link_wins(c)) << "a bad LAN is better than a detour";
  c.existing_age = seconds(30);
  EXPECT_TRUE(new_link_wins(c)) << "it is dead at the other side";
}

TEST(Duplicate, ALinkThatIsNotStableYields) {
  DuplicateCase c{.existing_age = seconds(1), .existing_score = 70};
  EXPECT_FALSE(new_link_wins(c));
  c.existing_score = 69;
  EXPECT_TRUE(new_link_wins(c));
  c.rule.score_min = 0;
  EXPECT_FALSE(new_link_wins(c));
}

TEST(Duplicate, AsManyLinksAsTheOneWantsThatWantsMore) {
  EXPECT_EQ(links_allowed(3, 3), 3u);
  EXPECT_EQ(links_allowed(2, 5), 5u);
  for (const std::int32_t one : {-1, 0, 1}) {
    EXPECT_EQ(links_allowed(one, 8), 1u);
    EXPECT_EQ(links_allowed(8, one), 1u);
  }
  EXPECT_EQ(links_allowed(2, INT32_MAX), 8u) << "what a peer can make us hold";
  EXPECT_EQ(links_allowed(100, 2), 100u);
  EXPECT_EQ(links_allowed(INT32_MAX, 2), 128u);
}

TEST(Duplicate, BothEndsKeepTheSameLinkInEitherOrder) {
  // Links 0 (dialled by the lower device) and 1 (by the higher), seen in any order by each end.
  const auto keeps = [](bool we_are_lower, int first) {
    const auto ours = [&](int link) { return (link == 0) == we_are_lower; };
    const DuplicateCase c{.rule = {.age = seconds(10)}, .existing_age = seconds(1), .existing_dialled_by_us = ours(first),
                          .new_dialled_by_us = ours(1 - first), .both_weft = true, .our_id_is_lower = we_are_lower};
    return new_link_wins(c) ? 1 - first : first;
  };
  for (const bool lower : {false, true})
    for (const int first : {0, 1}) EXPECT_EQ(keeps(lower, first), 0);
}

TEST(RefusalLog, LimitsEachReasonAndSaysWhatItLeftOut) {
  RefusalLog log;
  const base::Instant start{seconds(100).ns};
  std::uint64_t left_out = 0;
  for (std::uint32_t i = 0; i < RefusalLog::kPerSecond; ++i) EXPECT_TRUE(log.allow(CloseReason::kAlpn, start, left_out));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(log.allow(CloseReason::kAlpn, start, left_out));
  EXPECT_TRUE(log.allow(CloseReason::kNotTls, start, left_out));
  EXPECT_EQ(left_out, 0u);
  EXPECT_TRUE(log.allow(CloseReason::kAlpn, start + seconds(1), left_out));
  EXPECT_EQ(left_out, 3u);
}

TEST(CloseReason, EveryReasonHasItsOwnName) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(CloseReason::kCount); ++i) {
    const std::string_view name = name_of(static_cast<CloseReason>(i));
    EXPECT_NE(name, "unknown") << i;
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(name, name_of(static_cast<CloseReason>(j)));
  }
}

}  // namespace
}  // namespace weft::net
