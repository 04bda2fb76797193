#include "engine/wire/challenges.hh"

#include <gtest/gtest.h>

#include <set>

#include "engine/wire/sha256.hh"
#include "tests/unit/wire/hex.hh"

namespace weft::wire {
namespace {

TEST(Challenges, AreTheHashOfSeedAndCounter) {
  Challenges challenges(0x0123456789ABCDEF);
  for (const char* input : {"0123456789abcdef0000000000000000", "0123456789abcdef0000000000000001",
                            "0123456789abcdef0000000000000002"}) {
    const base::Sha256 hash = sha256(from_hex(input));
    EXPECT_EQ(challenges.next(), base::load_be<std::uint64_t>(hash.data()));
  }
  // Worked out with Python's hashlib: the first does not move with our own SHA-256.
  EXPECT_EQ(Challenges(0).next(), 0x374708fff7719dd5u);
}

TEST(Challenges, DoNotRepeatAndTwoSeedsPartWays) {
  std::set<std::uint64_t> seen;
  Challenges one(1), other(2), again(1);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t challenge = one.next();
    EXPECT_EQ(challenge, again.next());
    EXPECT_TRUE(seen.insert(challenge).second);
    EXPECT_TRUE(seen.insert(other.next()).second);
  }
}

}  // namespace
}  // namespace weft::wire
