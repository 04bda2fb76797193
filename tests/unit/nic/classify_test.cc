// Every reason to drop a frame, and random bytes, against classify().
#include "engine/nic/classify.hh"

#include <gtest/gtest.h>

#include <functional>

#include "engine/base/prng.hh"
#include "engine/nic/arp.hh"
#include "engine/nic/checksum.hh"
#include "engine/nic/nd.hh"
#include "tests/unit/nic/frames.hh"

namespace weft::nic {
namespace {

using namespace test;
constexpr std::size_t kIp = kEthernetBytes, kUdp4 = kIp + kIpv4Bytes, kUdp6 = kIp + kIpv6Bytes;

void fix_ipv4_checksum(FrameBytes& frame) {
  base::store_be(frame.data() + kIp + 10, std::uint16_t{0});
  const std::uint16_t sum = checksum_finish(checksum_add(0, base::Bytes(frame).subspan(kIp, kIpv4Bytes)));
  std::memcpy(frame.data() + kIp + 10, &sum, sizeof sum);
}

TEST(Classify, UdpOverBothFamilies) {
  for (const bool v6 : {false, true}) {
    const Frame seen = classify(datagram(bob_to_alice(v6), "hello"), alice(), {});
    ASSERT_EQ(seen.kind, Frame::Kind::kUdp) << name_of(seen.drop);
    EXPECT_EQ(seen.v6, v6);
    EXPECT_EQ(seen.src, v6 ? kBob6 : kBob4);
    EXPECT_EQ(seen.src_udp, 9000);
    EXPECT_EQ(seen.dst_udp, 7000);
    EXPECT_EQ(seen.l4_offset, v6 ? kUdp6 : kUdp4);
    EXPECT_EQ(seen.l4_bytes, kUdpBytes + 5);
  }
}

TEST(Classify, PaddingIsCutOff) {
  FrameBytes frame = datagram(bob_to_alice(false), "hi");
  frame.resize(kFrameBytesMin, std::byte{0xEE});
  const Frame seen = classify(frame, alice(), {});
  ASSERT_EQ(seen.kind, Frame::Kind::kUdp);
  EXPECT_EQ(seen.l4_bytes, kUdpBytes + 2);
}

TEST(Classify, EmptyPayloadAndLastPort) {
  Flow flow = bob_to_alice(false);
  flow.dst_udp = 7001;
  const Frame seen = classify(datagram(flow, ""), alice(), {});
  ASSERT_EQ(seen.kind, Frame::Kind::kUdp);
  EXPECT_EQ(seen.l4_bytes, kUdpBytes);
}

struct Damage {
  const char* what;
  bool v6;
  std::function<void(FrameBytes&)> apply;
  NicDrop reason;
};

TEST(Classify, EachDamageHasItsReason) {
  const auto set = [](std::size_t at, int value) {
    return [at, value](FrameBytes& frame) { frame[at] = std::byte(value); };
  };
  const auto set4 = [&set](std::size_t at, int value) {
    return [inner = set(at, value)](FrameBytes& frame) { inner(frame); fix_ipv4_checksum(frame); };
  };
  const Damage damages[] = {
      {"not even Ethernet", false, [](FrameBytes& f) { f.resize(13); }, NicDrop::kFrameShort},
      {"cut in the IPv4 header", false, [](FrameBytes& f) { f.resize(kIp + 19); }, NicDrop::kFrameShort},
      {"cut in the IPv6 header", true, [](FrameBytes& f) { f.resize(kIp + 39); }, NicDrop::kFrameShort},
      {"cut in the IPv4 payload", false, [](FrameBytes& f) { f.pop_back(); }, NicDrop::kFrameShort},
      {"cut in the IPv6 payload", true, [](FrameBytes& f) { f.pop_back(); }, NicDrop::kFrameShort},
      {"VLAN", false, set(12, 0x81), NicDrop::kEtherType},
      {"another station", false, set(5, 9), NicDrop::kOtherMac},
      {"IPv4 in a broadcast", false, [](FrameBytes& f) { write_mac(f.data(), kBroadcastMac); }, NicDrop::kOtherMac},
      {"our own MAC", false, [](FrameBytes& f) { write_mac(f.data() + 6, kAliceMac); }, NicDrop::kOwnMac},
      {"a group as source MAC", false, set(6, 3), NicDrop::kSource},
      {"IPv4 version", false, set4(kIp, 0x55), NicDrop::kIpMalformed},
      {"IPv4 header of 4 words", false, set4(kIp, 0x44), NicDrop::kIpMalformed},
      {"IPv4 total below header", false, set4(kIp + 3, 19), NicDrop::kIpMalformed},
      {"IPv4 header sum", false, set(kIp + 8, 1), NicDrop::kIpChecksum},
      {"IPv4 more fragments", false, set4(kIp + 6, 0x20), NicDrop::kFragment},
      {"IPv4 fragment offset", false, set4(kIp + 7, 1), NicDrop::kFragment},
      {"IPv4 to another", false, set4(kIp + 19, 77), NicDrop::kOtherIp},
      {"IPv4 from a group", false, set4(kIp + 12, 224), NicDrop::kSource},
      {"IPv4 from ourselves", false, set4(kIp + 15, 1), NicDrop::kSource},
      {"IPv4 TCP", false, set4(kIp + 9, 6), NicDrop::kIpProtocol},
      {"IPv6 version", true, set(kIp, 0x50), NicDrop::kIpMalformed},
      {"IPv6 to another", true, set(kIp + 39, 77), NicDrop::kOtherIp},
      {"IPv6 from a group", true, set(kIp + 8, 0xFF), NicDrop::kSource},
      {"IPv6 from ourselves", true, set(kIp + 23, 1), NicDrop::kSource},
      {"IPv6 fragment", true, set(kIp + 6, 44), NicDrop::kFragment},
      {"IPv6 TCP", true, set(kIp + 6, 6), NicDrop::kIpProtocol},
      {"UDP length 7", false, set(kUdp4 + 5, 7), NicDrop::kUdpMalformed},
      {"UDP length beyond IP", false, set(kUdp4 + 5, 14), NicDrop::kUdpMalformed},
      {"UDP port below", false, set(kUdp4 + 3, 0x57), NicDrop::kUdpPort},
      {"UDP port above", false, set(kUdp4 + 3, 0x5A), NicDrop::kUdpPort},
      {"UDP source port 0", false, [](FrameBytes& f) { f[kUdp4] = f[kUdp4 + 1] = std::byte{0}; }, NicDrop::kUdpPort},
      {"UDP payload", false, [](FrameBytes& f) { f.back() ^= std::byte{1}; }, NicDrop::kUdpChecksum},
      {"UDP payload over IPv6", true, [](FrameBytes& f) { f.back() ^= std::byte{1}; }, NicDrop::kUdpChecksum},
      {"no sum over IPv6", true, [](FrameBytes& f) { f[kUdp6 + 6] = f[kUdp6 + 7] = std::byte{0}; },
       NicDrop::kUdpChecksum},
  };
  for (const Damage& damage : damages) {
    FrameBytes frame = datagram(bob_to_alice(damage.v6), "hello");
    damage.apply(frame);
    const Frame seen = classify(frame, alice(), {});
    EXPECT_EQ(seen.kind, Frame::Kind::kDrop) << damage.what;
    EXPECT_STREQ(name_of(seen.drop), name_of(damage.reason)) << damage.what;
  }
}

TEST(Classify, WhatTheDeviceVerifiedIsNotSummedAgain) {
  FrameBytes frame = datagram(bob_to_alice(false), "hello");
  frame.back() ^= std::byte{1};
  EXPECT_EQ(classify(frame, alice(), {.ip_checksum = true, .l4_checksum = true}).kind, Frame::Kind::kUdp);
}

TEST(Classify, FamilyWithoutAddressIsNotOurs) {
  LocalView local = alice();
  local.v6.reset();
  EXPECT_EQ(classify(datagram(bob_to_alice(true), "x"), local, {}).drop, NicDrop::kOtherIp);
  local = alice();
  local.v4.reset();
  EXPECT_EQ(classify(datagram(bob_to_alice(false), "x"), local, {}).drop, NicDrop::kOtherIp);
}

TEST(Classify, ArpOnlyToUsOrEveryone) {
  FrameBytes frame(kArpFrameBytes);
  write_arp_request(frame, kBobMac, kBob4, kAlice4);
  EXPECT_EQ(classify(frame, alice(), {}).kind, Frame::Kind::kArp);
  write_mac(frame.data(), kAliceMac);
  EXPECT_EQ(classify(frame, alice(), {}).kind, Frame::Kind::kArp);
  write_mac(frame.data(), multicast_mac(kAllNodes));
  EXPECT_EQ(classify(frame, alice(), {}).drop, NicDrop::kOtherMac);
}

TEST(Classify, NdMustComeFromThisWire) {
  FrameBytes frame(kNdFrameBytes);
  write_solicit(frame, kBobMac, kBob6, kAlice6);
  EXPECT_EQ(classify(frame, alice(), {}).kind, Frame::Kind::kSolicit);
  frame[kIp + 7] = std::byte{254};
  EXPECT_EQ(classify(frame, alice(), {}).drop, NicDrop::kNdMalformed);
}

TEST(Classify, SearchForAFreeAddressMayComeFromNobody) {
  FrameBytes frame(kNdFrameBytes);
  write_solicit(frame, kBobMac, base::IpAddress{{}, true}, kAlice6);
  EXPECT_EQ(classify(frame, alice(), {}).kind, Frame::Kind::kSolicit);
  write_advert(frame, kBobMac, base::IpAddress{{}, true}, kAliceMac, kAlice6);
  EXPECT_EQ(classify(frame, alice(), {}).drop, NicDrop::kSource);
}

// Random bytes, and good frames with random bytes changed or cut: no read beyond the end (the sanitizer builds see
// it), and whatever is called good stays inside the frame.
TEST(Classify, SurvivesRandomBytes) {
  base::Prng prng(2026);
  FrameBytes arp(kArpFrameBytes), nd(kNdFrameBytes);
  write_arp_request(arp, kBobMac, kBob4, kAlice4);
  write_solicit(nd, kBobMac, kBob6, kAlice6);
  const FrameBytes seeds[] = {datagram(bob_to_alice(false), "some payload"), datagram(bob_to_alice(true), "payload"),
                              arp, nd};
  std::uint32_t good = 0;
  for (int round = 0; round < 200'000; ++round) {
    FrameBytes frame = seeds[prng.below(4)];
    if (prng.chance(8)) {
      for (auto& byte : frame) byte = std::byte(prng.below(256));
    }
    const auto size = static_cast<std::uint32_t>(frame.size());
    for (std::uint32_t i = prng.below(3); i > 0; --i) frame[prng.below(size)] = std::byte(prng.below(256));
    if (prng.chance(4)) frame.resize(prng.below(size + 1));
    frame.shrink_to_fit();
    const Verified verified{prng.chance(2), prng.chance(2)};
    const Frame seen = classify(frame, alice(), verified);
    if (seen.kind == Frame::Kind::kDrop) continue;
    ++good;
    ASSERT_LE(std::size_t{seen.l4_offset} + seen.l4_bytes, frame.size());
    if (seen.kind == Frame::Kind::kArp) (void)parse_arp(base::Bytes(frame).subspan(seen.ip_offset));
    if (seen.kind == Frame::Kind::kSolicit || seen.kind == Frame::Kind::kAdvert)
      (void)parse_nd(base::Bytes(frame).subspan(seen.l4_offset, seen.l4_bytes));
    if (seen.kind == Frame::Kind::kUdp) {
      ASSERT_GE(seen.l4_bytes, kUdpBytes);
    }
  }
  EXPECT_GT(good, 1000u);   // the loop reached the inside
}

}  // namespace
}  // namespace weft::nic
