#include "engine/nic/checksum.hh"

#include <cstring>

namespace weft::nic {

namespace {

std::uint64_t load(const std::byte* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// One's complement addition: what is carried out at the top comes in at the bottom.
void add(std::uint64_t& sum, std::uint64_t word) noexcept {
  sum += word;
  sum += sum < word ? 1 : 0;
}

}  // namespace

// Any width of words gives the same folded sum, because 2^16, 2^32 and 2^64 are all 1 modulo 2^16-1. Four chains,
// because each addition waits for the carry of the one before: 1400 bytes in 35 ns, one chain took 110.
std::uint64_t checksum_add(std::uint64_t sum, base::Bytes bytes) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t a = 0, b = 0, c = 0, d = 0;
  for (; left >= 32; left -= 32, at += 32) {
    add(a, load(at));
    add(b, load(at + 8));
    add(c, load(at + 16));
    add(d, load(at + 24));
  }
  for (; left >= 8; left -= 8, at += 8) add(a, load(at));
  for (const std::uint64_t chain : {a, b, c, d}) sum += (chain & 0xFFFFFFFF) + (chain >> 32);
  if (left >= 4) {
    std::uint32_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
    left -= 4;
    at += 4;
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

std::uint64_t pseudo_sum(const base::IpAddress& src, const base::IpAddress& dst, std::uint8_t protocol,
                         std::uint32_t l4_bytes) noexcept {
  const std::size_t address_bytes = src.v6 ? 16 : 4;
  std::uint64_t sum = checksum_add(0, std::as_bytes(std::span(src.bytes).first(address_bytes)));
  sum = checksum_add(sum, std::as_bytes(std::span(dst.bytes).first(address_bytes)));
  sum += base::swap_to_be(static_cast<std::uint16_t>(protocol));
  return sum + base::swap_to_be(l4_bytes);  // IPv4's 16-bit length is the same number in 32 bits
}

}  // namespace weft::nic
