// The Internet checksum (RFC 1071): one's complement sum of 16-bit words.
// Sums are taken over words as they lie in memory: the result is stored as it is, without swapping, on any machine.
// Pure. A piece that is followed by another must have an even length.
#pragma once

#include <cstdint>

#include "engine/base/bytes.hh"
#include "engine/base/types.hh"

namespace weft::nic {

// Adds bytes to an unfolded sum. Bound: 2^32 bytes.
[[nodiscard]] std::uint64_t checksum_add(std::uint64_t sum, base::Bytes bytes) noexcept;
// The sum folded to 16 bits, not complemented: 0xFFFF when a whole message with its checksum is right.
[[nodiscard]] constexpr std::uint16_t checksum_fold(std::uint64_t sum) noexcept {
  while ((sum >> 16) != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}
// What goes into the field, to be copied byte by byte (memcpy).
[[nodiscard]] inline std::uint16_t checksum_finish(std::uint64_t sum) noexcept {
  return static_cast<std::uint16_t>(~checksum_fold(sum));
}
// Of the pseudo-header that UDP and ICMPv6 sum with their message (RFC 768, RFC 8200 §8.1).
[[nodiscard]] std::uint64_t pseudo_sum(const base::IpAddress& src, const base::IpAddress& dst,
                                       std::uint8_t protocol, std::uint32_t l4_bytes) noexcept;

}  // namespace weft::nic
