#include "engine/nic/headers.hh"

#include <cstring>

#include "engine/nic/checksum.hh"

namespace weft::nic {

base::IpAddress read_ip(const std::byte* at, bool v6) noexcept {
  base::IpAddress ip;
  ip.v6 = v6;
  std::memcpy(ip.bytes.data(), at, v6 ? 16 : 4);
  return ip;
}

void write_ethernet(std::byte* at, const base::Mac& dst, const base::Mac& src, std::uint16_t type) noexcept {
  write_mac(at, dst);
  write_mac(at + 6, src);
  base::store_be(at + 12, type);
}

namespace {

std::uint32_t v4_number(const base::IpAddress& ip) noexcept {
  std::uint32_t number;
  std::memcpy(&number, ip.bytes.data(), sizeof number);
  return base::swap_to_be(number);
}

// The sum is made of the numbers, not of the bytes just written: reading those back in wider words waits for the
// narrow stores to leave the CPU's store buffer, which took a sixth of a sending core's time.
void write_ipv4(std::byte* at, const IpHeader& header, bool checksum) noexcept {
  constexpr std::uint32_t kVersionWordsClass = 0x4500;   // version 4, 5 words, no service class
  constexpr std::uint32_t kFlags = 0x4000;               // identification 0, don't fragment
  const std::uint32_t length = static_cast<std::uint32_t>(kIpv4Bytes) + header.payload_bytes;
  const std::uint32_t life = std::uint32_t{header.hop_limit} << 8 | header.protocol;
  const std::uint32_t src = v4_number(header.src), dst = v4_number(header.dst);
  std::uint32_t sum = kVersionWordsClass + length + kFlags + life;
  sum += (src >> 16) + (src & 0xFFFF) + (dst >> 16) + (dst & 0xFFFF);
  const std::uint16_t field = checksum ? static_cast<std::uint16_t>(~checksum_fold(sum)) : std::uint16_t{0};
  base::store_be(at, kVersionWordsClass << 16 | length);
  base::store_be(at + 4, kFlags);
  base::store_be(at + 8, life << 16 | field);
  base::store_be(at + 12, src);
  base::store_be(at + 16, dst);
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
