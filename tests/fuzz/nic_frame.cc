// Ethernet frames to datagrams: engine/nic's classify(), compared with a slow reading of the same RFCs, and the answers
// to ARP, neighbour solicitations and echo requests, read again as the station that asked would read them.
// Input: one byte of switches, then the frame.
#include "engine/nic/arp.hh"
#include "engine/nic/encapsulate.hh"
#include "engine/nic/headers.hh"
#include "engine/nic/icmp.hh"
#include "engine/nic/nd.hh"
#include "tests/fuzz/nic_slow.hh"

namespace weft::fuzz {
namespace {

using namespace nic;

enum : unsigned { kNoV4 = 1, kNoV6 = 2, kVerifiedIp = 4, kVerifiedL4 = 8, kMendSums = 16 };

LocalView our_view(unsigned switches) {
  LocalView view{kOurMac, kOurs4, kOurs6, kUdpFirst, kUdpCount};
  if ((switches & kNoV4) != 0) view.v4.reset();
  if ((switches & kNoV6) != 0) view.v6.reset();
  return view;
}
LocalView view_of(const base::Mac& mac, const base::IpAddress& ip) {
  LocalView view{mac, {}, {}, 1, 0xFFFF};
  (ip.v6 ? view.v6 : view.v4) = ip;
  return view;
}

// ---- what we answer, read by who asked

void check_arp(base::Bytes frame, const Frame& seen) {
  const auto arp = parse_arp(frame.subspan(seen.ip_offset));
  if (!arp) return;
  understood();
  CHECK((arp->sender_mac[0] & 1) == 0);
  std::byte reply[kArpFrameBytes];
  const ArpPacket said{false, kOurMac, arp->sender_mac, kOurs4, arp->sender_ip};
  CHECK(write_arp(reply, said, arp->sender_mac) == kArpFrameBytes);
  const auto heard = parse_arp(base::Bytes(reply).subspan(kEthernetBytes));
  CHECK(heard && !heard->request);
  CHECK(heard->sender_mac == kOurMac && heard->sender_ip == kOurs4);
  CHECK(heard->target_mac == arp->sender_mac && heard->target_ip == arp->sender_ip);
  if (arp->sender_mac == kOurMac) return;
  CHECK(classify(reply, view_of(arp->sender_mac, kTheirs4), {}).kind == Frame::Kind::kArp);
}

void check_nd(base::Bytes frame, const Frame& seen) {
  const auto message = parse_nd(frame.subspan(seen.l4_offset, seen.l4_bytes));
  if (!message) return;
  understood();
  CHECK(message->solicit == (seen.kind == Frame::Kind::kSolicit));
  CHECK(message->target.v6 && message->target.bytes[0] != 0xFF);
  CHECK(!message->mac || ((*message->mac)[0] & 1) == 0);
  if (!message->solicit) return;
  const base::Mac back = message->mac ? *message->mac : read_mac(frame.data() + 6);
  if (back == kOurMac) return;
  std::byte reply[kNdFrameBytes];
  CHECK(write_advert(reply, kOurMac, kOurs6, back, seen.src) == kNdFrameBytes);
  const bool known = is_host_address(seen.src);
  const Frame heard = classify(reply, view_of(back, known ? seen.src : kTheirs6), {});
  CHECK(heard.kind == Frame::Kind::kAdvert && heard.src == kOurs6);
  const auto advert = parse_nd(base::Bytes(reply).subspan(heard.l4_offset, heard.l4_bytes));
  CHECK(advert && !advert->solicit && advert->override_flag && advert->solicited == known);
  CHECK(advert->target == kOurs6 && advert->mac == kOurMac);
}

void check_echo(base::Bytes frame, const Frame& seen, const LocalView& local) {
  understood();
  Buffer reply(frame.begin(), frame.end());
  reply.resize(make_echo_reply(reply, seen, local));
  CHECK(reply.size() == std::size_t{seen.l4_offset} + seen.l4_bytes);
  // To who asked it is an ICMP message of a type nobody here uses; anything before that would be refused earlier.
  const Frame heard = classify(reply, view_of(read_mac(frame.data() + 6), seen.src), {});
  CHECK(heard.kind == Frame::Kind::kDrop && heard.drop == NicDrop::kIcmpType);
  const base::Bytes asked = frame.subspan(seen.l4_offset, seen.l4_bytes);
  CHECK(std::ranges::equal(base::Bytes(reply).subspan(seen.l4_offset + 4u), asked.subspan(4)));
}

void check_datagram(base::Bytes frame, const Frame& seen, const LocalView& local) {
  understood();
  // What we would send with the same payload is read as the same payload.
  const base::Bytes payload = frame.subspan(seen.l4_offset + kUdpBytes, seen.l4_bytes - kUdpBytes);
  const Flow flow{seen.src, seen.v6 ? *local.v6 : *local.v4, seen.src_udp, seen.dst_udp, 0};
  for (const ChecksumBy by : {ChecksumBy::kSoftware, ChecksumBy::kSoftwareNoUdp}) {
    Buffer again(header_bytes(seen.v6) + payload.size());
    std::copy(payload.begin(), payload.end(), again.begin() + static_cast<std::ptrdiff_t>(header_bytes(seen.v6)));
    encapsulate(again, flow, kTheirMac, kOurMac, by);
    const Frame heard = classify(again, local, {});
    CHECK(heard.kind == Frame::Kind::kUdp && heard.src == seen.src);
    CHECK(heard.src_udp == seen.src_udp && heard.dst_udp == seen.dst_udp && heard.l4_bytes == seen.l4_bytes);
  }
}

void check_seen(base::Bytes frame, const Frame& seen, const LocalView& local) {
  switch (seen.kind) {
    case Frame::Kind::kDrop: CHECK(seen.drop < NicDrop::kCount); return;
    case Frame::Kind::kArp: return check_arp(frame, seen);
    case Frame::Kind::kSolicit: case Frame::Kind::kAdvert: return check_nd(frame, seen);
    case Frame::Kind::kEcho4: case Frame::Kind::kEcho6: return check_echo(frame, seen, local);
    case Frame::Kind::kUdp: return check_datagram(frame, seen, local);
  }
}

bool same(const Frame& a, const Frame& b) {
  return a.kind == b.kind && a.v6 == b.v6 && a.src == b.src && a.ip_offset == b.ip_offset &&
         a.l4_offset == b.l4_offset && a.l4_bytes == b.l4_bytes && a.src_udp == b.src_udp && a.dst_udp == b.dst_udp;
}

}  // namespace

void make_seeds(Seeds& out) {
  const auto add = [&](const char* name, base::Bytes frame) {
    Buffer input{std::byte{0}};
    input.insert(input.end(), frame.begin(), frame.end());
    out.add(name, input);
  };
  for (const bool v6 : {false, true}) {
    const Flow flow{v6 ? kTheirs6 : kTheirs4, v6 ? kOurs6 : kOurs4, 9000, kUdpFirst, 0};
    Buffer frame(header_bytes(v6) + 40, std::byte{0x55});
    encapsulate(frame, flow, kTheirMac, kOurMac, ChecksumBy::kSoftware);
    add(v6 ? "udp6" : "udp4", frame);
    // The same datagram as an echo request.
    frame[kEthernetBytes + (v6 ? 6 : 9)] = std::byte{v6 ? kProtocolIcmpv6 : kProtocolIcmp};
    std::fill_n(frame.begin() + static_cast<std::ptrdiff_t>(header_bytes(v6) - kUdpBytes), kUdpBytes, std::byte{0});
    frame[header_bytes(v6) - kUdpBytes] = std::byte{v6 ? kIcmpv6Echo : kIcmpEcho};
    mend_sums(frame);
    add(v6 ? "echo6" : "echo4", frame);
  }
  Buffer frame(kArpFrameBytes);
  write_arp_request(frame, kTheirMac, kTheirs4, kOurs4);
  add("arp-request", frame);
  write_arp(frame, {false, kTheirMac, kOurMac, kTheirs4, kOurs4}, kOurMac);
  add("arp-reply", frame);
  frame.resize(kNdFrameBytes);
  write_solicit(frame, kTheirMac, kTheirs6, kOurs6);
  add("solicit", frame);
  write_advert(frame, kTheirMac, kTheirs6, kOurMac, kOurs6);
  add("advert", frame);
  write_unsolicited_advert(frame, kTheirMac, kTheirs6);
  add("advert-all", frame);
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  if (size == 0) return 0;
  const unsigned switches = data[0];
  // A copy that ends where the frame does.
  Buffer frame(size - 1);
  std::ranges::copy(bytes_of(data + 1, size - 1), frame.begin());
  if ((switches & kMendSums) != 0) mend_sums(frame);
  const LocalView local = our_view(switches);

  const Frame seen = classify(frame, local, {});
  CHECK(std::size_t{seen.l4_offset} + seen.l4_bytes <= frame.size());
  const auto slow = slow_datagram(frame, local);
  CHECK(slow.has_value() == (seen.kind == Frame::Kind::kUdp));
  if (slow) {
    CHECK(slow->offset == seen.l4_offset + kUdpBytes && slow->bytes == seen.l4_bytes - kUdpBytes);
    CHECK(slow->src_udp == seen.src_udp && slow->dst_udp == seen.dst_udp);
  }
  check_seen(frame, seen, local);

  // A device that has verified sums lets more through, and reads what we let through just the same.
  const Frame trusted = classify(frame, local, {(switches & kVerifiedIp) != 0, (switches & kVerifiedL4) != 0});
  CHECK(std::size_t{trusted.l4_offset} + trusted.l4_bytes <= frame.size());
  if (seen.kind != Frame::Kind::kDrop) CHECK(same(seen, trusted));
  return 0;
}
