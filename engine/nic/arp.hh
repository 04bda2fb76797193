// ARP over Ethernet for IPv4 (RFC 826), gratuitous announcements as RFC 5227 §2.3 (a request for one's own address).
// Pure. Not here: which answers are believed (UdpPort, RFC 826's rule narrowed to next hops we asked for).
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/bytes.hh"
#include "engine/base/types.hh"

namespace weft::nic {

inline constexpr std::size_t kArpFrameBytes = 60;   // padded to Ethernet's minimum

struct ArpPacket {
  bool request = false;
  base::Mac sender_mac{}, target_mac{};
  base::IpAddress sender_ip{}, target_ip{};
};

// `packet` begins behind the Ethernet header; padding may follow. nullopt when it is not such a packet, or its
// sender's MAC is a group's.
[[nodiscard]] std::optional<ArpPacket> parse_arp(base::Bytes packet) noexcept;

// Whole frames of kArpFrameBytes into the front of `frame`. Returns kArpFrameBytes.
std::size_t write_arp(base::MutableBytes frame, const ArpPacket& packet, const base::Mac& dst) noexcept;
std::size_t write_arp_request(base::MutableBytes frame, const base::Mac& mac, const base::IpAddress& ip,
                              const base::IpAddress& wanted) noexcept;
std::size_t write_arp_announcement(base::MutableBytes frame, const base::Mac& mac, const base::IpAddress& ip) noexcept;

}  // namespace weft::nic
