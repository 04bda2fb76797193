#include "engine/share/spsc_ring.hh"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <thread>
#include <vector>

#include "engine/base/prng.hh"

namespace weft::share {
namespace {

TEST(SpscRing, TakesWhatFitsAndSaysHowMany) {
  std::array<int, 4> slots{};
  SpscRing<int> ring(slots);
  const std::array<int, 6> items{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(ring.push(items), 4u);
  EXPECT_EQ(ring.push(items), 0u);
  std::array<int, 3> out{};
  EXPECT_EQ(ring.pop(out), 3u);
  EXPECT_EQ(out, (std::array<int, 3>{1, 2, 3}));
  EXPECT_EQ(ring.room(), 3u);
}

TEST(SpscRing, BehavesAsADequeUnderRandomBatches) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    base::Prng prng(seed);
    std::vector<std::uint64_t> slots(std::size_t{1} << prng.below(6));
    SpscRing<std::uint64_t> ring(slots);
    std::deque<std::uint64_t> model;
    std::uint64_t next = 0;
    for (int step = 0; step < 2000; ++step) {
      std::vector<std::uint64_t> batch(prng.below(10));
      if (prng.chance(2)) {
        for (auto& item : batch) item = next++;
        const auto took = ring.push(batch);
        EXPECT_EQ(took, std::min(batch.size(), slots.size() - model.size()));
        model.insert(model.end(), batch.begin(), batch.begin() + took);
        next -= batch.size() - took;
      } else {
        const auto got = ring.pop(batch);
        ASSERT_EQ(got, std::min(batch.size(), model.size()));
        for (std::size_t i = 0; i < got; ++i) {
          EXPECT_EQ(batch[i], model.front());
          model.pop_front();
        }
      }
    }
  }
}

TEST(SpscRing, KeepsOrderBetweenTwoThreads) {
  constexpr std::uint64_t kCount = 200'000;
  std::array<std::uint64_t, 64> slots{};
  SpscRing<std::uint64_t> ring(slots);
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < kCount;)
      if (ring.push_one(i)) ++i;
      else std::this_thread::yield();
  });
  std::uint64_t expected = 0;
  while (expected < kCount) {
    std::uint64_t item = 0;
    if (!ring.pop_one(item)) { std::this_thread::yield(); continue; }
    ASSERT_EQ(item, expected++);
  }
  producer.join();
}

}  // namespace
}  // namespace weft::share
