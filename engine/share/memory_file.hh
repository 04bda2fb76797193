// Files that are nowhere: a disk agent serves what it is told to read of them from a pattern, and takes what it is told to write
// to them without keeping it. For those who measure what the network and the processor do without a disk
// (engine/run/bench_run.hh).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/base/bytes.hh"
#include "engine/base/limits.hh"

namespace weft::share {

// At the place of a descriptor in DiskJob, Grant and OpenWrite.
inline constexpr std::int32_t kMemoryFd = -2;
// The same for writing alone: the data agent does not even hash the blocks. Nothing is kept, so nothing unverified is.
inline constexpr std::int32_t kNowhereFd = -3;
[[nodiscard]] constexpr bool is_nowhere(std::int32_t fd) noexcept { return fd == kMemoryFd || fd == kNowhereFd; }

// The bytes from `offset` on, which is a multiple of 8: one slot's worth that repeats, of numbers that no compression shortens
// (splitmix64 of the place).
inline void fill_pattern(base::MutableBytes out, std::uint64_t offset) noexcept {
  for (std::size_t i = 0; i < out.size(); i += 8) {
    std::uint64_t word = ((offset + i) % base::kSlotBytes / 8 + 1) * 0x9E3779B97F4A7C15u;
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
    word ^= word >> 31;
    std::memcpy(out.data() + i, &word, std::min<std::size_t>(8, out.size() - i));
  }
}

}  // namespace weft::share
