#include "bep/net/random_port.hh"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "bep/net/remembered_ports.hh"
#include "support.hh"

namespace weft::net {
namespace {

TEST(PortChoice, EveryPortOfTheRangeOnceThenAgain) {
  for (const std::uint64_t seed : {1u, 2u, 3u})
    for (const std::uint32_t size : {1u, 2u, 7u, 64u, 1000u}) {
      const PortRange range{.first = 40'000, .last = static_cast<std::uint16_t>(40'000 + size - 1)};
      PortChoice choice(range, 0, seed);
      for (int round = 0; round < 2; ++round) {
        std::set<std::uint16_t> seen;
        while (const auto port = choice.next()) {
          EXPECT_TRUE(range.contains(*port));
          EXPECT_TRUE(seen.insert(*port).second) << *port;
        }
        EXPECT_EQ(seen.size(), size);
      }
    }
}

TEST(PortChoice, TheWholeRangeIsWithinBounds) {
  PortChoice choice({.first = 1, .last = 65535}, 0, 9);
  std::uint32_t ports = 0;
  while (const auto port = choice.next()) {
    ASSERT_NE(*port, 0);
    ++ports;
  }
  EXPECT_EQ(ports, 65535u);
}

TEST(PortChoice, TheRememberedPortComesFirstIfItIsInTheRange) {
  PortChoice choice({.first = 100, .last = 103}, 102, 1);
  EXPECT_EQ(choice.next(), 102);
  std::set<std::uint16_t> rest;
  while (const auto port = choice.next()) rest.insert(*port);
  EXPECT_EQ(rest, (std::set<std::uint16_t>{100, 101, 103}));
  PortChoice moved({.first = 100, .last = 100}, 99, 1);
  EXPECT_EQ(moved.next(), 100);
}

TEST(PortChoice, TwoSeedsTryTwoOrders) {
  PortChoice one({}, 0, 1), two({}, 0, 2);
  EXPECT_NE(one.next(), two.next());
}

TEST(RememberedPorts, AreThereNextTime) {
  const test::TempDir home;
  const auto file = home.path() / RememberedPorts::kFile;
  {
    RememberedPorts ports(file);
    EXPECT_EQ(ports.of("tcp://0.0.0.0:22000"), 0);
    ports.remember("tcp://0.0.0.0:22000", 40'001);
    ports.remember("tcp://[::1]:1", 40'002);
    ports.remember("tcp://[::1]:1", 40'003);
  }
  const RememberedPorts again(file);
  EXPECT_EQ(again.of("tcp://0.0.0.0:22000"), 40'001);
  EXPECT_EQ(again.of("tcp://[::1]:1"), 40'003);
}

TEST(RememberedPorts, WhatCannotBeReadIsForgotten) {
  const test::TempDir home;
  const auto file = home.path() / RememberedPorts::kFile;
  std::ofstream(file) << "no number x\n\n 7\ntcp://a:1 0\ntcp://b:1 70000\ntcp://c:1 12 \ntcp://d:1 4000\ntcp://e:1 5";
  const RememberedPorts ports(file);
  for (const char* name : {"no number", "", "tcp://a:1", "tcp://b:1", "tcp://c:1"}) EXPECT_EQ(ports.of(name), 0) << name;
  EXPECT_EQ(ports.of("tcp://d:1"), 4000);
  EXPECT_EQ(ports.of("tcp://e:1"), 5);
}

TEST(RememberedPorts, WithoutAFileNothingIsKept) {
  RememberedPorts ports{std::filesystem::path()};
  ports.remember("tcp://a:1", 4000);
  EXPECT_EQ(ports.of("tcp://a:1"), 0);
}

}  // namespace
}  // namespace weft::net
