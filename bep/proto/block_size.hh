// Which block size a file gets and how its blocks lie. Pure. Source: bep_facts §11.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/limits.hh"
#include "engine/base/types.hh"

namespace weft::proto {

// A file has fewer blocks than this until blocks are largest.
inline constexpr std::int64_t kBlocksWanted = 2000;

// Smallest power of two from 128 KiB to 16 MiB with size < 2000 * block size. size >= 0 (MUST).
[[nodiscard]] std::int32_t block_size_for(std::int64_t size) noexcept;
// The same on a rescan: the old block size stays while it is within a factor of 2 of the ideal one,
// because a new one would change every hash. `old` 0: none.
[[nodiscard]] std::int32_t block_size_for(std::int64_t size, std::int32_t old) noexcept;

// How a file of `size` bytes is cut: every block has block_size bytes but the last. An empty file
// has one empty block.
struct BlockLayout {
  std::int64_t size = 0;
  std::int32_t block_size = static_cast<std::int32_t>(base::kBlockBytesMin);   // > 0

  [[nodiscard]] std::int64_t count() const noexcept;
  [[nodiscard]] std::int64_t offset_of(std::int64_t index) const noexcept {
    return index * block_size;
  }
  [[nodiscard]] std::int32_t size_of(std::int64_t index) const noexcept;   // index < count() (MUST)
};

// SHA-256 of a block of zeros of one of the eight standard sizes; nullopt for other sizes. Such a
// block is left as a hole and never requested.
[[nodiscard]] std::optional<base::Sha256> zero_block_hash(std::int32_t size) noexcept;
[[nodiscard]] const base::Sha256& empty_block_hash() noexcept;   // SHA-256 of nothing

}  // namespace weft::proto
