#include "engine/run/heap_care.hh"

#include <gtest/gtest.h>

namespace weft::run {
namespace {

constexpr std::uint64_t kMuch = HeapRest::kRestBytes;

TEST(HeapRest, GivesBackOnceAfterLinksThatWorkedCameToRest) {
  HeapRest rest;
  EXPECT_FALSE(rest.look(0));
  EXPECT_FALSE(rest.look(10 * kMuch));            // at work
  EXPECT_FALSE(rest.look(20 * kMuch));
  EXPECT_TRUE(rest.look(20 * kMuch + 100));       // a ping
  EXPECT_FALSE(rest.look(20 * kMuch + 200));
  EXPECT_FALSE(rest.look(21 * kMuch + 200));
  EXPECT_TRUE(rest.look(21 * kMuch + 200));
}

TEST(HeapRest, LinksThatNeverWorkGiveNothingBack) {
  HeapRest rest;
  for (std::uint64_t moved = 0; moved < 100 * kMuch; moved += kMuch - 1) EXPECT_FALSE(rest.look(moved));
}

}  // namespace
}  // namespace weft::run
