#include "bep/net/dial_order.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace weft::net {
namespace {

using base::milliseconds;
namespace ip = boost::asio::ip;

const std::vector<Network> kOwn{{ip::make_address("192.168.7.20"), 24},
                                {ip::make_address("10.0.0.1"), 8},
                                {ip::make_address("2001:db8:7::1"), 64}};

bool lan(const char* host) { return is_lan(Address{.host = host}, kOwn); }

TEST(DialOrder, WhatIsOnOneOfOurNetworksIsLan) {
  for (const char* host : {"127.0.0.1", "localhost", "::1", "169.254.3.4", "fe80::1%eth0", "192.168.7.1", "10.200.3.4",
                           "2001:db8:7::abcd", "::ffff:192.168.7.9"})
    EXPECT_TRUE(lan(host)) << host;
  for (const char* host : {"192.168.8.1", "11.0.0.1", "2001:db8:8::1", "8.8.8.8", "a.name", ""}) EXPECT_FALSE(lan(host)) << host;
}

TEST(DialOrder, OurOwnNetworksHoldLoopback) {
  const auto own = own_networks();
  EXPECT_TRUE(std::ranges::any_of(own, [](const Network& n) { return n.address.is_loopback() && n.prefix_bits >= 8; }));
}

TEST(DialOrder, LanThenWhatWorkedThenWhatIsQuickThenAsConfigured) {
  const DialRecord never{}, slow{.ok_unix_ms = 5, .failures = 0, .took = milliseconds(80)},
      quick{.ok_unix_ms = 1, .failures = 0, .took = milliseconds(2)},
      broken{.ok_unix_ms = 9, .failures = 3, .took = milliseconds(1)},
      twice{.ok_unix_ms = 9, .failures = 2, .took = milliseconds(1)};
  EXPECT_EQ(dial_order({{0, 30, quick}, {1, 10, never}}), (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(dial_order({{0, 30, never}, {1, 30, slow}, {2, 30, quick}}), (std::vector<std::size_t>{2, 1, 0}));
  EXPECT_EQ(dial_order({{0, 30, broken}, {1, 30, never}}), (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(dial_order({{0, 30, never}, {1, 30, twice}}), (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(dial_order({{0, 30, never}, {1, 30, never}, {2, 30, never}}), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_TRUE(dial_order({}).empty());
}

TEST(DialOrder, ARecordIsWrittenDownAndRead) {
  const DialRecord record{.ok_unix_ms = 1'790'000'000'000, .failures = 2, .took = base::microseconds(1234)};
  EXPECT_EQ(to_text(record), "1790000000000 2 1234");
  EXPECT_EQ(parse_dial_record(to_text(record)), record);
  EXPECT_EQ(parse_dial_record(to_text(DialRecord{})), DialRecord{});
  for (const char* bad : {"", "1", "1 2", "1 2 3 ", "1 2 3 4", "1 -2 3", "x 2 3", "1  2 3", "1 4294967296 3",
                          "1 2 9223372036854775807"})
    EXPECT_EQ(parse_dial_record(bad), DialRecord{}) << bad;
}

TEST(DialOrder, ARecordRemembersHowItWentLately) {
  DialRecord record;
  note_failure(record);
  note_failure(record);
  EXPECT_EQ(record.failures, 2u);
  note_success(record, milliseconds(40), 1000);
  EXPECT_EQ(record, (DialRecord{.ok_unix_ms = 1000, .failures = 0, .took = milliseconds(40)}));
  note_success(record, milliseconds(0), 2000);
  EXPECT_EQ(record.took, milliseconds(30));
}

}  // namespace
}  // namespace weft::net
