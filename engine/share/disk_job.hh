// DiskJob: data agent -> its disk agent. DiskDone: back. Each over one SpscRing.
// Buffers are named by slot of the core's SlotBuffers (engine/disk), files by a number of the caller's choosing
// below DiskLimits::files (engine/disk). Every job is answered by exactly one DiskDone with its cookie.
#pragma once

#include <cstdint>
#include <type_traits>

namespace weft::share {

struct DiskJob {
  enum class Kind : std::uint8_t { kInstall, kRemove, kRead, kWrite };
  Kind kind{};
  bool direct = false;          // kInstall: the fd was opened with O_DIRECT
  std::uint16_t slot = 0;       // kRead, kWrite
  std::uint32_t file = 0;
  std::int32_t fd = -1;         // kInstall; or one of those that are nowhere (memory_file.hh)
  std::uint32_t length = 0;     // kRead, kWrite: 1 … kSlotBytes
  std::uint64_t offset = 0;     // multiple of kDirectAlignment when the file is direct
  std::uint64_t cookie = 0;
};
static_assert(std::is_trivially_copyable_v<DiskJob>);

struct DiskDone {
  std::uint64_t cookie = 0;
  // Bytes moved (kRead: less than length only at the end of the file; kWrite: always length), 0 for kInstall and
  // kRemove; negative errno on failure.
  std::int32_t result = 0;
};
static_assert(std::is_trivially_copyable_v<DiskDone>);

}  // namespace weft::share
