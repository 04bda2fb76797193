#include "engine/share/gate.hh"

#include <gtest/gtest.h>

namespace weft::share {
namespace {

TEST(Gate, CountsItsClosers) {
  Gate gate;
  EXPECT_TRUE(gate.try_enter());
  EXPECT_FALSE(gate.is_empty());
  gate.leave();
  gate.close();
  gate.close();
  EXPECT_FALSE(gate.try_enter());
  EXPECT_TRUE(gate.is_empty());
  gate.open();
  EXPECT_FALSE(gate.try_enter());
  gate.open();
  EXPECT_TRUE(gate.try_enter());
  gate.leave();
}

TEST(GateDeathTest, OpeningWhatIsNotClosedIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Gate gate;
  EXPECT_DEATH(gate.open(), "fetch_sub");
}

}  // namespace
}  // namespace weft::share
