// Layouts of the headers this folder reads and writes: offsets, sizes, numbers, and the writers of Ethernet and IP
// headers that every message of ours begins with. Pure.
// Sources: RFC 894, 791, 8200, 768; IANA protocol numbers.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/base/bytes.hh"
#include "engine/base/types.hh"

namespace weft::nic {

inline constexpr std::size_t kEthernetBytes = 14;
inline constexpr std::size_t kIpv4Bytes = 20;
inline constexpr std::size_t kIpv6Bytes = 40;
inline constexpr std::size_t kUdpBytes = 8;
inline constexpr std::size_t kFrameBytesMin = 60;   // without the FCS; shorter ones are padded

inline constexpr std::uint16_t kTypeIpv4 = 0x0800, kTypeArp = 0x0806, kTypeIpv6 = 0x86DD;
inline constexpr std::uint8_t kProtocolIcmp = 1, kProtocolUdp = 17, kProtocolFragment = 44, kProtocolIcmpv6 = 58;
inline constexpr std::uint8_t kHopLimit = 64;       // what hosts use; ND needs 255
inline constexpr std::uint8_t kHopLimitNd = 255;

[[nodiscard]] constexpr std::size_t ip_header_bytes(bool v6) { return v6 ? kIpv6Bytes : kIpv4Bytes; }
// Ethernet + IP + UDP in front of a payload.
[[nodiscard]] constexpr std::size_t header_bytes(bool v6) { return kEthernetBytes + ip_header_bytes(v6) + kUdpBytes; }

// Of UDP, in one packet.
[[nodiscard]] constexpr std::uint32_t payload_of_mtu(std::uint32_t mtu, bool v6) {
  return mtu - static_cast<std::uint32_t>(ip_header_bytes(v6) + kUdpBytes);
}

[[nodiscard]] inline base::Mac read_mac(const std::byte* at) noexcept {
  base::Mac mac;
  std::memcpy(mac.data(), at, mac.size());
  return mac;
}
inline void write_mac(std::byte* at, const base::Mac& mac) noexcept { std::memcpy(at, mac.data(), mac.size()); }
[[nodiscard]] base::IpAddress read_ip(const std::byte* at, bool v6) noexcept;
// The bytes at `at` are this address: compared where they lie, because a copy just made is not ready to be read in wider words.
[[nodiscard]] inline bool holds_ip(const std::byte* at, const base::IpAddress& ip) noexcept {
  return ip.v6 ? std::memcmp(at, ip.bytes.data(), 16) == 0 : std::memcmp(at, ip.bytes.data(), 4) == 0;
}
inline void write_ip(std::byte* at, const base::IpAddress& ip) noexcept {
  std::memcpy(at, ip.bytes.data(), ip.v6 ? 16 : 4);
}

void write_ethernet(std::byte* at, const base::Mac& dst, const base::Mac& src, std::uint16_t type) noexcept;

struct IpHeader {
  base::IpAddress src{}, dst{};     // one family; decides which header is written
  std::uint8_t protocol = 0;
  std::uint8_t hop_limit = kHopLimit;
  std::uint16_t payload_bytes = 0;
};
// Writes ip_header_bytes(). IPv4: don't fragment, identification 0 (RFC 6864: atomic datagrams), no options;
// `checksum` false leaves the field zero for the device.
void write_ip_header(std::byte* at, const IpHeader& header, bool checksum) noexcept;

}  // namespace weft::nic
