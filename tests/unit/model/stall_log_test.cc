// Waits between blocks, on a made-up clock.
#include "bep/model/stall_log.hh"

#include <gtest/gtest.h>

namespace weft::model {
namespace {

constexpr std::int64_t kMs = 1'000'000;

TEST(StallLog, KeepsTheLongestAndTheNoteworthy) {
  StallLog log;
  for (const std::int64_t ms : {100, 104, 109, 129}) log.on_block(ms * kMs);
  EXPECT_EQ(log.longest_ns(), 20 * kMs);
  EXPECT_EQ(log.last_block_ns(), 129 * kMs);
  const auto waits = log.waits().after(0);
  ASSERT_EQ(waits.size(), 2u);                 // 4 ms is not
  EXPECT_EQ(waits[0].number, 1u);
  EXPECT_EQ(waits[0].began_ns, 104 * kMs);
  EXPECT_EQ(waits[0].lasted_ns, 5 * kMs);
  EXPECT_EQ(waits[1].lasted_ns, 20 * kMs);
  EXPECT_EQ(log.waits().after(1).size(), 1u);
  EXPECT_TRUE(log.waits().after(2).empty());
  EXPECT_TRUE(log.waits().after(UINT64_MAX).empty());
}

TEST(StallLog, IdleIsNoWait) {
  StallLog log;
  log.on_block(1 * kMs);
  log.on_idle();
  EXPECT_EQ(log.last_block_ns(), 0);
  log.on_block(900 * kMs);
  EXPECT_EQ(log.longest_ns(), 0);
  EXPECT_TRUE(log.waits().after(0).empty());
}

TEST(StallLog, TheOldestGoFirst) {
  StallLog log;
  const std::size_t count = 3 * WaitLog::kKept + 7;
  for (std::size_t i = 0; i <= count; ++i) log.on_block(static_cast<std::int64_t>(i + 1) * 10 * kMs);
  const auto waits = log.waits().after(5);
  ASSERT_EQ(waits.size(), WaitLog::kKept);
  for (std::size_t i = 0; i < waits.size(); ++i) EXPECT_EQ(waits[i].number, count - WaitLog::kKept + 1 + i);
  EXPECT_EQ(log.waits().after(count - 3).size(), 3u);
}

}  // namespace
}  // namespace weft::model
