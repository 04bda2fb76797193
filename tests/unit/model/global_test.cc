#include "bep/model/global.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace weft::model {
namespace {

using proto::VersionVector;

VersionVector version(std::vector<VersionVector::Counter> counters) {
  return VersionVector::from_counters(std::move(counters)).value();
}
const VersionVector kNone;
const VersionVector kOld = version({{1, 1}});
const VersionVector kLeft = version({{1, 2}});           // follows kOld
const VersionVector kRight = version({{1, 1}, {2, 1}});  // follows kOld, concurrent with kLeft
const VersionVector kBoth = version({{1, 2}, {2, 1}});   // follows both

struct Case {
  const char* what;
  std::vector<Candidate> candidates;
  std::size_t winner;
};

TEST(Global, TheRule) {
  const Case cases[] = {
      {"alone", {{&kOld}}, 0},
      {"alone and invalid", {{&kOld, false, true}}, 0},
      {"newer version beats newer time", {{&kOld, false, false, 9}, {&kLeft, false, false, 1}}, 1},
      {"newer version beats not deleted", {{&kOld}, {&kLeft, true}}, 1},
      {"valid beats newer version", {{&kBoth, false, true}, {&kOld}}, 1},
      {"among invalid ones the version", {{&kOld, false, true}, {&kLeft, false, true}}, 1},
      {"concurrent: not deleted", {{&kLeft, true, false, 9}, {&kRight, false, false, 1}}, 1},
      {"concurrent: newer time", {{&kLeft, false, false, 1}, {&kRight, false, false, 2}}, 1},
      {"concurrent: newer by nanoseconds",
       {{&kLeft, false, false, 1, 5}, {&kRight, false, false, 1, 6}},
       1},
      {"concurrent: lowest differing counter", {{&kRight}, {&kLeft}}, 1},
      {"the dominated one does not decide",
       {{&kOld, false, false, 9}, {&kLeft, false, false, 1}, {&kRight, false, false, 2}},
       2},
      {"what follows both wins",
       {{&kLeft, false, false, 9}, {&kRight, false, false, 9}, {&kBoth}},
       2},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(pick_global(c.candidates), c.winner) << c.what;
    auto reversed = c.candidates;
    std::reverse(reversed.begin(), reversed.end());
    EXPECT_EQ(pick_global(reversed), reversed.size() - 1 - c.winner) << c.what << ", reversed";
  }
}

TEST(Global, TheFirstOfEqualsWins) {
  const std::vector<Candidate> same = {{&kLeft}, {&kLeft}, {&kOld}};
  EXPECT_EQ(pick_global(same), 0u);
}

TEST(Global, WhoNeedsIt) {
  const Candidate here{&kLeft}, deleted{&kLeft, true}, invalid{&kLeft, false, true},
      unversioned{&kNone};
  const Candidate older{&kOld}, newer{&kBoth}, other{&kRight};
  EXPECT_TRUE(needs(here, nullptr));
  EXPECT_TRUE(needs(here, &older));
  EXPECT_TRUE(needs(here, &other));
  EXPECT_FALSE(needs(here, &here));
  EXPECT_FALSE(needs(here, &invalid)) << "the version counts";
  EXPECT_FALSE(needs(here, &newer));
  EXPECT_TRUE(needs(here, &unversioned));
  EXPECT_FALSE(needs(deleted, nullptr)) << "nothing to delete";
  EXPECT_TRUE(needs(deleted, &older));
  EXPECT_FALSE(needs(invalid, nullptr));
  EXPECT_FALSE(needs(unversioned, nullptr));
  EXPECT_FALSE(needs(unversioned, &older));
}

}  // namespace
}  // namespace weft::model
