// What a received Ethernet frame is to us. Pure: bytes in, an answer out; nothing is believed before its length is
// checked. Called once per frame by UdpPort.
// Sources: RFC 894 (IPv4 over Ethernet), 791, 768, 8200, 826, 792, 4443, 4861 §7.1.
// Not here: answering (arp.hh, nd.hh, icmp.hh).
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/bytes.hh"
#include "engine/base/types.hh"
#include "engine/nic/drop.hh"

namespace weft::nic {

// Who we are on this port.
struct LocalView {
  base::Mac mac{};
  std::optional<base::IpAddress> v4, v6;
  std::uint16_t udp_first = 0, udp_count = 0;   // our UDP ports are [udp_first, udp_first + udp_count)
};

// What the device has verified already.
struct Verified {
  bool ip_checksum = false;
  bool l4_checksum = false;
};

struct Frame {
  enum class Kind : std::uint8_t { kDrop, kUdp, kArp, kEcho4, kEcho6, kSolicit, kAdvert };
  Kind kind = Kind::kDrop;
  NicDrop drop = NicDrop::kFrameShort;      // kDrop
  bool v6 = false;
  std::uint16_t ip_offset = 0;              // of the IP header or the ARP packet
  std::uint16_t l4_offset = 0;              // of the UDP, ICMP or ICMPv6 header
  std::uint16_t l4_bytes = 0;               // header and payload, padding cut off
  std::uint16_t src_udp = 0, dst_udp = 0;   // kUdp
  base::IpAddress src{};                    // not kArp
};

[[nodiscard]] Frame classify(base::Bytes frame, const LocalView& local, Verified verified) noexcept;

}  // namespace weft::nic
