#include "bep/proto/block_size.hh"

#include <gtest/gtest.h>

#include <vector>

#include "bep/proto/sha256.hh"
#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

constexpr std::int64_t kKi = 1024, kMi = kKi * 1024, kGi = kMi * 1024;

TEST(BlockSize, FollowsTheTable) {
  struct Case { std::int64_t size; std::int64_t block_size; };
  for (const Case& c : std::vector<Case>{
           {0, 128 * kKi}, {1, 128 * kKi}, {kKi, 128 * kKi}, {kMi, 128 * kKi},
           {250 * kMi - 1, 128 * kKi}, {250 * kMi, 256 * kKi}, {500 * kMi - 1, 256 * kKi},
           {500 * kMi, 512 * kKi}, {kGi, kMi}, {16'777'216'000, 16 * kMi},
           {INT64_MAX, 16 * kMi}}) {
    EXPECT_EQ(block_size_for(c.size), c.block_size) << c.size;
  }
}

TEST(BlockSize, KeepsTheOldOneWithinAFactorOfTwo) {
  EXPECT_EQ(block_size_for(kMi, 256 << 10), 256 << 10);
  EXPECT_EQ(block_size_for(kMi, 512 << 10), 128 << 10);
  EXPECT_EQ(block_size_for(250 * kMi, 128 << 10), 128 << 10);
  EXPECT_EQ(block_size_for(kMi, 0), 128 << 10);
  EXPECT_EQ(block_size_for(kMi, 100'000), 128 << 10) << "not a power of two";
  EXPECT_EQ(block_size_for(kMi, -5), 128 << 10);
}

TEST(BlockLayout, CoversTheFileExactly) {
  const std::int32_t block_size = 128 << 10;
  for (const std::int64_t size : {std::int64_t{0}, std::int64_t{1}, std::int64_t{block_size} - 1,
                                  std::int64_t{block_size}, std::int64_t{block_size} + 1,
                                  std::int64_t{10} * block_size + 17}) {
    const BlockLayout layout{size, block_size};
    std::int64_t covered = 0;
    for (std::int64_t i = 0; i < layout.count(); ++i) {
      EXPECT_EQ(layout.offset_of(i), covered);
      covered += layout.size_of(i);
    }
    EXPECT_EQ(covered, size);
  }
  EXPECT_EQ((BlockLayout{0, block_size}.count()), 1) << "an empty file has one empty block";
}

TEST(ZeroBlock, HashesAreThoseOfZeros) {
  for (std::int32_t size = 128 << 10; size <= 16 << 20; size *= 2) {
    const std::vector<std::byte> zeros(static_cast<std::size_t>(size));
    ASSERT_TRUE(zero_block_hash(size).has_value());
    EXPECT_EQ(*zero_block_hash(size), sha256(zeros)) << size;
  }
  EXPECT_EQ(empty_block_hash(), sha256({}));
  EXPECT_FALSE(zero_block_hash(0).has_value());
  EXPECT_FALSE(zero_block_hash(1000).has_value());
  const auto known = test::hex("fa43239bcee7b97ca62f007cc68487560a39e19f74f3dde7486db3f98df8e471");
  EXPECT_TRUE(std::equal(known.begin(), known.end(), zero_block_hash(128 << 10)->begin()));
}

}  // namespace
}  // namespace weft::proto
