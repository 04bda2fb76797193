// Checksums against known vectors; ARP, ND and echo against bytes, round trips and a slow checker.
#include <gtest/gtest.h>

#include "engine/base/prng.hh"
#include "engine/nic/arp.hh"
#include "engine/nic/checksum.hh"
#include "engine/nic/icmp.hh"
#include "engine/nic/nd.hh"
#include "tests/unit/nic/frames.hh"

namespace weft::nic {
namespace {

using namespace test;

FrameBytes bytes_of(std::initializer_list<int> values) {
  FrameBytes out;
  for (const int value : values) out.push_back(std::byte(value));
  return out;
}
// RFC 1071's definition, one big-endian word at a time.
std::uint16_t slow_sum(base::Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const unsigned low = i + 1 < bytes.size() ? std::to_integer<unsigned>(bytes[i + 1]) : 0;
    sum += (std::to_integer<unsigned>(bytes[i]) << 8) | low;
    sum = (sum & 0xFFFF) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(sum);
}

TEST(Checksum, Rfc1071Example) {
  const FrameBytes bytes = bytes_of({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7});
  EXPECT_EQ(base::swap_to_be(checksum_fold(checksum_add(0, bytes))), 0xddf2);
}

TEST(Checksum, WellKnownIpv4Header) {
  const FrameBytes header = bytes_of({0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61,
                                      0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7});
  EXPECT_EQ(checksum_fold(checksum_add(0, header)), 0xFFFF);
  FrameBytes ours(kIpv4Bytes);
  write_ip_header(ours.data(), {ipv4(192, 168, 0, 1), ipv4(192, 168, 0, 199), kProtocolUdp, 64, 0x73 - 20}, true);
  EXPECT_EQ(ours, header);
}

TEST(Checksum, AgreesWithTheSlowSum) {
  base::Prng prng(11);
  for (int round = 0; round < 500; ++round) {
    FrameBytes bytes(prng.below(2000));
    for (auto& byte : bytes) byte = std::byte(prng.below(256));
    const std::uint16_t fast = base::swap_to_be(checksum_fold(checksum_add(0, bytes)));
    EXPECT_EQ(fast % 0xFFFF, slow_sum(bytes) % 0xFFFF) << "round " << round;
    const std::size_t cut = bytes.size() / 2 & ~std::size_t{1};
    const base::Bytes all(bytes);
    const std::uint64_t pieces = checksum_add(checksum_add(0, all.first(cut)), all.subspan(cut));
    EXPECT_EQ(base::swap_to_be(checksum_fold(pieces)) % 0xFFFF, fast % 0xFFFF);
  }
}

TEST(Encapsulate, UdpChecksumIsRightAndNeverZero) {
  base::Prng prng(12);
  for (int round = 0; round < 300; ++round) {
    const bool v6 = prng.chance(2);
    std::string payload(prng.below(64), 'x');
    for (auto& c : payload) c = static_cast<char>(prng.below(256));
    const FrameBytes frame = datagram(bob_to_alice(v6), payload);
    const base::Bytes udp = base::Bytes(frame).subspan(kEthernetBytes + ip_header_bytes(v6));
    const Flow flow = bob_to_alice(v6);
    const std::uint64_t pseudo = pseudo_sum(flow.src, flow.dst, kProtocolUdp, static_cast<std::uint32_t>(udp.size()));
    EXPECT_EQ(checksum_fold(checksum_add(pseudo, udp)), 0xFFFF);
    EXPECT_NE(base::load_be<std::uint16_t>(udp.data() + 6), 0);
  }
}

TEST(Encapsulate, ZeroSumIsSentAsAllOnes) {
  // A payload word that makes the sum come out as 0: the field must hold 0xFFFF then (RFC 768).
  const Flow flow = bob_to_alice(false);
  FrameBytes frame = datagram(flow, std::string_view("\0\0", 2));
  const std::size_t field = kEthernetBytes + kIpv4Bytes + 6;
  frame[frame.size() - 2] = frame[field];
  frame[frame.size() - 1] = frame[field + 1];
  encapsulate(frame, flow, kBobMac, kAliceMac, ChecksumBy::kSoftware);
  EXPECT_EQ(base::load_be<std::uint16_t>(frame.data() + field), 0xFFFF);
  EXPECT_EQ(classify(frame, alice(), {}).kind, Frame::Kind::kUdp);
}

TEST(Encapsulate, TwiceIsOnce) {
  for (const bool v6 : {false, true}) {
    FrameBytes frame = datagram(bob_to_alice(v6), "again");
    const FrameBytes once = frame;
    encapsulate(frame, bob_to_alice(v6), kBobMac, kAliceMac, ChecksumBy::kSoftware);
    EXPECT_EQ(frame, once);
  }
}

TEST(Encapsulate, WithoutUdpChecksumOnlyOverIpv4) {
  const FrameBytes v4 = datagram(bob_to_alice(false), "x", ChecksumBy::kSoftwareNoUdp);
  EXPECT_EQ(base::load_be<std::uint16_t>(v4.data() + kEthernetBytes + kIpv4Bytes + 6), 0);
  EXPECT_EQ(classify(v4, alice(), {}).kind, Frame::Kind::kUdp);
  const FrameBytes v6 = datagram(bob_to_alice(true), "x", ChecksumBy::kSoftwareNoUdp);
  EXPECT_EQ(v6, datagram(bob_to_alice(true), "x"));
}

TEST(Encapsulate, ForTheDeviceHoldsThePseudoHeaderSum) {
  const Flow flow = bob_to_alice(false);
  const FrameBytes frame = datagram(flow, "offload", ChecksumBy::kDevice);
  const std::byte* udp = frame.data() + kEthernetBytes + kIpv4Bytes;
  EXPECT_EQ(base::load_be<std::uint16_t>(frame.data() + kEthernetBytes + 10), 0);
  std::uint16_t field;
  std::memcpy(&field, udp + 6, sizeof field);
  EXPECT_EQ(field, checksum_fold(pseudo_sum(flow.src, flow.dst, kProtocolUdp, kUdpBytes + 7)));
}

TEST(Arp, RequestBytes) {
  FrameBytes frame(kArpFrameBytes);
  EXPECT_EQ(write_arp_request(frame, kBobMac, kBob4, kAlice4), kArpFrameBytes);
  FrameBytes expected = bytes_of({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
                                  2, 0, 0, 0, 0, 2, 10, 1, 0, 2, 0, 0, 0, 0, 0, 0, 10, 1, 0, 1});
  expected.resize(kArpFrameBytes);
  EXPECT_EQ(frame, expected);
}

TEST(Arp, RoundTripAndRefusals) {
  FrameBytes frame(kArpFrameBytes);
  write_arp(frame, {false, kBobMac, kAliceMac, kBob4, kAlice4}, kAliceMac);
  const base::Bytes packet = base::Bytes(frame).subspan(kEthernetBytes);
  const auto parsed = parse_arp(packet);
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->request);
  EXPECT_EQ(parsed->sender_mac, kBobMac);
  EXPECT_EQ(parsed->sender_ip, kBob4);
  EXPECT_EQ(parsed->target_ip, kAlice4);
  EXPECT_FALSE(parse_arp(packet.first(27)));
  for (const std::size_t at : {0, 1, 2, 3, 4, 5, 6, 7}) {  // hardware, protocol, lengths, opcode
    FrameBytes broken(packet.begin(), packet.end());
    broken[at] ^= std::byte{0x40};
    EXPECT_FALSE(parse_arp(broken)) << at;
  }
  FrameBytes group(packet.begin(), packet.end());
  group[8] |= std::byte{1};
  EXPECT_FALSE(parse_arp(group));
}

TEST(Nd, SolicitAndAdvertAreSeenByTheOtherSide) {
  FrameBytes frame(kNdFrameBytes);
  EXPECT_EQ(write_solicit(frame, kBobMac, kBob6, kAlice6), kNdFrameBytes);
  Frame seen = classify(frame, alice(), {});
  ASSERT_EQ(seen.kind, Frame::Kind::kSolicit) << name_of(seen.drop);
  auto message = parse_nd(base::Bytes(frame).subspan(seen.l4_offset, seen.l4_bytes));
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->solicit);
  EXPECT_EQ(message->target, kAlice6);
  EXPECT_EQ(message->mac, kBobMac);

  write_advert(frame, kBobMac, kBob6, kAliceMac, kAlice6);
  seen = classify(frame, alice(), {});
  ASSERT_EQ(seen.kind, Frame::Kind::kAdvert) << name_of(seen.drop);
  message = parse_nd(base::Bytes(frame).subspan(seen.l4_offset, seen.l4_bytes));
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->solicit);
  EXPECT_TRUE(message->solicited);
  EXPECT_TRUE(message->override_flag);
  EXPECT_EQ(message->target, kBob6);
  EXPECT_EQ(message->mac, kBobMac);

  write_unsolicited_advert(frame, kBobMac, kBob6);
  seen = classify(frame, alice(), {});
  ASSERT_EQ(seen.kind, Frame::Kind::kAdvert) << name_of(seen.drop);
  message = parse_nd(base::Bytes(frame).subspan(seen.l4_offset, seen.l4_bytes));
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->solicited);
}

TEST(Nd, RefusesBrokenOptionsAndTargets) {
  FrameBytes frame(kNdFrameBytes);
  write_solicit(frame, kBobMac, kBob6, kAlice6);
  const FrameBytes icmp(frame.begin() + kEthernetBytes + kIpv6Bytes, frame.end());
  EXPECT_TRUE(parse_nd(icmp));
  EXPECT_FALSE(parse_nd(base::Bytes(icmp).first(23)));
  EXPECT_FALSE(parse_nd(base::Bytes(icmp).first(31)));   // half an option
  EXPECT_TRUE(parse_nd(base::Bytes(icmp).first(24)));    // none
  FrameBytes broken = icmp;
  broken[25] = std::byte{0};
  EXPECT_FALSE(parse_nd(broken));
  broken[25] = std::byte{2};
  EXPECT_FALSE(parse_nd(broken));
  broken = icmp;
  broken[8] = std::byte{0xFF};   // a group as target
  EXPECT_FALSE(parse_nd(broken));
  broken = icmp;
  broken[26] |= std::byte{1};    // a group's MAC
  EXPECT_FALSE(parse_nd(broken));
}

// An echo request from Bob to Alice, with Ethernet padding behind it.
FrameBytes echo(bool v6, std::string_view data) {
  const std::size_t icmp_at = kEthernetBytes + ip_header_bytes(v6);
  const auto l4_bytes = static_cast<std::uint16_t>(8 + data.size());
  FrameBytes frame(std::max(icmp_at + l4_bytes, kFrameBytesMin));
  const Flow flow = bob_to_alice(v6);
  write_ethernet(frame.data(), kAliceMac, kBobMac, v6 ? kTypeIpv6 : kTypeIpv4);
  write_ip_header(frame.data() + kEthernetBytes,
                  {flow.src, flow.dst, v6 ? kProtocolIcmpv6 : kProtocolIcmp, 64, l4_bytes}, true);
  std::byte* icmp = frame.data() + icmp_at;
  icmp[0] = std::byte{v6 ? kIcmpv6Echo : kIcmpEcho};
  base::store_be(icmp + 4, std::uint32_t{0x12340001});
  std::memcpy(icmp + 8, data.data(), data.size());
  const std::uint64_t pseudo = v6 ? pseudo_sum(flow.src, flow.dst, kProtocolIcmpv6, l4_bytes) : 0;
  const std::uint16_t sum = checksum_finish(checksum_add(pseudo, {icmp, l4_bytes}));
  std::memcpy(icmp + 2, &sum, sizeof sum);
  return frame;
}

TEST(Icmp, EchoReplyComesBackWhole) {
  for (const bool v6 : {false, true}) {
    FrameBytes frame = echo(v6, "0123456789");
    const Frame seen = classify(frame, alice(), {});
    ASSERT_EQ(seen.kind, v6 ? Frame::Kind::kEcho6 : Frame::Kind::kEcho4) << name_of(seen.drop);
    const std::size_t bytes = make_echo_reply(frame, seen, alice());
    EXPECT_EQ(bytes, kEthernetBytes + ip_header_bytes(v6) + 18);   // padding is gone
    EXPECT_EQ(read_mac(frame.data()), kBobMac);
    EXPECT_EQ(read_mac(frame.data() + 6), kAliceMac);
    const std::size_t addresses = kEthernetBytes + (v6 ? 8 : 12);
    EXPECT_EQ(read_ip(frame.data() + addresses, v6), v6 ? kAlice6 : kAlice4);
    EXPECT_EQ(read_ip(frame.data() + addresses + (v6 ? 16 : 4), v6), v6 ? kBob6 : kBob4);
    const base::Bytes icmp = base::Bytes(frame).subspan(seen.l4_offset, seen.l4_bytes);
    EXPECT_EQ(icmp[0], std::byte{v6 ? kIcmpv6EchoReply : kIcmpEchoReply});
    EXPECT_EQ(base::load_be<std::uint32_t>(icmp.data() + 4), 0x12340001u);
    EXPECT_EQ(std::memcmp(icmp.data() + 8, "0123456789", 10), 0);
    const std::uint64_t pseudo = v6 ? pseudo_sum(kAlice6, kBob6, kProtocolIcmpv6, 18) : 0;
    EXPECT_EQ(checksum_fold(checksum_add(pseudo, icmp)), 0xFFFF);
    if (!v6) {
      const base::Bytes header = base::Bytes(frame).subspan(kEthernetBytes, kIpv4Bytes);
      EXPECT_EQ(checksum_fold(checksum_add(0, header)), 0xFFFF);
    }
  }
}

TEST(Icmp, DamagedEchoIsDropped) {
  for (const bool v6 : {false, true}) {
    FrameBytes frame = echo(v6, "0123456789");
    frame[kEthernetBytes + ip_header_bytes(v6) + 9] ^= std::byte{1};
    EXPECT_EQ(classify(frame, alice(), {}).drop, NicDrop::kIcmpChecksum);
  }
}

}  // namespace
}  // namespace weft::nic
