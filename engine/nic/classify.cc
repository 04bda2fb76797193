#include "engine/nic/classify.hh"

#include "engine/nic/address.hh"
#include "engine/nic/checksum.hh"
#include "engine/nic/headers.hh"
#include "engine/nic/icmp.hh"

namespace weft::nic {
namespace {

using Kind = Frame::Kind;

// Whom the Ethernet header names.
enum class Station : std::uint8_t { kOurs, kBroadcast, kOurGroup, kOther };

Frame dropped(NicDrop reason) noexcept {
  Frame out;
  out.drop = reason;
  return out;
}

Station station_of(const base::Mac& dst, const LocalView& local) noexcept {
  if (dst == local.mac) return Station::kOurs;
  if (dst == kBroadcastMac) return Station::kBroadcast;
  if (local.v6 && (dst == multicast_mac(solicited_node(*local.v6)) || dst == multicast_mac(kAllNodes)))
    return Station::kOurGroup;
  return Station::kOther;
}

// The rules for a source are the same for both families; `src` stands at `at`.
bool source_is_good(const base::IpAddress& src, const std::byte* at, const base::IpAddress& own) noexcept {
  return is_host_address(src) && !holds_ip(at, own);
}

Frame classify_udp(base::Bytes frame, Frame seen, const LocalView& local, Verified verified) noexcept {
  const std::byte* const udp = frame.data() + seen.l4_offset;
  if (seen.l4_bytes < kUdpBytes) return dropped(NicDrop::kUdpMalformed);
  const std::uint16_t bytes = base::load_be<std::uint16_t>(udp + 4);
  if (bytes < kUdpBytes || bytes > seen.l4_bytes) return dropped(NicDrop::kUdpMalformed);
  seen.l4_bytes = bytes;
  seen.src_udp = base::load_be<std::uint16_t>(udp);
  seen.dst_udp = base::load_be<std::uint16_t>(udp + 2);
  const unsigned offset = unsigned{seen.dst_udp} - local.udp_first;   // wraps when below the first
  if (offset >= local.udp_count || seen.src_udp == 0) return dropped(NicDrop::kUdpPort);

  const bool has_sum = base::load_be<std::uint16_t>(udp + 6) != 0;
  if (!has_sum && seen.v6) return dropped(NicDrop::kUdpChecksum);
  if (has_sum && !verified.l4_checksum) {
    const base::IpAddress& own = seen.v6 ? *local.v6 : *local.v4;
    const std::uint64_t pseudo = pseudo_sum(seen.src, own, kProtocolUdp, bytes);
    if (checksum_fold(checksum_add(pseudo, {udp, bytes})) != 0xFFFF) return dropped(NicDrop::kUdpChecksum);
  }
  seen.kind = Kind::kUdp;
  return seen;
}

Frame classify_icmp4(base::Bytes frame, Frame seen) noexcept {
  if (seen.l4_bytes < 8) return dropped(NicDrop::kIcmpMalformed);
  const base::Bytes icmp = frame.subspan(seen.l4_offset, seen.l4_bytes);
  if (checksum_fold(checksum_add(0, icmp)) != 0xFFFF) return dropped(NicDrop::kIcmpChecksum);
  // With IP options an answer would have to decide about them; nobody pings a port of ours that way.
  if (icmp[0] != std::byte{kIcmpEcho} || icmp[1] != std::byte{0} || seen.l4_offset != kEthernetBytes + kIpv4Bytes)
    return dropped(NicDrop::kIcmpType);
  seen.kind = Kind::kEcho4;
  return seen;
}

Frame classify_ipv4(base::Bytes frame, Station station, const LocalView& local, Verified verified) noexcept {
  const base::Bytes ip = frame.subspan(kEthernetBytes);
  if (station != Station::kOurs) return dropped(NicDrop::kOtherMac);   // RFC 1122 §3.3.6 and no group is ours
  if (ip.size() < kIpv4Bytes) return dropped(NicDrop::kFrameShort);
  if (std::to_integer<unsigned>(ip[0]) >> 4 != 4) return dropped(NicDrop::kIpMalformed);
  const std::size_t header = 4 * (std::to_integer<std::size_t>(ip[0]) & 15);
  const std::size_t total = base::load_be<std::uint16_t>(ip.data() + 2);
  if (header < kIpv4Bytes || total < header) return dropped(NicDrop::kIpMalformed);
  if (total > ip.size()) return dropped(NicDrop::kFrameShort);
  if (!verified.ip_checksum && checksum_fold(checksum_add(0, ip.first(header))) != 0xFFFF)
    return dropped(NicDrop::kIpChecksum);
  if ((base::load_be<std::uint16_t>(ip.data() + 6) & 0x3FFF) != 0) return dropped(NicDrop::kFragment);
  if (!local.v4 || !holds_ip(ip.data() + 16, *local.v4)) return dropped(NicDrop::kOtherIp);

  Frame seen;
  seen.src = read_ip(ip.data() + 12, false);
  seen.ip_offset = kEthernetBytes;
  seen.l4_offset = static_cast<std::uint16_t>(kEthernetBytes + header);
  seen.l4_bytes = static_cast<std::uint16_t>(total - header);
  if (!source_is_good(seen.src, ip.data() + 12, *local.v4)) return dropped(NicDrop::kSource);
  const auto protocol = std::to_integer<std::uint8_t>(ip[9]);
  if (protocol == kProtocolUdp) return classify_udp(frame, seen, local, verified);
  if (protocol == kProtocolIcmp) return classify_icmp4(frame, seen);
  return dropped(NicDrop::kIpProtocol);
}

Frame classify_icmp6(base::Bytes frame, Frame seen, const LocalView& local, bool to_group) noexcept {
  if (seen.l4_bytes < 8) return dropped(NicDrop::kIcmpMalformed);
  const base::Bytes icmp = frame.subspan(seen.l4_offset, seen.l4_bytes);
  const base::IpAddress dst = read_ip(frame.data() + kEthernetBytes + 24, true);
  const std::uint64_t pseudo = pseudo_sum(seen.src, dst, kProtocolIcmpv6, seen.l4_bytes);
  if (checksum_fold(checksum_add(pseudo, icmp)) != 0xFFFF) return dropped(NicDrop::kIcmpChecksum);

  const auto type = std::to_integer<std::uint8_t>(icmp[0]);
  const bool nd = type == kIcmpv6Solicit || type == kIcmpv6Advert;
  if (nd && (icmp[1] != std::byte{0} || frame[kEthernetBytes + 7] != std::byte{kHopLimitNd}))
    return dropped(NicDrop::kNdMalformed);  // hop limit 255: it crossed no router, so it comes from this wire
  if (type == kIcmpv6Advert && seen.src == *local.v6) return dropped(NicDrop::kAddressClash);   // RFC 4862 §5.4.4
  // Only the search for a free address may come from :: (RFC 4862 §5.4.2), and only to the address's group.
  const bool unspecified = seen.src == base::IpAddress{{}, true};
  const std::byte* const src = frame.data() + kEthernetBytes + 8;
  if (unspecified ? !(type == kIcmpv6Solicit && to_group) : !source_is_good(seen.src, src, *local.v6))
    return dropped(NicDrop::kSource);
  if (type == kIcmpv6Solicit) seen.kind = Kind::kSolicit;
  else if (type == kIcmpv6Advert) seen.kind = Kind::kAdvert;
  else if (type == kIcmpv6Echo && icmp[1] == std::byte{0} && !to_group) seen.kind = Kind::kEcho6;
  else return dropped(NicDrop::kIcmpType);
  return seen;
}

Frame classify_ipv6(base::Bytes frame, Station station, const LocalView& local, Verified verified) noexcept {
  const base::Bytes ip = frame.subspan(kEthernetBytes);
  if (station != Station::kOurs && station != Station::kOurGroup) return dropped(NicDrop::kOtherMac);
  if (ip.size() < kIpv6Bytes) return dropped(NicDrop::kFrameShort);
  if (std::to_integer<unsigned>(ip[0]) >> 4 != 6) return dropped(NicDrop::kIpMalformed);
  const std::uint16_t payload = base::load_be<std::uint16_t>(ip.data() + 4);
  if (payload > ip.size() - kIpv6Bytes) return dropped(NicDrop::kFrameShort);
  if (!local.v6) return dropped(NicDrop::kOtherIp);
  const std::byte* const dst = ip.data() + 24;
  const bool to_us = holds_ip(dst, *local.v6);
  const bool to_group = !to_us && (holds_ip(dst, solicited_node(*local.v6)) || holds_ip(dst, kAllNodes));
  if (!to_us && !to_group) return dropped(NicDrop::kOtherIp);

  Frame seen;
  seen.v6 = true;
  seen.src = read_ip(ip.data() + 8, true);
  seen.ip_offset = kEthernetBytes;
  seen.l4_offset = kEthernetBytes + kIpv6Bytes;
  seen.l4_bytes = payload;
  const auto protocol = std::to_integer<std::uint8_t>(ip[6]);
  if (protocol == kProtocolIcmpv6) return classify_icmp6(frame, seen, local, to_group);
  if (protocol == kProtocolFragment) return dropped(NicDrop::kFragment);
  if (protocol != kProtocolUdp) return dropped(NicDrop::kIpProtocol);
  if (!to_us || station != Station::kOurs) return dropped(NicDrop::kOtherIp);
  if (!source_is_good(seen.src, ip.data() + 8, *local.v6)) return dropped(NicDrop::kSource);
  return classify_udp(frame, seen, local, verified);
}

}  // namespace

Frame classify(base::Bytes frame, const LocalView& local, Verified verified) noexcept {
  if (frame.size() < kEthernetBytes || frame.size() > 0xFFFF) return dropped(NicDrop::kFrameShort);
  const base::Mac src = read_mac(frame.data() + 6);
  if (src == local.mac) return dropped(NicDrop::kOwnMac);
  if ((src[0] & 1) != 0) return dropped(NicDrop::kSource);
  const Station station = station_of(read_mac(frame.data()), local);
  if (station == Station::kOther) return dropped(NicDrop::kOtherMac);
  switch (base::load_be<std::uint16_t>(frame.data() + 12)) {
    case kTypeIpv4: return classify_ipv4(frame, station, local, verified);
    case kTypeIpv6: return classify_ipv6(frame, station, local, verified);
    case kTypeArp: break;
    default: return dropped(NicDrop::kEtherType);
  }
  if (station == Station::kOurGroup) return dropped(NicDrop::kOtherMac);
  Frame seen;
  seen.kind = Kind::kArp;
  seen.ip_offset = kEthernetBytes;
  return seen;
}

}  // namespace weft::nic
