// One bit per chunk of an extent, and the grid that cuts an extent into chunks.
// Why a grid: both ends know the session's chunk size, so 128 bits tell all about an extent, whatever lane a chunk
// takes and however often it is sent.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "engine/base/limits.hh"
#include "engine/base/must.hh"

namespace weft::run {

class ChunkMap {
 public:
  void clear() noexcept { words_ = {}; }
  void fill(std::uint32_t count) noexcept {
    MUST(count <= base::kChunksPerExtentMax);
    words_[0] = count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    words_[1] = count <= 64 ? 0 : count == 128 ? ~std::uint64_t{0} : (std::uint64_t{1} << (count - 64)) - 1;
  }
  [[nodiscard]] bool has(std::uint32_t i) const noexcept { return (words_[i >> 6] >> (i & 63)) & 1; }
  void set(std::uint32_t i) noexcept { words_[i >> 6] |= std::uint64_t{1} << (i & 63); }
  void reset(std::uint32_t i) noexcept { words_[i >> 6] &= ~(std::uint64_t{1} << (i & 63)); }
  [[nodiscard]] bool none() const noexcept { return (words_[0] | words_[1]) == 0; }
  [[nodiscard]] std::uint32_t count() const noexcept {
    return static_cast<std::uint32_t>(std::popcount(words_[0]) + std::popcount(words_[1]));
  }
  // The lowest bit set; the map is not empty (MUST).
  [[nodiscard]] std::uint32_t first() const noexcept {
    if (words_[0] != 0) return static_cast<std::uint32_t>(std::countr_zero(words_[0]));
    MUST(words_[1] != 0);
    return 64 + static_cast<std::uint32_t>(std::countr_zero(words_[1]));
  }

 private:
  std::array<std::uint64_t, base::kChunksPerExtentMax / 64> words_{};
};
static_assert(base::kChunksPerExtentMax == 128);

[[nodiscard]] constexpr std::uint32_t chunk_count(std::uint32_t extent_bytes, std::uint32_t chunk_bytes) {
  return (extent_bytes + chunk_bytes - 1) / chunk_bytes;
}
// Bytes of chunk `index`; the last one may be short.
[[nodiscard]] constexpr std::uint32_t chunk_length(std::uint32_t extent_bytes, std::uint32_t chunk_bytes,
                                                   std::uint32_t index) {
  const std::uint32_t start = index * chunk_bytes;
  return extent_bytes - start < chunk_bytes ? extent_bytes - start : chunk_bytes;
}

}  // namespace weft::run
