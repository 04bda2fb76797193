#include "engine/wire/replay_window.hh"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "engine/base/prng.hh"
#include "engine/wire/packet.hh"

namespace weft::wire {
namespace {

TEST(ReplayWindow, HasExactEdges) {
  std::vector<std::uint64_t> words(kReplayWindowWords, ~std::uint64_t{0});   // old content
  ReplayWindow window(words);
  EXPECT_EQ(window.size(), kReplayWindowPackets);
  EXPECT_EQ(window.next(), 0u);
  EXPECT_TRUE(window.would_accept(0));
  window.accept(100'000);
  EXPECT_EQ(window.next(), 100'001u);
  EXPECT_FALSE(window.would_accept(100'000));
  EXPECT_TRUE(window.would_accept(100'001));
  const std::uint64_t oldest = 100'001 - kReplayWindowPackets;
  EXPECT_TRUE(window.would_accept(oldest));
  EXPECT_FALSE(window.would_accept(oldest - 1));
  window.accept(oldest);
  EXPECT_FALSE(window.would_accept(oldest));
  // The next number takes the place of `oldest` in the ring, and the one after stays open.
  window.accept(100'001);
  EXPECT_FALSE(window.would_accept(oldest));
  EXPECT_TRUE(window.would_accept(oldest + 1));
}

TEST(ReplayWindow, TakesTheFirstNumbersInAnyOrder) {
  std::vector<std::uint64_t> words(1);
  ReplayWindow window(words);
  window.accept(5);
  window.accept(0);
  EXPECT_FALSE(window.would_accept(0));
  EXPECT_TRUE(window.would_accept(1));
}

TEST(ReplayWindow, RefusesNumbersThatNobodySends) {
  std::vector<std::uint64_t> words(2);
  ReplayWindow window(words);
  EXPECT_TRUE(window.would_accept(kPacketNumberMax));
  EXPECT_FALSE(window.would_accept(kPacketNumberMax + 1));
  EXPECT_FALSE(window.would_accept(UINT64_MAX));
  window.accept(kPacketNumberMax);
  EXPECT_EQ(window.next(), kPacketNumberMax + 1);
  EXPECT_FALSE(window.would_accept(kPacketNumberMax));
  EXPECT_FALSE(window.would_accept(kPacketNumberMax + 1));
  EXPECT_TRUE(window.would_accept(kPacketNumberMax - 127));
  EXPECT_FALSE(window.would_accept(kPacketNumberMax - 128));
}

struct Shape {
  std::uint64_t seed;
  std::size_t words;
};
class ReplayWindowModel : public testing::TestWithParam<Shape> {};

TEST_P(ReplayWindowModel, AgreesWithASetOfAllNumbers) {
  base::Prng prng(GetParam().seed);
  std::vector<std::uint64_t> words(GetParam().words);
  ReplayWindow window(words);
  const std::uint64_t size = words.size() * 64;
  std::set<std::uint64_t> seen;
  std::uint64_t next = 0;
  const auto model_accepts = [&](std::uint64_t n) {
    return n >= next || (next - n <= size && !seen.contains(n));
  };
  for (int step = 0; step < 20'000; ++step) {
    std::uint64_t number = next;
    switch (prng.below(8)) {
      case 0: number = next + prng.below(static_cast<std::uint32_t>(3 * size)); break;   // a jump
      case 1: number = next + 60 + prng.below(10); break;       // about a word
      case 2: case 3: case 4: {                                 // back, sometimes out of the window
        const std::uint64_t back = prng.below(static_cast<std::uint32_t>(size + 20));
        number = back > next ? 0 : next - back;
        break;
      }
      case 5: number = next + size - 1 + prng.below(3); break;  // just about the whole window
      default: break;
    }
    ASSERT_EQ(window.would_accept(number), model_accepts(number)) << step << " " << number;
    if (!model_accepts(number) || prng.chance(5)) continue;   // one in five fails to authenticate
    window.accept(number);
    seen.insert(number);
    if (number >= next) next = number + 1;
    ASSERT_EQ(window.next(), next);
    while (!seen.empty() && next - *seen.begin() > size) seen.erase(seen.begin());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReplayWindowModel,
                         testing::Values(Shape{1, 1}, Shape{2, 1}, Shape{3, 2}, Shape{4, 4},
                                         Shape{5, 16}, Shape{6, 64}, Shape{7, 1024}));

}  // namespace
}  // namespace weft::wire
