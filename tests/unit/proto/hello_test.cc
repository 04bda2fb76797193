#include "bep/proto/hello.hh"

#include <gtest/gtest.h>

#include "bep/proto/pb.hh"
#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

using Outcome = HelloDecoded::Outcome;
using test::hex;

TEST(Hello, RoundTripsWithTheWeftField) {
  Hello hello;
  hello.device_name = "b\xC3\xBC" "ro";
  hello.client_version = "0.1.0";
  hello.num_connections = 1;
  hello.timestamp_ns = 1'700'000'000'000'000'000;
  hello.weft_version = kWeftVersion;
  const auto bytes = encode_hello(hello);
  const HelloDecoded decoded = decode_hello(bytes);
  ASSERT_EQ(decoded.outcome, Outcome::kDone);
  EXPECT_EQ(decoded.used, bytes.size());
  EXPECT_EQ(decoded.hello, hello);
  EXPECT_EQ(decoded.hello.client_name, "weft");
}

TEST(Hello, WaitsForEveryByteAndLeavesTheRest) {
  auto bytes = test::golden("hello_stock_1_19_2");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(decode_hello(base::Bytes(bytes).first(size)).outcome, Outcome::kNeedMore) << size;
  const std::size_t size = bytes.size();
  bytes.push_back(std::byte{0xFF});
  const HelloDecoded decoded = decode_hello(bytes);
  ASSERT_EQ(decoded.outcome, Outcome::kDone);
  EXPECT_EQ(decoded.used, size);
  EXPECT_EQ(decoded.hello.weft_version, 0u);
}

TEST(Hello, RefusesByReason) {
  struct Case { const char* bytes; Reason reason; };
  for (const Case& c : std::vector<Case>{
           {"9f79bc40", Reason::kHelloMagicOld},
           {"00010001", Reason::kHelloMagicOld},
           {"00010000", Reason::kHelloMagicOld},
           {"16030100", Reason::kHelloMagicUnknown},
           {"2ea7d90c", Reason::kHelloMagicUnknown},
           {"2ea7d90b 8000", Reason::kHelloTooLong},
           {"2ea7d90b ffff", Reason::kHelloTooLong},
           {"2ea7d90b 0002 0aff", Reason::kHelloBroken},           // length beyond the end
           {"2ea7d90b 0003 0a01ff", Reason::kHelloBroken},         // not UTF-8
           {"2ea7d90b 0005 c23e02 08ff", Reason::kHelloBroken}}) { // weft field does not decode
    const HelloDecoded decoded = decode_hello(hex(c.bytes));
    EXPECT_EQ(decoded.outcome, Outcome::kRefused) << c.bytes;
    EXPECT_EQ(name_of(decoded.reason), std::string(name_of(c.reason))) << c.bytes;
  }
}

TEST(Hello, IgnoresFieldsOfLaterVersions) {
  // Field 99 as text, field 7 as a number.
  const HelloDecoded decoded = decode_hello(hex("2ea7d90b 000a 0a0161 9a06026868 3805"));
  ASSERT_EQ(decoded.outcome, Outcome::kDone);
  EXPECT_EQ(decoded.hello.device_name, "a");
}

TEST(Hello, CutsLongNamesAtACharacter) {
  Hello hello;
  hello.device_name = std::string(1023, 'a') + "\xC3\xBC" + std::string(100'000, 'b');
  const HelloDecoded decoded = decode_hello(encode_hello(hello));
  ASSERT_EQ(decoded.outcome, Outcome::kDone);
  EXPECT_EQ(decoded.hello.device_name, std::string(1023, 'a'));
}

}  // namespace
}  // namespace weft::proto
