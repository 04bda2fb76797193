// Runs of chunks against bits one by one, at every place where a word ends.
#include "engine/run/chunk_map.hh"

#include <gtest/gtest.h>

#include <bitset>

#include "engine/base/prng.hh"

namespace weft::run {
namespace {

constexpr std::uint32_t kChunks = base::kChunksPerExtentMax;

struct Both {
  ChunkMap map;
  std::bitset<kChunks> model;
  [[nodiscard]] bool same() const {
    for (std::uint32_t i = 0; i < kChunks; ++i)
      if (map.has(i) != model[i]) return false;
    return map.count() == model.count() && map.none() == model.none();
  }
};

TEST(ChunkMap, RunsAreWhatTheirBitsAre) {
  base::Prng dice(11);
  Both both;
  for (int step = 0; step < 20'000; ++step) {
    const auto i = static_cast<std::uint32_t>(dice.next() % kChunks);
    const auto most = static_cast<std::uint32_t>(dice.next() % 4 == 0 ? kChunks : 40);
    const std::uint32_t count = std::min(static_cast<std::uint32_t>(dice.next() % (most + 1)), kChunks - i);
    bool any = false;
    std::uint32_t run = 0;
    for (std::uint32_t k = i; k < i + count; ++k) any |= both.model[k];
    while (run < count && both.model[i + run]) ++run;
    ASSERT_EQ(both.map.any_of(i, count), any) << i << " + " << count;
    ASSERT_EQ(both.map.run(i, count), run) << i << " + " << count;
    if (dice.next() % 2 == 0) {
      both.map.set_run(i, count);
      for (std::uint32_t k = i; k < i + count; ++k) both.model.set(k);
    } else {
      both.map.reset_run(i, count);
      for (std::uint32_t k = i; k < i + count; ++k) both.model.reset(k);
    }
    if (step % 50 == 0) { ASSERT_TRUE(both.same()) << step; }
  }
  ASSERT_TRUE(both.same());
  both.map.set_run(0, kChunks);
  EXPECT_EQ(both.map.run(0, UINT32_MAX), kChunks);
  EXPECT_EQ(both.map.run(kChunks - 1, UINT32_MAX), 1u);
}

}  // namespace
}  // namespace weft::run
