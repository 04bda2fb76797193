#include "engine/nic/address.hh"

#include <gtest/gtest.h>

namespace weft::nic {
namespace {

TEST(Address, TextRoundTrip) {
  for (const char* text : {"10.0.0.1", "255.255.255.255", "::", "fd00:1::2", "2001:db8::ff00:42:8329"}) {
    const auto ip = parse_ip(text);
    ASSERT_TRUE(ip) << text;
    EXPECT_EQ(to_text(*ip), text);
  }
  EXPECT_EQ(parse_ip("10.0.0.1").value(), ipv4(10, 0, 0, 1));
  EXPECT_EQ(to_text(base::Mac{0, 0x1a, 0xff, 3, 4, 5}), "00:1a:ff:03:04:05");
}

TEST(Address, RefusesWhatIsNoAddress) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv, "10.0.0"sv, "10.0.0.256"sv, "fd00:::1"sv, "host"sv, "10.0.0.1\0x"sv, " 10.0.0.1"sv})
    EXPECT_FALSE(parse_ip(text)) << text;
  for (const std::string_view text : {"10.0.0.1"sv, "10.0.0.1/33"sv, "10.0.0.1/"sv, "10.0.0.1/-1"sv, "10.0.0.1/8x"sv,
                                      "fd00::1/129"sv, "/24"sv})
    EXPECT_FALSE(parse_prefix(text)) << text;
}

TEST(Address, Prefix) {
  const auto prefix = parse_prefix("10.1.2.3/20");
  ASSERT_TRUE(prefix);
  EXPECT_EQ(prefix->prefix_bits, 20);
  EXPECT_TRUE(same_prefix(prefix->ip, ipv4(10, 1, 15, 255), 20));
  EXPECT_FALSE(same_prefix(prefix->ip, ipv4(10, 1, 16, 0), 20));
  EXPECT_TRUE(same_prefix(prefix->ip, ipv4(99, 0, 0, 1), 0));
  EXPECT_FALSE(same_prefix(prefix->ip, parse_ip("fd00::1").value(), 0));
  EXPECT_TRUE(same_prefix(parse_ip("fd00::1").value(), parse_ip("fd00::1").value(), 128));
  EXPECT_FALSE(same_prefix(parse_ip("fd00::1").value(), parse_ip("fd00::2").value(), 127));
}

TEST(Address, HostAddresses) {
  for (const char* text : {"10.0.0.1", "192.168.1.255", "fd00::1", "fe80::1", "::2"})
    EXPECT_TRUE(is_host_address(parse_ip(text).value())) << text;
  for (const char* text : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"})
    EXPECT_FALSE(is_host_address(parse_ip(text).value())) << text;
}

TEST(Address, MulticastAsRfc2464And4291Say) {
  const base::IpAddress group = solicited_node(parse_ip("2001:db8::2:aabb:ccdd").value());
  EXPECT_EQ(to_text(group), "ff02::1:ffbb:ccdd");
  EXPECT_EQ(to_text(multicast_mac(group)), "33:33:ff:bb:cc:dd");
}

}  // namespace
}  // namespace weft::nic
