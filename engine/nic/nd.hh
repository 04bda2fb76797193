// IPv6 Neighbour Discovery as far as a host with a static address needs it: neighbour solicitations and
// advertisements, both ways (RFC 4861 §4.3, §4.4, §7.1, §7.2). Pure.
// Not here: router discovery, redirects, address autoconfiguration (addresses are configured); which answers are
// believed (UdpPort).
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/bytes.hh"
#include "engine/base/types.hh"

namespace weft::nic {

inline constexpr std::size_t kNdFrameBytes = 86;    // Ethernet, IPv6, 24 bytes of ICMPv6, one link-layer option

struct NdMessage {
  bool solicit = false;
  bool solicited = false, override_flag = false;    // of an advertisement
  base::IpAddress target{};
  std::optional<base::Mac> mac;                     // source (solicitation) or target (advertisement) option
};

// `icmp` is the ICMPv6 message of a packet whose hop limit, code, checksum and type classify() has checked.
// nullopt when §7.1 refuses it: short, a group as target, an option of length 0 or beyond the end, a group's MAC.
[[nodiscard]] std::optional<NdMessage> parse_nd(base::Bytes icmp) noexcept;

// Whole frames of kNdFrameBytes into the front of `frame`; `mac` and `ip` are ours. Return kNdFrameBytes.
std::size_t write_solicit(base::MutableBytes frame, const base::Mac& mac, const base::IpAddress& ip,
                          const base::IpAddress& wanted) noexcept;
// Answer to a solicitation from `to_ip` at `to_mac`; to kAllNodes when that was ::, as an unsolicited one is.
std::size_t write_advert(base::MutableBytes frame, const base::Mac& mac, const base::IpAddress& ip,
                         const base::Mac& to_mac, const base::IpAddress& to_ip) noexcept;
std::size_t write_unsolicited_advert(base::MutableBytes frame, const base::Mac& mac,
                                     const base::IpAddress& ip) noexcept;

}  // namespace weft::nic
