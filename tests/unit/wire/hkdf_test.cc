#include "engine/wire/hkdf.hh"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>
#include <vector>

#include "engine/wire/keys.hh"
#include "tests/unit/wire/hex.hh"

namespace weft::wire {
namespace {

using Buffer = std::vector<std::byte>;

Buffer hmac_sha256(const Buffer& key, const Buffer& message) {
  Buffer out(32);
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(),
       reinterpret_cast<unsigned char*>(out.data()), nullptr);
  return out;
}

// first, first + 1 … last
std::string hex_range(unsigned first, unsigned last) {
  Buffer bytes;
  for (unsigned b = first; b <= last; ++b) bytes.push_back(static_cast<std::byte>(b));
  return to_hex(bytes);
}

struct Rfc5869Case {
  std::string secret, salt, info, key, out;
};

// Appendix A.1 to A.3. Extract is not ours; it is made here, so that the whole chain of the RFC is
// walked and the expand step starts from the RFC's own key.
TEST(Hkdf, TheTestCasesOfRfc5869) {
  const Rfc5869Case cases[] = {
      {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
       "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
       "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
      {hex_range(0x00, 0x4F), hex_range(0x60, 0xAF), hex_range(0xB0, 0xFF),
       "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
       "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e5"
       "90e09"
       "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
      {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
       "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
       "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"}};
  for (const Rfc5869Case& c : cases) {
    const Buffer salt = c.salt.empty() ? Buffer(32) : from_hex(c.salt);
    EXPECT_EQ(to_hex(hmac_sha256(salt, from_hex(c.secret))), c.key);
    Buffer out(c.out.size() / 2);
    ASSERT_TRUE(hkdf_expand(from_hex(c.key), from_hex(c.info), out));
    EXPECT_EQ(to_hex(out), c.out);
  }
}

TEST(Hkdf, MoreThanTheRfcAllowsIsRefused) {
  Buffer most(255 * 32), more(255 * 32 + 1);
  EXPECT_TRUE(hkdf_expand(Buffer(32), {}, most));
  EXPECT_FALSE(hkdf_expand(Buffer(32), {}, more));
}

// FORMAT.md §4 with HMAC alone: T(1) = HMAC(secret, info | 1) has 32 bytes, of which 28 are used.
TEST(Hkdf, APacketKeyIsTheFirstBlockOfTheExpansion) {
  Buffer secret(kSessionSecretBytes);
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::byte>(7 * i);
  for (const unsigned path : {0u, 9u, 63u}) {
    for (const unsigned core : {0u, 15u}) {
      for (const Direction direction : {Direction::kLowToHigh, Direction::kHighToLow}) {
        for (const std::uint32_t epoch : {0u, 1u, 0x01020304u, UINT32_MAX}) {
          Buffer message = from_hex("77656674206c616e652031");  // "weft lane 1"
          for (const unsigned part : {path, 0u, 0u, 0u, 4u, 0u, 0u, 5u, 0u, core, static_cast<unsigned>(direction),
                                      epoch >> 24, epoch >> 16 & 255, epoch >> 8 & 255, epoch & 255, 1u})
            message.push_back(static_cast<std::byte>(part));
          const auto key = derive_packet_key(secret, {static_cast<base::PathId>(path), 4, 5 << 8},
                                             static_cast<base::CoreId>(core), direction, epoch);
          ASSERT_TRUE(key);
          EXPECT_EQ(to_hex(key->key) + to_hex(key->iv),
                    to_hex(hmac_sha256(secret, message)).substr(0, 56));
        }
      }
    }
  }
}

}  // namespace
}  // namespace weft::wire
