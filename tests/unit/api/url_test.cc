#include "engine/api/url.hh"

#include <gtest/gtest.h>

#include "engine/base/prng.hh"

namespace weft::api {
namespace {

using Strings = std::vector<std::string>;

TEST(Url, SplitsPathAndQuery) {
  const auto target = parse_target("/rest/db/status?folder=a%20b&x=1+2&flag&&folder=second");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments, (Strings{"rest", "db", "status"}));
  EXPECT_EQ(target->value("folder"), "a b");        // the first one counts
  EXPECT_EQ(target->value("x"), "1 2");
  EXPECT_EQ(target->value("flag"), "");
  EXPECT_EQ(target->query.size(), 4u);
  EXPECT_EQ(target->value("absent"), "");
}

TEST(Url, KeepsAnEscapedSlashInsideItsSegment) {
  const auto target = parse_target("/a/x%2Fy/b+c");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments, (Strings{"a", "x/y", "b+c"}));   // '+' is a space in queries only
}

TEST(Url, RootHasNoSegments) {
  ASSERT_TRUE(parse_target("/"));
  EXPECT_TRUE(parse_target("/")->segments.empty());
  ASSERT_TRUE(parse_target("/?a=b"));
  EXPECT_EQ(parse_target("/?a=b")->value("a"), "b");
}

TEST(Url, RefusesWhatIsNoAbsolutePathOrBroken) {
  for (const char* bad : {"", "rest", "*", "http://x/", "/%", "/%1", "/%zz", "/a%00b", "/?a=%", "/?%4=x", "/?a=%00"})
    EXPECT_FALSE(parse_target(bad)) << bad;
}

TEST(Url, EveryByteButNulComesBackFromItsEscape) {
  base::Prng random(7);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (std::uint32_t n = random.below(40); n > 0; --n) text += static_cast<char>(1 + random.below(255));
    EXPECT_EQ(percent_decode(percent_encode(text), PlusIs::kSpace), text);
    EXPECT_EQ(percent_decode(percent_encode(text), PlusIs::kPlus), text);
  }
}

}  // namespace
}  // namespace weft::api
