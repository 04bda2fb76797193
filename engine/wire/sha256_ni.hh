// The SHA-256 compression function (FIPS 180-4 §6.2.2) on two streams with the SHA-NI instructions of x86.
// Called by sha256_pair.cc only, and only where cpu_has_sha_ni().
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::wire {

[[nodiscard]] bool cpu_has_sha_ni() noexcept;

// `state` is the eight words of FIPS 180-4, `data` holds blocks * 64 bytes; both may be unaligned.
struct Sha256Lane {
  std::uint32_t* state;
  const std::byte* data;
};
void sha256_compress_two(Sha256Lane a, Sha256Lane b, std::size_t blocks) noexcept;

}  // namespace weft::wire
