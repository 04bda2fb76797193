#include "engine/nic/device_thread.hh"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace weft::nic {
namespace {

// Two plain words that are equal outside of the section and never while someone is half-way through changing them.
TEST(CloseAndWait, NobodyIsInsideAfterwards) {
  share::Gate gate;
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
    ASSERT_TRUE(close_and_wait(gate));
    ASSERT_EQ(left, right);
    left = right = static_cast<std::uint64_t>(i);
    gate.open();
  }
  stop.store(true, std::memory_order_relaxed);
  core.join();
  EXPECT_EQ(left, right);
  EXPECT_TRUE(gate.try_enter());   // open again
  gate.leave();
}

}  // namespace
}  // namespace weft::nic
