#include "engine/share/snapshot.hh"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace weft::share {
namespace {

TEST(Snapshot, PublishesAgainOnlyAfterAdoption) {
  Snapshot<int> snapshot;
  EXPECT_FALSE(snapshot.adopt());
  EXPECT_TRUE(snapshot.try_publish(1));
  EXPECT_FALSE(snapshot.try_publish(2));
  EXPECT_EQ(snapshot.current(), 0);
  EXPECT_TRUE(snapshot.adopt());
  EXPECT_EQ(snapshot.current(), 1);
  EXPECT_TRUE(snapshot.try_publish(3));
  EXPECT_EQ(snapshot.current(), 1);  // the adopted value never changes under the reader
  EXPECT_TRUE(snapshot.adopt());
  EXPECT_EQ(snapshot.current(), 3);
}

TEST(Snapshot, IsNeverTornBetweenTwoThreads) {
  using Value = std::array<std::uint64_t, 64>;
  Snapshot<Value> snapshot;
  constexpr std::uint64_t kRounds = 20'000;
  std::thread writer([&] {
    Value value{};
    for (std::uint64_t round = 1; round <= kRounds;) {
      value.fill(round);
      if (snapshot.try_publish(value)) ++round;
      else std::this_thread::yield();
    }
  });
  std::uint64_t last = 0;
  while (last < kRounds) {
    if (!snapshot.adopt()) { std::this_thread::yield(); continue; }
    const Value& seen = snapshot.current();
    ASSERT_EQ(seen[0], last + 1);
    for (const auto word : seen) ASSERT_EQ(word, seen[0]);
    last = seen[0];
  }
  writer.join();
}

}  // namespace
}  // namespace weft::share
