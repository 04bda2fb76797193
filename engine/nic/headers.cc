#include "engine/nic/headers.hh"

#include <cstring>

#include "engine/nic/checksum.hh"

namespace weft::nic {

base::Mac read_mac(const std::byte* at) noexcept {
  base::Mac mac;
  std::memcpy(mac.data(), at, mac.size());
  return mac;
}

void write_mac(std::byte* at, const base::Mac& mac) noexcept { std::memcpy(at, mac.data(), mac.size()); }

base::IpAddress read_ip(const std::byte* at, bool v6) noexcept {
  base::IpAddress ip;
  ip.v6 = v6;
  std::memcpy(ip.bytes.data(), at, v6 ? 16 : 4);
  return ip;
}

void write_ip(std::byte* at, const base::IpAddress& ip) noexcept {
  std::memcpy(at, ip.bytes.data(), ip.v6 ? 16 : 4);
}

void write_ethernet(std::byte* at, const base::Mac& dst, const base::Mac& src, std::uint16_t type) noexcept {
  write_mac(at, dst);
  write_mac(at + 6, src);
  base::store_be(at + 12, type);
}

namespace {

void write_ipv4(std::byte* at, const IpHeader& header, bool checksum) noexcept {
  base::store_be(at, std::uint16_t{0x4500});   // version 4, 5 words, no service class
  base::store_be(at + 2, static_cast<std::uint16_t>(kIpv4Bytes + header.payload_bytes));
  base::store_be(at + 4, std::uint32_t{0x4000});   // identification 0, don't fragment
  at[8] = std::byte{header.hop_limit};
  at[9] = std::byte{header.protocol};
  base::store_be(at + 10, std::uint16_t{0});
  write_ip(at + 12, header.src);
  write_ip(at + 16, header.dst);
  if (!checksum) return;
  const std::uint16_t sum = checksum_finish(checksum_add(0, {at, kIpv4Bytes}));
  std::memcpy(at + 10, &sum, sizeof sum);
}

void write_ipv6(std::byte* at, const IpHeader& header) noexcept {
  base::store_be(at, std::uint32_t{0x60000000});
  base::store_be(at + 4, header.payload_bytes);
  at[6] = std::byte{header.protocol};
  at[7] = std::byte{header.hop_limit};
  write_ip(at + 8, header.src);
  write_ip(at + 24, header.dst);
}

}  // namespace

void write_ip_header(std::byte* at, const IpHeader& header, bool checksum) noexcept {
  MUST(header.src.v6 == header.dst.v6);
  MUST(header.payload_bytes <= 0xFFFF - kIpv4Bytes);
  if (header.src.v6) write_ipv6(at, header);
  else write_ipv4(at, header, checksum);
}

}  // namespace weft::nic
