// Which places are in use (engine/base/index_set.hh).
#include "engine/base/index_set.hh"

#include <gtest/gtest.h>

#include <vector>

namespace weft::base {
namespace {

using List = std::vector<std::size_t>;

template <typename Range> List list(const Range& range) {
  List out;
  for (const std::size_t index : range) out.push_back(index);
  return out;
}

TEST(IndexSet, IsWalkedUpwards) {
  IndexSet set;
  EXPECT_EQ(list(set), List{});
  for (const std::size_t index : {63u, 0u, 7u, 7u}) set.add(index);
  EXPECT_EQ(list(set), (List{0, 7, 63}));
  EXPECT_EQ(set.size(), 3u);
  set.remove(7);
  set.remove(8);
  EXPECT_FALSE(set.has(7));
  EXPECT_EQ(list(set), (List{0, 63}));
}

TEST(IndexSet, FromAnyPlaceEachIsWalkedOnce) {
  IndexSet set;
  for (const std::size_t index : {0u, 7u, 15u, 63u}) set.add(index);
  for (std::size_t first = 0; first < IndexSet::kMax; ++first) {
    List wanted;
    for (std::size_t i = 0; i < IndexSet::kMax; ++i)
      if (set.has((first + i) % IndexSet::kMax)) wanted.push_back((first + i) % IndexSet::kMax);
    EXPECT_EQ(list(set.from(first)), wanted) << first;
  }
}

TEST(IndexSet, AWalkIsOfTheSetAsItWasAtItsBeginning) {
  IndexSet set;
  set.add(1);
  set.add(2);
  List seen;
  for (const std::size_t index : set) {
    seen.push_back(index);
    set.remove(2);
    set.add(3);
  }
  EXPECT_EQ(seen, (List{1, 2}));
  EXPECT_EQ(list(set), (List{1, 3}));
}

}  // namespace
}  // namespace weft::base
