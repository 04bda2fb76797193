#include "bep/proto/version_vector.hh"

#include <gtest/gtest.h>

#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

using test::version_of;

TEST(VersionVector, ComparesAsStockDoes) {
  struct Case {
    std::vector<VersionVector::Counter> a, b;
    Ordering ordering;
  };
  for (const Case& c : std::vector<Case>{
           {{}, {}, Ordering::kEqual},
           {{{42, 0}}, {}, Ordering::kEqual},
           {{{42, 1}}, {}, Ordering::kGreater},
           {{}, {{42, 1}}, Ordering::kLesser},
           {{{42, 2}}, {{43, 1}}, Ordering::kConcurrentGreater},
           {{{43, 1}}, {{42, 2}}, Ordering::kConcurrentLesser},
           {{{22, 22}, {42, 2}}, {{22, 22}, {42, 1}}, Ordering::kGreater},
           {{{22, 21}, {42, 2}}, {{22, 22}, {42, 1}}, Ordering::kConcurrentLesser},
           {{{22, 23}, {42, 1}}, {{22, 22}, {42, 2}}, Ordering::kConcurrentGreater},
           {{{42, 1}, {22, 1}}, {{22, 1}, {42, 1}}, Ordering::kEqual}}) {
    EXPECT_EQ(version_of(c.a).compare(version_of(c.b)), c.ordering);
  }
}

TEST(VersionVector, UpdateFollowsTheClockButNeverGoesBack) {
  VersionVector version;
  version.update(5, 0);
  EXPECT_EQ(version.value_of(5), 1u);
  version.update(5, 1000);
  EXPECT_EQ(version.value_of(5), 1000u);
  version.update(5, 10);
  EXPECT_EQ(version.value_of(5), 1001u);
  VersionVector last = version_of({{5, UINT64_MAX}});
  last.update(5, 10);
  EXPECT_EQ(last.value_of(5), UINT64_MAX);
}

TEST(VersionVector, RefusesWhatIsNoVector) {
  EXPECT_FALSE(VersionVector::from_counters({{1, 1}, {2, 1}, {1, 2}}).has_value());
  EXPECT_FALSE(VersionVector::from_counters({{1, 0}, {1, 2}}).has_value());
  std::vector<VersionVector::Counter> many;
  for (std::uint64_t id = 1; id <= kCountersMax; ++id) many.push_back({id, 1});
  EXPECT_TRUE(VersionVector::from_counters(many).has_value());
  many.push_back({kCountersMax + 1, 1});
  EXPECT_FALSE(VersionVector::from_counters(many).has_value());
}

TEST(VersionVector, AFullVectorLosesItsOldestChange) {
  std::vector<VersionVector::Counter> many;
  for (std::uint64_t id = 1; id <= kCountersMax; ++id) many.push_back({id, 1000 + id});
  many[500].value = 3;
  VersionVector version = version_of(many);
  version.update(1'000'000, 5000);
  EXPECT_EQ(version.counters().size(), kCountersMax);
  EXPECT_EQ(version.value_of(many[500].id), 0u);
  EXPECT_EQ(version.value_of(1'000'000), 5000u);
  VersionVector other = version_of({{2'000'000, 7000}});
  version.merge(other);
  EXPECT_EQ(version.counters().size(), kCountersMax);
  EXPECT_EQ(version.value_of(2'000'000), 7000u);
}

TEST(VersionVector, KeepOnlyMakesAConflict) {
  const VersionVector theirs = version_of({{1, 5}, {2, 7}});
  VersionVector ours = theirs;
  ours.update(2, 0);
  ours.keep_only(2);
  EXPECT_EQ(ours, version_of({{2, 8}}));
  EXPECT_EQ(ours.compare(theirs), Ordering::kConcurrentLesser);
  ours.keep_only(99);
  EXPECT_TRUE(ours.empty());
}

}  // namespace
}  // namespace weft::proto
