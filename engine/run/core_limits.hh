// How much one data core holds at one time, in things rather than bytes: the sizes of its tables, which control's end of
// the core keeps to. The defaults are the shipped sizes; a smaller engine (or a simulated one) gives smaller numbers.
// Bounds: REQUIRES of each field; checked where the tables are made.
#pragma once

#include <cstdint>

#include "engine/base/limits.hh"

namespace weft::run {

// Blocks that control may have ordered from one core and not seen the end of.
inline constexpr std::uint32_t kFetchesPerCoreMax = 2048;
// What one device may have outstanding at one core of ours; told in the offer.
inline constexpr std::uint32_t kRequestsMax = 512;
// Extents that one core serves, or will serve when slots are free: every peer's at once, so that none takes them from
// another.
inline constexpr std::uint32_t kExtentsMax = base::kSessionsMax * kRequestsMax;

// A port's rate_mbit (0: no ceiling) is divided evenly: a core that has little to send leaves its part unused.
[[nodiscard]] constexpr std::uint64_t rate_per_core_Bps(std::uint32_t rate_mbit, std::uint32_t cores) {
  return std::uint64_t{rate_mbit} * 125'000 / cores;
}

struct CoreLimits {
  std::uint32_t fetches = kFetchesPerCoreMax;               // 1 … kFetchesPerCoreMax
  std::uint32_t extents = kExtentsMax;                      // 1 … kExtentsMax
  std::uint32_t requests = kRequestsMax;                    // 1 …; of one peer
  std::uint32_t files = base::kFilesPerCoreMax;             // 1 … kFilesPerCoreMax, read and written together
  std::uint32_t block_bytes = base::kBlockBytesMax;         // the largest that is ever ordered; all of it fits the slots
  // Events that may wait for control at one time: what the ring must have room for.
  [[nodiscard]] constexpr std::uint32_t events() const { return fetches + 2 * files + base::kPortsMax; }
};

}  // namespace weft::run
