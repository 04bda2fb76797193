// The exception path: which frames are the host's, and how they get there and back. The TAP interface is played by a
// socket pair, which keeps frames apart as it does.
#include "engine/nic/host_path.hh"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "engine/nic/arp.hh"
#include "engine/nic/checksum.hh"
#include "engine/nic/host_frame.hh"
#include "engine/nic/icmp.hh"
#include "engine/nic/nd.hh"
#include "engine/nic/tap_interface.hh"
#include "engine/nic/udp_port.hh"
#include "tests/unit/nic/wire.hh"

namespace weft::nic {
namespace {

using namespace test;

constexpr base::Mac kCarolMac{2, 0, 0, 0, 0, 3};

FrameBytes to_mac(FrameBytes frame, const base::Mac& dst) {
  write_mac(frame.data(), dst);
  return frame;
}
// Bob's datagram to Alice, made into another protocol's packet.
FrameBytes ip_packet(std::uint8_t protocol) {
  FrameBytes frame = datagram(bob_to_alice(false), "a segment of that protocol");
  const auto bytes = static_cast<std::uint16_t>(frame.size() - kEthernetBytes - kIpv4Bytes);
  write_ip_header(frame.data() + kEthernetBytes, {kBob4, kAlice4, protocol, kHopLimit, bytes}, true);
  return frame;
}
FrameBytes echo(std::uint8_t type) {
  FrameBytes frame = ip_packet(kProtocolIcmp);
  std::byte* const icmp = frame.data() + kEthernetBytes + kIpv4Bytes;
  const std::size_t bytes = frame.size() - kEthernetBytes - kIpv4Bytes;
  icmp[0] = std::byte{type};
  icmp[1] = icmp[2] = icmp[3] = std::byte{0};
  const std::uint16_t sum = checksum_finish(checksum_add(0, {icmp, bytes}));
  std::memcpy(icmp + 2, &sum, sizeof sum);
  return frame;
}
FrameBytes udp_to(std::uint16_t port) {
  Flow flow = bob_to_alice(false);
  flow.dst_udp = port;
  return datagram(flow, "to another program");
}
FrameBytes arp(bool request, const base::IpAddress& target, const base::Mac& dst) {
  FrameBytes frame(kArpFrameBytes);
  write_arp(frame, {request, kBobMac, request ? base::Mac{} : kAliceMac, kBob4, target}, dst);
  return frame;
}

TEST(HostFrame, WhatIsNotOursIsTheHostsUnlessItIsForAnotherStation) {
  struct Case {
    const char* what;
    FrameBytes frame;
    bool for_host;
  };
  FrameBytes other_type = udp_to(7000), broken = udp_to(7000), fragment = ip_packet(6), own = ip_packet(6);
  base::store_be(other_type.data() + 12, std::uint16_t{0x88CC});   // LLDP
  broken[kEthernetBytes + 10] ^= std::byte{1};
  base::store_be(fragment.data() + kEthernetBytes + 6, std::uint16_t{0x2000});
  base::store_be(fragment.data() + kEthernetBytes + 10, std::uint16_t{0});
  const std::uint16_t sum = checksum_finish(checksum_add(0, base::Bytes(fragment).subspan(kEthernetBytes, kIpv4Bytes)));
  std::memcpy(fragment.data() + kEthernetBytes + 10, &sum, sizeof sum);
  write_mac(own.data() + 6, kAliceMac);
  const Case cases[] = {
      {"TCP", ip_packet(6), true},
      {"another UDP port", udp_to(22), true},
      {"a fragment", fragment, true},
      {"an echo reply", echo(kIcmpEchoReply), true},
      {"another protocol of Ethernet", other_type, true},
      {"the same to a group", to_mac(other_type, {1, 0x80, 0xC2, 0, 0, 0x0E}), true},
      {"a broadcast", to_mac(udp_to(67), kBroadcastMac), true},
      {"a multicast", to_mac(udp_to(5353), {1, 0, 0x5E, 0, 0, 0xFB}), true},
      {"TCP to another station", to_mac(ip_packet(6), kCarolMac), false},
      {"a damaged header", broken, false},
      {"our own frame come back", own, false},
  };
  for (const Case& c : cases) {
    const Frame seen = classify(c.frame, alice(), {});
    ASSERT_EQ(seen.kind, Frame::Kind::kDrop) << c.what;
    EXPECT_EQ(is_for_host(c.frame, seen, alice()), c.for_host) << c.what << ": " << name_of(seen.drop);
  }
}

// Alice's port with an exception path; the test holds the kernel's end of it.
struct Host : testing::Test {
  Pool pool;
  Wire wire;
  share::Neighbours neighbours;
  share::Snapshot<PortOrders> orders;
  share::Snapshot<UdpPortStats> report;
  base::UniqueFd kernel;
  std::unique_ptr<HostPath> path;
  std::unique_ptr<UdpPort> udp;

  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    kernel = base::UniqueFd(ends[0]);
    path = std::make_unique<HostPath>(base::UniqueFd(ends[1]), 1, *pool.get());
    UdpPort::Setup setup;
    setup.port = &wire;
    setup.pool = pool.get();
    setup.neighbours = &neighbours;
    setup.orders = &orders;
    setup.report = &report;
    setup.local = alice();
    setup.host = path.get();
    udp = std::make_unique<UdpPort>(setup);
  }
  // One turn of the core; datagrams that were handed up.
  std::uint32_t turn() {
    RxDatagram got[kBurst];
    const std::uint32_t count = udp->rx(got, at_);
    udp->release({got, count});
    return count;
  }
  void receive(const FrameBytes& frame) {
    wire.in.push_back(pool.frame(frame));
    handed_up += turn();
  }
  // What the kernel gets next; empty when nothing comes for a while.
  FrameBytes kernel_gets(int wait_ms) {
    pollfd fd{kernel.get(), POLLIN, 0};
    if (::poll(&fd, 1, wait_ms) != 1) return {};
    FrameBytes bytes(2048);
    const auto count = ::read(kernel.get(), bytes.data(), bytes.size());
    bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return bytes;
  }
  [[nodiscard]] std::uint64_t drops(NicDrop reason) const { return udp->stats().drops[static_cast<std::size_t>(reason)]; }
  std::uint32_t handed_up = 0;

 private:
  const base::Instant at_{};
};

TEST_F(Host, GetsWhatIsNotOursAndNothingElse) {
  receive(udp_to(7000));
  receive(to_mac(ip_packet(6), kCarolMac));
  receive(echo(kIcmpEcho));
  receive(arp(true, kAlice4, kBroadcastMac));
  const FrameBytes segment = ip_packet(6);
  receive(segment);
  EXPECT_EQ(kernel_gets(20'000), segment);
  EXPECT_EQ(handed_up, 1u);
  EXPECT_EQ(udp->stats().answered, 2u);             // the echo and the ARP request: ours
  EXPECT_EQ(drops(NicDrop::kOtherMac), 1u);
  EXPECT_EQ(drops(NicDrop::kIpProtocol), 0u);
  EXPECT_TRUE(kernel_gets(0).empty());
}

TEST_F(Host, HearsTheAnswersOfArpThatWeLearnFrom) {
  const std::uint32_t slot = neighbours.add(kBob4).value();
  const FrameBytes reply = arp(false, kAlice4, kAliceMac);
  receive(reply);
  base::Mac learnt;
  ASSERT_TRUE(neighbours.get(slot, learnt));
  EXPECT_EQ(learnt, kBobMac);
  EXPECT_EQ(kernel_gets(20'000), reply);
  FrameBytes advert(kNdFrameBytes);
  write_advert(advert, kBobMac, kBob6, kAliceMac, kAlice6);
  const std::uint32_t slot6 = neighbours.add(kBob6).value();
  receive(advert);
  EXPECT_TRUE(neighbours.get(slot6, learnt));
  EXPECT_EQ(kernel_gets(20'000), advert);
  const FrameBytes about_another = arp(true, ipv4(10, 1, 0, 77), kBroadcastMac);
  receive(about_another);
  EXPECT_EQ(kernel_gets(20'000), about_another);
}

TEST_F(Host, SendsAsItIsThroughOurPort) {
  const FrameBytes out = ip_packet(6);
  ASSERT_EQ(::write(kernel.get(), out.data(), out.size()), static_cast<ssize_t>(out.size()));
  ASSERT_TRUE(eventually([&] { return turn() == 0 && !wire.out.empty(); }));
  EXPECT_EQ(bytes_of(wire.out.front()), out);
  // With the link down it is dropped, as on any card.
  PortOrders down;
  down.link_up = false;
  ASSERT_TRUE(orders.try_publish(down));
  (void)turn();
  ASSERT_EQ(::write(kernel.get(), out.data(), out.size()), static_cast<ssize_t>(out.size()));
  ASSERT_TRUE(eventually([&] { return turn() == 0 && drops(NicDrop::kHostFull) == 1; }));
  ASSERT_TRUE(eventually([&] { return path->stats().from_host == 2; }));
}

TEST_F(Host, MoreThanThereIsRoomForIsDroppedAndCounted) {
  // More frames than rings, buffers and the wire hold: none may be lost uncounted, and the port goes on.
  const FrameBytes out = ip_packet(6);
  constexpr std::uint64_t kFrames = 4000;
  std::uint64_t written = 0;
  for (std::uint64_t i = 0; i < kFrames; ++i)
    if (eventually([&] { return ::write(kernel.get(), out.data(), out.size()) > 0; })) ++written;
  ASSERT_EQ(written, kFrames);
  ASSERT_TRUE(eventually([&] { return path->stats().from_host + path->stats().from_host_dropped == kFrames; }));
  EXPECT_EQ(path->stats().from_host, HostPath::kRingFrames);
  while (wire.out.size() < HostPath::kRingFrames) ASSERT_EQ(turn(), 0u);
  receive(udp_to(7000));
  EXPECT_EQ(handed_up, 1u);
}

TEST(TapInterface, SaysWhatIsWrongWithItsName) {
  std::string detail;
  const auto refused = [&](const std::string& interface) {
    TapConfig config;
    config.interface = interface;
    detail.clear();
    const auto fd = open_tap(config, detail);
    EXPECT_NE(detail.find("'" + interface + "'"), std::string::npos) << detail;
    return !fd.has_value();
  };
  EXPECT_TRUE(refused("an-interface-of-16"));
  EXPECT_NE(detail.find("1 to 15 letters"), std::string::npos) << detail;
  EXPECT_TRUE(refused("lo"));   // of another kind; without the right to make one, or without TAPs at all, that is said
}

}  // namespace
}  // namespace weft::nic
