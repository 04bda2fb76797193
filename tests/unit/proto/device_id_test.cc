#include "bep/proto/device_id.hh"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

constexpr const char* kCanonical =
    "P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ2";

TEST(DeviceId, CheckCharacter) { EXPECT_EQ(luhn32("AB725E4GHIQPL3ZFGT"), 'G'); }

TEST(DeviceId, OneDeviceHasManySpellings) {
  const DeviceId id = parse_device_id(kCanonical).value();
  for (const char* spelling : {
           "P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ",
           "p56ioi7mzjnu2iqgdreydm2mgtmgl3bxnpq6w5btbbz4tjxzwicq",
           "P56IOI7-MZJNU2I-QGDREYD-M2MGTMG-L3BXNPQ-6W5BTBB-Z4TJXZW-ICQ",
           "p56ioi7 mzjnu2y iqgdrey dm2mgti mgl3bxn pq6w5bm tbbz4tj xzwicq2",
           "P561017MZJNU2YIQGDREYDM2MGTIMGL3BXNPQ6W5BMTBBZ4TJXZWICQ2",
           "P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ===="}) {
    const auto parsed = parse_device_id(spelling);
    ASSERT_TRUE(parsed.has_value()) << spelling;
    EXPECT_EQ(*parsed, id) << spelling;
  }
  EXPECT_EQ(to_text(id), kCanonical);
  EXPECT_EQ(short_id_text(short_id(id)), "P56IOI7");
}

TEST(DeviceId, RefusesWhatIsNone) {
  std::string mistyped(kCanonical);
  mistyped[0] = 'Q';
  for (const std::string& text : {std::string("a"), mistyped, std::string(kCanonical) + "A",
                                  std::string(52, '9'), std::string(56, '!'),
                                  std::string(51, 'A') + "B", std::string(100000, 'A')}) {
    const auto parsed = parse_device_id(text);
    EXPECT_FALSE(parsed.has_value()) << text.substr(0, 80);
  }
}

TEST(DeviceId, EmptyIsEmpty) {
  EXPECT_EQ(parse_device_id("").value(), kEmptyDeviceId);
  EXPECT_EQ(to_text(kEmptyDeviceId), "");
}

TEST(DeviceId, RandomRoundTrips) {
  base::Prng prng(7);
  for (int i = 0; i < 200; ++i) {
    const DeviceId id = test::random_hash(prng);
    const std::string text = to_text(id);
    ASSERT_EQ(text.size(), 63u);
    EXPECT_EQ(parse_device_id(text).value(), id) << text;
    EXPECT_EQ(text.substr(0, 7), short_id_text(short_id(id)));
  }
}

TEST(DeviceId, ShortIdIsBigEndian) {
  DeviceId id{};
  id[0] = std::byte{1};
  id[7] = std::byte{2};
  EXPECT_EQ(short_id(id), 0x0100000000000002u);
}

// The DER bytes of a PEM file's first certificate.
std::vector<std::byte> der_of(const std::string& pem) {
  const std::string begin = "-----BEGIN CERTIFICATE-----", end = "-----END CERTIFICATE-----";
  const std::size_t from = pem.find(begin) + begin.size();
  std::string base64;
  for (const char c : pem.substr(from, pem.find(end) - from))
    if (!std::isspace(static_cast<unsigned char>(c))) base64 += c;
  std::vector<std::byte> der(base64.size());
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(der.data()),
                                   reinterpret_cast<const unsigned char*>(base64.data()),
                                   static_cast<int>(base64.size()));
  const auto padding = base64.size() - base64.find_last_not_of('=') - 1;
  der.resize(static_cast<std::size_t>(size) - padding);
  return der;
}

TEST(DeviceId, IsTheOneSyncthingPrints) {
  if (std::system("command -v syncthing >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "no syncthing on this machine";
  char pattern[] = "/tmp/weft_device_id_XXXXXX";
  ASSERT_NE(mkdtemp(pattern), nullptr);
  const std::filesystem::path home(pattern);
  const std::string command =
      "syncthing generate --home " + home.string() + " >" + (home / "out").string() + " 2>&1";
  const int status = std::system(command.c_str());
  const auto slurp = [](const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  };
  const std::string printed = slurp(home / "out");
  const std::string pem = slurp(home / "cert.pem");
  std::filesystem::remove_all(home);
  ASSERT_EQ(status, 0) << printed;
  const std::string text = to_text(device_id_of_certificate(der_of(pem)));
  EXPECT_NE(printed.find(text), std::string::npos) << text << "\n" << printed;
}

}  // namespace
}  // namespace weft::proto
