// Addresses as text and as sets: parsing for configuration, printing for REST and logs, and the question
// "is this one on our wire?". Pure; text functions are for control, the rest is allocation-free.
// Source: RFC 4291 (IPv6), RFC 2464 §7 and RFC 4291 §2.7.1 (multicast and solicited-node addresses).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.hh"
#include "engine/base/types.hh"

namespace weft::nic {

// "10.0.0.1" or "fd00::1". kInvalidArgument otherwise.
[[nodiscard]] base::Result<base::IpAddress> parse_ip(std::string_view text);
// "10.0.0.1/24": the address in `ip`, the length in `prefix_bits` (0 … 32 or 128). The length is required.
struct IpPrefix {
  base::IpAddress ip;
  std::uint8_t prefix_bits = 0;
};
[[nodiscard]] base::Result<IpPrefix> parse_prefix(std::string_view text);
[[nodiscard]] std::string to_text(const base::IpAddress& ip);
[[nodiscard]] std::string to_text(const base::Mac& mac);

[[nodiscard]] constexpr base::IpAddress ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return {{a, b, c, d}, false};
}
// Same family and the first `prefix_bits` equal.
[[nodiscard]] bool same_prefix(const base::IpAddress& a, const base::IpAddress& b, std::uint8_t prefix_bits) noexcept;
// One host's address: not zero, not multicast, not IPv4's 255.255.255.255, not loopback.
[[nodiscard]] bool is_host_address(const base::IpAddress& ip) noexcept;

inline constexpr base::Mac kBroadcastMac{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
// ff02::1:ffXX:XXXX of an IPv6 address, and the Ethernet group of any IPv6 multicast address.
[[nodiscard]] base::IpAddress solicited_node(const base::IpAddress& ip) noexcept;
[[nodiscard]] base::Mac multicast_mac(const base::IpAddress& group) noexcept;
inline constexpr base::IpAddress kAllNodes{{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, true};

}  // namespace weft::nic
