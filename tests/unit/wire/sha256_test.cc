// Vectors of FIPS 180-4 (NIST's SHA256 examples), and pieces against the whole.
#include "engine/wire/sha256_pair.hh"

#include <gtest/gtest.h>

#include <algorithm>

#include <string>
#include <vector>

#include "engine/base/prng.hh"
#include "tests/unit/wire/hex.hh"

namespace weft::wire {
namespace {

std::string hash_of(std::string_view text) {
  return to_hex(sha256(std::as_bytes(std::span(text))));
}

TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(hash_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_of(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesOfAnySizeGiveTheHashOfTheWhole) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    base::Prng prng(seed);
    std::vector<std::byte> bytes(prng.below(5'000));
    for (std::byte& b : bytes) b = static_cast<std::byte>(prng.next());
    Sha256Stream stream;
    stream.update(base::Bytes(bytes).first(bytes.size() / 2));
    stream.start();   // forgets the half above
    base::Bytes rest(bytes);
    while (!rest.empty()) {
      const std::size_t taken = std::min<std::size_t>(rest.size(), prng.below(200));
      stream.update(rest.first(taken));
      rest = rest.subspan(taken);
    }
    Sha256Stream copy = stream;
    ASSERT_EQ(stream.finish(), sha256(bytes)) << "seed " << seed;
    ASSERT_EQ(copy.finish(), sha256(bytes)) << "seed " << seed;
    stream.start();
    ASSERT_EQ(stream.finish(), sha256({}));
  }
}

// Streams of any lengths, advanced together in pieces of any sizes, on and off the boundaries of blocks.
TEST(Sha256, APairGivesTheHashesOfBoth) {
  const Sha256Pair pair;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    base::Prng prng(seed);
    const bool whole_blocks = prng.below(2) == 0;
    std::array<std::vector<std::byte>, 2> bytes;
    for (auto& of_one : bytes) {
      of_one.resize(prng.below(20'000));
      for (std::byte& b : of_one) b = static_cast<std::byte>(prng.next());
    }
    std::array<Sha256Stream, 2> streams;
    std::array<base::Bytes, 2> rest{bytes[0], bytes[1]};
    while (!rest[0].empty() || !rest[1].empty()) {
      std::array<base::Bytes, 2> piece;
      for (std::size_t i = 0; i < 2; ++i) {
        const std::size_t wish = whole_blocks ? 64 * prng.below(40) : prng.below(2'000);
        piece[i] = rest[i].first(std::min(rest[i].size(), wish));
        rest[i] = rest[i].subspan(piece[i].size());
      }
      pair.update(streams[0], piece[0], streams[1], piece[1]);
    }
    for (std::size_t i = 0; i < 2; ++i) ASSERT_EQ(streams[i].finish(), sha256(bytes[i])) << "seed " << seed;
  }
}

// The count of bits passes 2^32 at 512 MiB.
TEST(Sha256, APairCountsBeyondFourGigabits) {
  const Sha256Pair pair;
  const std::vector<std::byte> piece(1 << 20, std::byte{0x5a});
  Sha256Stream a, b, alone;
  for (int i = 0; i < 513; ++i) {
    pair.update(a, piece, b, piece);
    alone.update(piece);
  }
  const base::Sha256 hash = alone.finish();
  EXPECT_EQ(a.finish(), hash);
  EXPECT_EQ(b.finish(), hash);
}

}  // namespace
}  // namespace weft::wire
