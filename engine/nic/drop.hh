// Why engine/nic dropped a frame. Every reason has its own counter; there is no "other".
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::nic {

enum class NicDrop : std::uint8_t {
  // received
  kFrameShort,        // shorter than its headers say, or than Ethernet's header
  kSegments,          // in several buffers that could not be joined
  kEtherType,         // neither IPv4, IPv6 nor ARP (VLAN tags on an untagged port too)
  kOtherVlan,         // of another VLAN, or of none, on a port with a VLAN
  kOtherMac,          // to another station or to a group we are not in
  kOwnMac,            // from our own MAC: our frame or our kernel's came back
  kIpMalformed,       // version, header length or total length wrong
  kIpChecksum,
  kFragment,          // fragments are never reassembled
  kOtherIp,           // to an address that is not ours
  kSource,            // from an address no host has (zero, group, loopback, broadcast) or from ours
  kIpProtocol,        // neither UDP nor ICMP of its family
  kUdpMalformed,
  kUdpChecksum,       // wrong, or absent over IPv6
  kUdpPort,           // to none of our UDP ports
  kArpMalformed,
  kAddressClash,      // ARP or ND of another station that has our address
  kArpNotWanted,      // not about our address and not from a next hop we asked for
  kIcmpMalformed,
  kIcmpChecksum,
  kIcmpType,          // nothing we answer or use
  kNdMalformed,       // RFC 4861 §7.1 refused it (hop limit, code, options)
  kNdNotWanted,
  kAnswerFull,        // ARP, ND or echo answer that the port did not take
  kHostFull,          // to or from the host's kernel, more than its rings or the port could take
  // sent
  kNoNeighbour,       // the next hop's MAC is not known yet (it is being asked for)
  kLinkDown,          // the port has no link: frames would only fill its ring
  kCount,
};
inline constexpr std::size_t kNicDrops = static_cast<std::size_t>(NicDrop::kCount);
[[nodiscard]] const char* name_of(NicDrop reason) noexcept;

}  // namespace weft::nic
