#include "bep/proto/reason.hh"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace weft::proto {
namespace {

TEST(Reason, EachHasItsOwnNameAndText) {
  std::set<std::string> names, texts;
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    names.insert(name_of(reason));
    texts.insert(text_of(reason));
    EXPECT_FALSE(sends_close(reason) && !closes_link(reason)) << name_of(reason);
  }
  EXPECT_EQ(names.size(), kReasonCount);
  EXPECT_EQ(texts.size(), kReasonCount);
}

TEST(Reason, BrokenStreamsCloseAbruptlyAndSpoiltEntriesDoNotClose) {
  EXPECT_TRUE(closes_link(Reason::kLz4Broken));
  EXPECT_FALSE(sends_close(Reason::kLz4Broken));
  EXPECT_TRUE(sends_close(Reason::kNameInvalid));
  EXPECT_FALSE(closes_link(Reason::kBlockLayout));
  EXPECT_FALSE(closes_link(Reason::kNone));
}

TEST(Reason, CountersCountByReason) {
  ReasonCounters counters;
  counters.count(Reason::kLz4Broken);
  counters.count(Reason::kLz4Broken);
  EXPECT_EQ(counters.of(Reason::kLz4Broken), 2u);
  EXPECT_EQ(counters.of(Reason::kLz4TooLong), 0u);
}

}  // namespace
}  // namespace weft::proto
