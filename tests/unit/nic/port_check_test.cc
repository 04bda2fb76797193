#include "engine/nic/port_check.hh"

#include <gtest/gtest.h>

#include <optional>

#include "engine/nic/address.hh"

namespace weft::nic {
namespace {

using base::Errc;

PortConfig good() {
  PortConfig config;
  config.name = "a";
  config.device = "net_memif0";
  config.v4 = PortAddress{.ip = ipv4(10, 0, 0, 1), .prefix_bits = 24, .gateway = {}};
  config.udp_port = 22100;
  return config;
}

// The sentence of the refusal, empty when there is none.
std::string check(const PortConfig& config, std::uint32_t cores = 1) {
  std::string detail;
  const auto done = check_port(config, cores, detail);
  if (!done) {
    EXPECT_EQ(done.error().code, Errc::kInvalidConfig);
  }
  EXPECT_EQ(done.has_value(), detail.empty());
  return detail;
}

template <typename Change> std::string check_with(Change change, std::uint32_t cores = 1) {
  PortConfig config = good();
  change(config);
  return check(config, cores);
}

TEST(PortCheck, EveryCoreNeedsAUdpPortOfItsOwn) {
  const auto at = [](std::uint16_t first, std::uint32_t cores) {
    return check_with([first](PortConfig& c) { c.udp_port = first; }, cores);
  };
  EXPECT_EQ(at(1, 1), "");
  EXPECT_EQ(at(65535, 1), "");
  EXPECT_EQ(at(65520, 16), "");
  EXPECT_EQ(at(65521, 16), "port 'a': UDP port 65521 leaves no room for one per core");
  EXPECT_EQ(at(65535, 2), "port 'a': UDP port 65535 leaves no room for one per core");
  EXPECT_EQ(at(0, 1), "port 'a': UDP port 0 leaves no room for one per core");
}

TEST(PortCheck, MtuAndVlanHaveTheirRanges) {
  const auto mtu = [](std::uint16_t value) { return check_with([value](PortConfig& c) { c.mtu = value; }); };
  EXPECT_EQ(mtu(1280), "");
  EXPECT_EQ(mtu(9216), "");
  EXPECT_EQ(mtu(1279), "port 'a': MTU 1279 is not between 1280 and 9216");
  EXPECT_EQ(mtu(9217), "port 'a': MTU 9217 is not between 1280 and 9216");
  const auto vlan = [](std::uint16_t value) { return check_with([value](PortConfig& c) { c.vlan = value; }); };
  EXPECT_EQ(vlan(4094), "");
  EXPECT_EQ(vlan(4095), "port 'a': VLAN 4095 is not between 1 and 4094");
}

TEST(PortCheck, AddressesAreThoseOfHostsAndGatewaysAreOnTheirWire) {
  EXPECT_EQ(check(good()), "");
  EXPECT_EQ(check_with([](PortConfig& c) { c.device.clear(); }), "port 'a': no device is given");
  EXPECT_EQ(check_with([](PortConfig& c) { c.v4.reset(); }), "port 'a': no IP address is given");
  EXPECT_EQ(check_with([](PortConfig& c) { c.v4->ip = ipv4(224, 0, 0, 1); }),
            "port 'a': 224.0.0.1 is no address a host can have");
  EXPECT_EQ(check_with([](PortConfig& c) { c.v4->prefix_bits = 33; }),
            "port 'a': 10.0.0.1/33 has no usable prefix length");
  EXPECT_EQ(check_with([](PortConfig& c) { c.v6 = c.v4; }),
            "port 'a': 10.0.0.1 stands in the place of the other family");
  EXPECT_EQ(check_with([](PortConfig& c) { c.v4->gateway = ipv4(10, 0, 1, 1); }),
            "port 'a': gateway 10.0.1.1 is not on the wire of 10.0.0.1");
  EXPECT_EQ(check_with([](PortConfig& c) { c.v4->gateway = c.v4->ip; }), "port 'a': gateway 10.0.0.1 is the port itself");
}

TEST(PortCheck, TheDeviceHasRoomForEveryCoreAndPacket) {
  std::string detail;
  DeviceRoom room{.queues = 4, .mtu_max = 0, .interface = {}, .interface_mtu = 0};
  const auto code = [&](std::uint32_t cores) -> std::optional<Errc> {
    detail.clear();
    const auto done = check_room(room, good(), cores, detail);
    return done ? std::nullopt : std::optional(done.error().code);
  };
  EXPECT_EQ(code(4), std::nullopt);
  room.queues = 3;
  EXPECT_EQ(code(4), Errc::kLimit);
  EXPECT_EQ(detail, "port 'a': device offers 3 queue pairs for 4 data cores; use fewer data cores or another device");
  room.mtu_max = 1500;
  EXPECT_EQ(code(1), std::nullopt);
  room.mtu_max = 1499;
  EXPECT_EQ(code(1), Errc::kInvalidConfig);
  EXPECT_EQ(detail, "port 'a': MTU 1500 is above the device's 1499");
  room = {.queues = 1, .mtu_max = 0, .interface = "eth0", .interface_mtu = 1400};
  EXPECT_EQ(code(1), Errc::kInvalidConfig);
  EXPECT_EQ(detail, "port 'a': MTU 1500 is above that of interface eth0; run: ip link set eth0 mtu 1500");
}

}  // namespace
}  // namespace weft::nic
