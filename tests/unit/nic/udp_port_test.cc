// UdpPort against a wire in memory: what goes in, what comes out, who is asked and answered.
#include "engine/nic/udp_port.hh"

#include <gtest/gtest.h>

#include <memory>

#include "engine/nic/arp.hh"
#include "engine/nic/checksum.hh"
#include "engine/nic/icmp.hh"
#include "engine/nic/nd.hh"
#include "tests/unit/nic/wire.hh"

namespace weft::nic {
namespace {

using namespace test;

// One station: Alice or Bob of frames.hh, with one core.
struct Station {
  Pool pool;
  Wire wire;
  share::Neighbours neighbours;
  share::Snapshot<PortOrders> orders;
  share::Snapshot<UdpPortStats> report;
  std::unique_ptr<UdpPort> udp;

  explicit Station(const LocalView& local) {
    UdpPort::Setup setup;
    setup.port = &wire;
    setup.pool = pool.get();
    setup.neighbours = &neighbours;
    setup.orders = &orders;
    setup.report = &report;
    setup.local = local;
    udp = std::make_unique<UdpPort>(setup);
  }
  void receive(base::Bytes frame) { wire.in.push_back(pool.frame(frame)); }
  std::vector<RxDatagram> rx(base::Instant now) {
    std::vector<RxDatagram> out(kBurst);
    out.resize(udp->rx(out, now));
    return out;
  }
  std::vector<std::string> texts(base::Instant now) {
    std::vector<std::string> out;
    auto datagrams = rx(now);
    for (const RxDatagram& one : datagrams) out.emplace_back(reinterpret_cast<const char*>(one.payload), one.bytes);
    udp->release(datagrams);
    return out;
  }
  // One datagram per text; returns how many tx() took and cancels the rest.
  std::uint32_t send(const Flow& flow, const std::vector<std::string>& texts, base::Instant now) {
    std::vector<TxSlot> slots(texts.size());
    EXPECT_EQ(udp->tx_alloc(slots), texts.size());
    std::vector<TxItem> items;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::memcpy(slots[i].payload, texts[i].data(), texts[i].size());
      items.push_back({slots[i].packet, static_cast<std::uint16_t>(texts[i].size()), &flow});
    }
    const std::uint32_t taken = udp->tx(items, now);
    udp->tx_cancel(std::span(slots).subspan(taken));
    return taken;
  }
  FrameBytes sent() {
    if (wire.out.empty()) return {};
    FrameBytes bytes = bytes_of(wire.out.front());
    rte_pktmbuf_free(wire.out.front());
    wire.out.pop_front();
    return bytes;
  }
  std::uint64_t drops(NicDrop reason) const { return udp->stats().drops[static_cast<std::size_t>(reason)]; }
};

LocalView bob() { return {kBobMac, kBob4, kBob6, 9000, 1}; }
constexpr base::Instant at_ms(std::int64_t ms) { return base::Instant{} + base::milliseconds(ms); }

void cross(Station& from, Station& to) {
  while (!from.wire.out.empty()) to.receive(from.sent());
}

TEST(UdpPort, ResolvesAndDelivers) {
  for (const bool v6 : {false, true}) {
    Station alice_station(alice()), bob_station(bob());
    Flow flow = bob_to_alice(v6);
    flow.neighbour = bob_station.neighbours.add(flow.dst).value();
    EXPECT_EQ(bob_station.send(flow, {"lost"}, at_ms(1)), 1u);   // taken, and dropped: nobody knows Alice yet
    EXPECT_EQ(bob_station.drops(NicDrop::kNoNeighbour), 1u);
    EXPECT_TRUE(bob_station.rx(at_ms(1)).empty());               // asks
    EXPECT_EQ(bob_station.udp->stats().asked, 1u);
    cross(bob_station, alice_station);
    EXPECT_TRUE(alice_station.rx(at_ms(1)).empty());             // answers
    EXPECT_EQ(alice_station.udp->stats().answered, 1u);
    cross(alice_station, bob_station);
    EXPECT_TRUE(bob_station.rx(at_ms(1)).empty());               // learns
    EXPECT_EQ(bob_station.send(flow, {"hello", "", "again"}, at_ms(2)), 3u);
    cross(bob_station, alice_station);
    EXPECT_EQ(alice_station.texts(at_ms(2)), (std::vector<std::string>{"hello", "", "again"}));
    EXPECT_EQ(alice_station.udp->stats().packets_in, 3u);
    EXPECT_EQ(alice_station.udp->stats().bytes_in, 10u);
    EXPECT_EQ(bob_station.udp->stats().packets_out, 3u);
  }
}

TEST(UdpPort, HandsUpWhoSentIt) {
  Station station(alice());
  station.receive(datagram(bob_to_alice(true), "x"));
  auto got = station.rx(at_ms(1));
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].src, kBob6);
  EXPECT_EQ(got[0].src_udp, 9000);
  EXPECT_EQ(got[0].dst_udp, 7000);
  got[0].payload[0] = std::byte{'y'};   // writable in place
  station.udp->release(got);
}

TEST(UdpPort, WhatTheRingRefusesCanBeTriedAgain) {
  Station station(bob());
  Flow flow = bob_to_alice(false);
  flow.neighbour = station.neighbours.add(flow.dst).value();
  station.neighbours.set(flow.neighbour, kAliceMac);
  Flow unknown = flow;
  unknown.dst = ipv4(10, 1, 0, 9);
  unknown.neighbour = station.neighbours.add(unknown.dst).value();
  TxSlot slots[4];
  ASSERT_EQ(station.udp->tx_alloc(slots), 4u);
  std::vector<TxItem> items;
  for (TxSlot& slot : slots) {
    slot.payload[0] = std::byte{'p'};
    items.push_back({slot.packet, 1, &flow});
  }
  items[1].flow = &unknown;              // dropped in the middle: taken only if what stands before it is
  station.wire.tx_room = 0;
  EXPECT_EQ(station.udp->tx(items, at_ms(1)), 0u);
  EXPECT_EQ(station.drops(NicDrop::kNoNeighbour), 0u);
  station.wire.tx_room = 2;
  EXPECT_EQ(station.udp->tx(items, at_ms(1)), 3u);
  EXPECT_EQ(station.drops(NicDrop::kNoNeighbour), 1u);
  station.wire.tx_room = 9;
  EXPECT_EQ(station.udp->tx(std::span(items).subspan(3), at_ms(1)), 1u);
  EXPECT_EQ(station.udp->stats().tx_refused, 5u);
  Station receiver(alice());
  EXPECT_EQ(station.wire.out.size(), 3u);
  cross(station, receiver);
  EXPECT_EQ(receiver.texts(at_ms(1)), (std::vector<std::string>{"p", "p", "p"}));   // encapsulated once, though tried twice
}

TEST(UdpPort, AnEmptyPoolIsNoError) {
  Station station(bob());
  std::vector<TxSlot> slots(2000);
  const std::uint32_t got = station.udp->tx_alloc(slots);
  EXPECT_EQ(got, 1023u);
  EXPECT_EQ(station.udp->stats().no_buffer, 2000u - 1023u);
  EXPECT_EQ(slots[0].room, station.udp->payload_max(false));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slots[0].payload) % 64, 0u);
  station.udp->tx_cancel(std::span(slots).first(got));
}

TEST(UdpPort, PayloadMaxFollowsTheMtu) {
  Station station(bob());
  EXPECT_EQ(station.udp->payload_max(false), 1472);
  EXPECT_EQ(station.udp->payload_max(true), 1452);
}

TEST(UdpPort, AnswersEchoInPlace) {
  Station station(alice());
  FrameBytes ping(kEthernetBytes + kIpv4Bytes + 8);
  write_ethernet(ping.data(), kAliceMac, kBobMac, kTypeIpv4);
  write_ip_header(ping.data() + kEthernetBytes, {kBob4, kAlice4, kProtocolIcmp, 64, 8}, true);
  std::byte* icmp = ping.data() + kEthernetBytes + kIpv4Bytes;
  icmp[0] = std::byte{kIcmpEcho};
  const std::uint16_t sum = checksum_finish(checksum_add(0, {icmp, 8}));
  std::memcpy(icmp + 2, &sum, sizeof sum);
  station.receive(ping);
  EXPECT_TRUE(station.rx(at_ms(1)).empty());
  EXPECT_EQ(station.udp->stats().answered, 1u);
  const FrameBytes reply = station.sent();
  ASSERT_EQ(reply.size(), ping.size());
  EXPECT_EQ(read_mac(reply.data()), kBobMac);
  EXPECT_EQ(reply[kEthernetBytes + kIpv4Bytes], std::byte{kIcmpEchoReply});
}

TEST(UdpPort, LearnsOnlyWhatItAskedFor) {
  Station station(alice());
  const auto slot = station.neighbours.add(kBob4).value();
  base::Mac mac;
  const base::Mac mallory{2, 6, 6, 6, 6, 6};
  station.receive(datagram(bob_to_alice(false), "data teaches nothing"));
  FrameBytes arp(kArpFrameBytes);
  write_arp(arp, {false, mallory, kAliceMac, ipv4(10, 1, 0, 66), kAlice4}, kAliceMac);
  station.receive(arp);                                            // an answer nobody asked for
  write_arp(arp, {true, mallory, {}, ipv4(10, 1, 0, 66), ipv4(10, 1, 0, 67)}, kBroadcastMac);
  station.receive(arp);                                            // others talking
  auto got = station.rx(at_ms(1));
  station.udp->release(got);
  EXPECT_FALSE(station.neighbours.get(slot, mac));
  EXPECT_EQ(station.drops(NicDrop::kArpNotWanted), 1u);
  EXPECT_TRUE(station.wire.out.empty());
  write_arp_announcement(arp, kBobMac, kBob4);                     // a next hop says where it is now
  station.receive(arp);
  EXPECT_TRUE(station.rx(at_ms(2)).empty());
  ASSERT_TRUE(station.neighbours.get(slot, mac));
  EXPECT_EQ(mac, kBobMac);
}

TEST(UdpPort, AnotherStationWithOurAddressIsSeenAndNeitherAnsweredNorLearnt) {
  Station station(alice());
  const base::Mac mallory{2, 6, 6, 6, 6, 6};
  FrameBytes arp(kArpFrameBytes), advert(kNdFrameBytes);
  write_arp_announcement(arp, mallory, kAlice4);
  station.receive(arp);
  write_arp(arp, {false, mallory, kAliceMac, kAlice4, kAlice4}, kAliceMac);
  station.receive(arp);
  write_unsolicited_advert(advert, mallory, kAlice6);
  station.receive(advert);
  write_arp_announcement(arp, kAliceMac, kAlice4);                 // our own, come back: no clash
  station.receive(arp);
  EXPECT_TRUE(station.rx(at_ms(1)).empty());
  EXPECT_EQ(station.drops(NicDrop::kAddressClash), 3u);
  EXPECT_EQ(station.drops(NicDrop::kOwnMac), 1u);
  EXPECT_TRUE(station.wire.out.empty());
}

TEST(UdpPort, AdvertWithoutOverrideOnlyConfirms) {
  Station station(alice());
  const auto slot = station.neighbours.add(kBob6).value();
  FrameBytes advert(kNdFrameBytes);
  const auto advertise = [&](const base::Mac& mac, bool override_flag) {
    write_advert(advert, mac, kBob6, kAliceMac, kAlice6);
    if (!override_flag) {   // clear the flag and mend the sum
      std::byte* icmp = advert.data() + kEthernetBytes + kIpv6Bytes;
      icmp[4] = std::byte{0x40};
      base::store_be(icmp + 2, std::uint16_t{0});
      const std::uint64_t pseudo = pseudo_sum(kBob6, kAlice6, kProtocolIcmpv6, 32);
      const std::uint16_t sum = checksum_finish(checksum_add(pseudo, {icmp, 32}));
      std::memcpy(icmp + 2, &sum, sizeof sum);
    }
    station.receive(advert);
    EXPECT_TRUE(station.rx(at_ms(1)).empty());
    base::Mac known;
    EXPECT_TRUE(station.neighbours.get(slot, known));
    return known;
  };
  const base::Mac other{2, 7, 7, 7, 7, 7};
  EXPECT_EQ(advertise(kBobMac, false), kBobMac);   // nothing was known
  EXPECT_EQ(advertise(other, false), kBobMac);
  EXPECT_EQ(advertise(other, true), other);
}

TEST(UdpPort, OrdersAnnounceAndCloseTheLink) {
  Station station(bob());
  ASSERT_TRUE(station.orders.try_publish({.link_up = false, .announce_seq = 1}));
  EXPECT_TRUE(station.rx(at_ms(1)).empty());
  EXPECT_EQ(station.udp->stats().announced, 2u);
  const FrameBytes arp = station.sent(), advert = station.sent();
  EXPECT_EQ(classify(arp, alice(), {}).kind, Frame::Kind::kArp);
  EXPECT_EQ(classify(advert, alice(), {}).kind, Frame::Kind::kAdvert);
  Flow flow = bob_to_alice(false);
  flow.neighbour = station.neighbours.add(flow.dst).value();
  station.neighbours.set(flow.neighbour, kAliceMac);
  EXPECT_EQ(station.send(flow, {"a", "b"}, at_ms(2)), 2u);
  EXPECT_EQ(station.drops(NicDrop::kLinkDown), 2u);
  EXPECT_TRUE(station.wire.out.empty());
}

TEST(UdpPort, LinkUpAsksForKnownNextHopsAgain) {
  Station station(bob());
  Flow flow = bob_to_alice(false);
  flow.neighbour = station.neighbours.add(flow.dst).value();
  station.neighbours.set(flow.neighbour, base::Mac{2, 9, 9, 9, 9, 9});   // who was there before
  EXPECT_EQ(station.send(flow, {"a"}, at_ms(1)), 1u);
  EXPECT_TRUE(station.rx(at_ms(1)).empty());
  EXPECT_EQ(station.udp->stats().asked, 0u);
  ASSERT_TRUE(station.orders.try_publish({.announce_seq = 1}));
  EXPECT_TRUE(station.rx(at_ms(2)).empty());
  EXPECT_EQ(station.send(flow, {"b"}, at_ms(3)), 1u);
  FrameBytes arp(kArpFrameBytes);
  write_arp(arp, {false, kAliceMac, kBobMac, kAlice4, kBob4}, kBobMac);
  station.receive(arp);
  EXPECT_TRUE(station.rx(at_ms(3)).empty());
  EXPECT_EQ(station.udp->stats().asked, 1u);
  base::Mac mac;
  ASSERT_TRUE(station.neighbours.get(flow.neighbour, mac));
  EXPECT_EQ(mac, kAliceMac);
}

TEST(UdpPort, ReportsToControl) {
  Station station(alice());
  station.receive(datagram(bob_to_alice(false), "x"));
  EXPECT_EQ(station.texts(at_ms(1)).size(), 1u);
  EXPECT_TRUE(station.report.adopt());
  EXPECT_TRUE(station.rx(at_ms(100)).empty());
  ASSERT_TRUE(station.report.adopt());
  EXPECT_EQ(station.report.current().packets_in, 1u);
}

TEST(UdpPort, AnswersThatFindNoRoomAreCounted) {
  Station station(alice());
  FrameBytes arp(kArpFrameBytes);
  write_arp_request(arp, kBobMac, kBob4, kAlice4);
  for (int i = 0; i < 3; ++i) station.receive(arp);
  station.wire.tx_room = 1;
  EXPECT_TRUE(station.rx(at_ms(1)).empty());
  EXPECT_EQ(station.udp->stats().answered, 1u);
  EXPECT_EQ(station.drops(NicDrop::kAnswerFull), 2u);
}

TEST(UdpPort, JoinsSegments) {
  Station station(alice());
  const FrameBytes whole = datagram(bob_to_alice(false), "in two pieces");
  rte_mbuf* head = station.pool.frame(base::Bytes(whole).first(30));
  rte_mbuf* tail = station.pool.frame(base::Bytes(whole).subspan(30));
  ASSERT_EQ(rte_pktmbuf_chain(head, tail), 0);
  station.wire.in.push_back(head);
  EXPECT_EQ(station.texts(at_ms(1)), std::vector<std::string>{"in two pieces"});
}

}  // namespace
}  // namespace weft::nic
