#include "bep/net/address.hh"

#include <gtest/gtest.h>

namespace weft::net {
namespace {

using base::Errc;

struct Good {
  const char* text;
  AddressUse use;
  Address want;
  const char* canonical;
};

TEST(Address, AcceptsAndPrints) {
  const Good table[] = {
      {"tcp://10.0.0.1:22001", AddressUse::kDial, {.family = IpFamily::kAny, .host = "10.0.0.1", .port = 22001},
       "tcp://10.0.0.1:22001"},
      {"tcp://host.example", AddressUse::kDial, {.host = "host.example"}, "tcp://host.example:22000"},
      {"tcp4://host:1/", AddressUse::kDial, {.family = IpFamily::kV4, .host = "host", .port = 1}, "tcp4://host:1"},
      {"tcp6://[::1]:9", AddressUse::kDial, {.family = IpFamily::kV6, .host = "::1", .port = 9}, "tcp6://[::1]:9"},
      {"tcp://[fe80::1%25eth0]:9", AddressUse::kDial, {.host = "fe80::1%eth0", .port = 9},
       "tcp://[fe80::1%25eth0]:9"},
      {"tcp://[fe80::1%eth0]", AddressUse::kDial, {.host = "fe80::1%eth0"}, "tcp://[fe80::1%25eth0]:22000"},
      {"dynamic", AddressUse::kDial, {.kind = Address::Kind::kDynamic, .host = ""}, "dynamic"},
      {"default", AddressUse::kListen, {.kind = Address::Kind::kDefault, .host = ""}, "default"},
      {"tcp://:22000", AddressUse::kListen, {.host = ""}, "tcp://:22000"},
      {"tcp://127.0.0.1:0", AddressUse::kListen, {.host = "127.0.0.1", .port = 0}, "tcp://127.0.0.1:0"}};
  for (const Good& good : table) {
    const auto parsed = parse_address(good.text, good.use);
    ASSERT_TRUE(parsed) << good.text << ": " << parsed.error().text;
    EXPECT_EQ(*parsed, good.want) << good.text;
    EXPECT_EQ(to_text(*parsed), good.canonical);
    const auto again = parse_address(to_text(*parsed), good.use);
    ASSERT_TRUE(again) << good.canonical;
    EXPECT_EQ(*again, *parsed);
  }
}

TEST(Address, KnownButNotSpokenIsUnsupported) {
  for (const char* text : {"quic://host:22000", "quic4://h", "quic6://[::1]", "relay://host:22067/?id=X",
                           "dynamic+https://relays.example/endpoint"}) {
    const auto parsed = parse_address(text, AddressUse::kListen);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::kUnsupported) << text;
  }
}

TEST(Address, RefusesTheRest) {
  for (const char* text :
       {"", "host:22000", "udp://host", "tcp://", "tcp://:22000", "tcp://host:0", "tcp://host:", "tcp://host:65536",
        "tcp://host:-1", "tcp://host:1x", "tcp://::1:22000", "tcp://[::1", "tcp://[]:1", "tcp://[::1]x", "tcp://[::1]:",
        "tcp://[10.0.0.1]:1", "tcp://[fe80::1%]:1", "tcp4://[::1]:1", "tcp://ho st", "tcp://host:1/path",
        "tcp://user@host", "tcp://host?x", "default", "tcp://h\n"}) {
    const auto parsed = parse_address(text, AddressUse::kDial);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::kInvalidArgument) << text;
  }
  EXPECT_FALSE(parse_address("dynamic", AddressUse::kListen));
  EXPECT_FALSE(parse_address("tcp://" + std::string(300, 'a'), AddressUse::kDial));
}

}  // namespace
}  // namespace weft::net
