#include "engine/wire/keys.hh"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "engine/base/limits.hh"
#include "engine/wire/packet.hh"
#include "tests/unit/wire/hex.hh"

namespace weft::wire {
namespace {

std::string key_hex(base::Bytes secret, const KeyedPath& path, unsigned core, Direction direction,
                    std::uint32_t epoch) {
  const auto key = derive_packet_key(secret, path, static_cast<base::CoreId>(core), direction, epoch);
  if (!key) return "";
  return to_hex(key->key) + " " + to_hex(key->iv);
}

// Worked out with Python's cryptography (HKDFExpand).
TEST(Keys, KnownAnswers) {
  const std::vector<std::byte> secret(kSessionSecretBytes, std::byte{0xA5});
  EXPECT_EQ(key_hex(secret, {}, 0, Direction::kLowToHigh, 0),
            "281863e1fac9958471bda39faf9efd7e 24c8769e424fbb60c23a8e1f");
  EXPECT_EQ(key_hex(secret, {base::PathId{63}, 0xFFFFFFFF, 1}, 15, Direction::kHighToLow, 0xFFFFFFFF),
            "26e601c76d8895ec8977ed97c5246198 a7dda833380e0244beba7960");
}

TEST(Keys, NoTwoOfPathPortsCoreDirectionEpochAndSecretShareAKey) {
  std::vector<std::byte> secrets[2] = {std::vector<std::byte>(kSessionSecretBytes),
                                       std::vector<std::byte>(kSessionSecretBytes)};
  secrets[1].back() = std::byte{1};
  std::set<std::string> keys, ivs;
  std::size_t count = 0;
  for (const auto& secret : secrets)
    for (unsigned path = 0; path < base::kPathsMax; path += 3)
      for (unsigned core = 0; core < base::kCoresMax; core += 5)
        for (const auto direction : {Direction::kLowToHigh, Direction::kHighToLow})
          for (const std::uint32_t epoch : {0u, 1u, 2u, 256u, 0x01000000u})
            for (const auto& [low, high] : {std::pair{0u, 0u}, {0u, 1u}, {1u, 0u}, {0u, 256u}}) {
              const std::string both =
                  key_hex(secret, {static_cast<base::PathId>(path), low, high}, core, direction, epoch);
              ASSERT_EQ(both.size(), 32u + 1 + 24);
              keys.insert(both.substr(0, 32));
              ivs.insert(both.substr(33));
              ++count;
            }
  EXPECT_EQ(count, 2u * 22 * 4 * 2 * 5 * 4);
  EXPECT_EQ(keys.size(), count);
  EXPECT_EQ(ivs.size(), count);
}

TEST(Keys, ASecretOfAnotherLengthIsRefused) {
  for (const std::size_t bytes : {0u, 31u, 33u, 64u}) {
    const std::vector<std::byte> secret(bytes);
    const auto key = derive_packet_key(secret, {}, {}, Direction::kLowToHigh, 0);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, base::Errc::kInvalidArgument);
  }
}

TEST(Keys, BothEndsAgreeOnTheDirections) {
  base::DeviceId low{}, high{};
  low[0] = std::byte{0x7F};
  low[31] = std::byte{0xFF};
  high[0] = std::byte{0x80};   // larger as unsigned, smaller as signed
  EXPECT_EQ(send_direction(low, high), Direction::kLowToHigh);
  EXPECT_EQ(send_direction(high, low), Direction::kHighToLow);
  EXPECT_EQ(opposite(send_direction(low, high)), send_direction(high, low));
  EXPECT_EQ(opposite(send_direction(high, low)), send_direction(low, high));
}

TEST(Keys, EpochBitsNameOneOfThreeEpochsOrNone) {
  for (const std::uint32_t current :
       {0u, 1u, 127u, 128u, 254u, 255u, 256u, 257u, 0xFFFFFFFEu, 0xFFFFFFFFu})
    for (unsigned bits = 0; bits < 256; ++bits) {
      std::optional<std::uint32_t> expected;
      for (const std::uint64_t epoch : {std::uint64_t{current}, std::uint64_t{current} + 1,
                                        std::uint64_t{current} - 1})
        if (epoch <= UINT32_MAX && (epoch & 0xFF) == bits)
          expected = static_cast<std::uint32_t>(epoch);
      EXPECT_EQ(expand_epoch(current, static_cast<std::uint8_t>(bits)), expected)
          << current << " " << bits;
    }
}

TEST(Keys, AnEpochEndsBeforeTheLimitOfTheCipher) {
  const std::uint64_t blocks_per_packet = (kPacketBytesMax + 15) / 16;
  EXPECT_LE(kPacketsPerEpochMax * blocks_per_packet, std::uint64_t{1} << 35);
  EXPECT_LT(kPacketsPerEpochSoft, kPacketsPerEpochMax);
}

}  // namespace
}  // namespace weft::wire
