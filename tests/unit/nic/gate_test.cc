#include "engine/share/gate.hh"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/nic/device_thread.hh"

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

// Two plain words that are equal outside of the section and never while someone is half-way through changing them.
TEST(Gate, NobodyIsInsideWhileItIsClosed) {
  Gate gate;
  std::uint64_t left = 0, right = 0;
  std::atomic<bool> stop{false};
  std::thread core([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      if (!gate.try_enter()) continue;
      ++left;
      ++right;
      gate.leave();
    }
  });
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(nic::close_and_wait(gate));
    ASSERT_EQ(left, right);
    left = right = static_cast<std::uint64_t>(i);
    gate.open();
  }
  stop = true;
  core.join();
  EXPECT_EQ(left, right);
  EXPECT_TRUE(gate.try_enter());   // open again
  gate.leave();
}

}  // namespace
}  // namespace weft::share
