#include "engine/base/slot_pool.hh"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace weft::base {
namespace {

TEST(SlotPool, GivesEverySlotOnceThenRefuses) {
  std::array<SlotPool::Entry, 3> entries;
  SlotPool pool(entries);
  std::vector<SlotRef> taken;
  SlotRef ref;
  while (pool.try_take(ref)) taken.push_back(ref);
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(pool.free(), 0u);
  EXPECT_NE(taken[0].slot, taken[1].slot);
  EXPECT_NE(taken[1].slot, taken[2].slot);
}

TEST(SlotPool, AReferenceIsStaleAfterItsSlotWasGivenBack) {
  std::array<SlotPool::Entry, 1> entries;
  SlotPool pool(entries);
  SlotRef first, second;
  ASSERT_TRUE(pool.try_take(first));
  pool.give_back(first);
  EXPECT_FALSE(pool.is_current(first));
  ASSERT_TRUE(pool.try_take(second));
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_FALSE(pool.is_current(first));
  EXPECT_TRUE(pool.is_current(second));
  EXPECT_EQ(SlotRef::from_word(second.word()), second);
}

TEST(SlotPool, AZeroedReferenceIsNeverCurrent) {
  std::array<SlotPool::Entry, 1> entries;
  SlotPool pool(entries);
  SlotRef ref;
  for (int i = 0; i < 70'000; ++i) {  // past the wrap of the generation
    ASSERT_TRUE(pool.try_take(ref));
    ASSERT_NE(ref.generation, 0);
    pool.give_back(ref);
  }
}

TEST(SlotPoolDeathTest, GivingBackTwiceIsOurBug) {
  std::array<SlotPool::Entry, 1> entries;
  SlotPool pool(entries);
  SlotRef ref;
  ASSERT_TRUE(pool.try_take(ref));
  pool.give_back(ref);
  EXPECT_DEATH(pool.give_back(ref), "MUST");
}

}  // namespace
}  // namespace weft::base
