#include "engine/nic/checksum.hh"

#include <cstring>

namespace weft::nic {

// 32-bit words into 64-bit sums: since 2^16 = 1 modulo 2^16-1, wider words give the same folded sum, and the
// compiler makes vector code of this loop.
std::uint64_t checksum_add(std::uint64_t sum, base::Bytes bytes) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 4; left -= 4, at += 4) {
    std::uint32_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
  }
  if (left >= 2) {
    std::uint16_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
    left -= 2;
    at += 2;
  }
  if (left == 1) {  // padded with a zero byte behind it
    const std::byte pair[2] = {*at, std::byte{0}};
    std::uint16_t word;
    std::memcpy(&word, pair, sizeof word);
    sum += word;
  }
  return sum;
}

std::uint16_t checksum_fold(std::uint64_t sum) noexcept {
  while ((sum >> 16) != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

std::uint64_t pseudo_sum(const base::IpAddress& src, const base::IpAddress& dst, std::uint8_t protocol,
                         std::uint32_t l4_bytes) noexcept {
  const std::size_t address_bytes = src.v6 ? 16 : 4;
  std::uint64_t sum = checksum_add(0, std::as_bytes(std::span(src.bytes).first(address_bytes)));
  sum = checksum_add(sum, std::as_bytes(std::span(dst.bytes).first(address_bytes)));
  sum += base::swap_to_be(static_cast<std::uint16_t>(protocol));
  return sum + base::swap_to_be(l4_bytes);  // IPv4's 16-bit length is the same number in 32 bits
}

}  // namespace weft::nic
