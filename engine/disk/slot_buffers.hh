// SlotBuffers: the memory of one data core's slots, one mapping for network and disk alike, so that
// a block's bytes are copied once (by the AEAD) between the packet and the disk.
// Threads: made by control, then only named by slot number; a slot's bytes belong to whoever holds
//          the slot (the data agent's SlotPool decides), never to two agents at a time.
// Bounds:  count * base::kSlotBytes, 1 <= count <= kSlotsMax, taken once at construction and never
//          grown.
// Layout:  starts on a 2 MiB boundary and asks for transparent huge pages, so that every slot
//          satisfies kDirectAlignment and registering the mapping pins few pages.
// Not here: which slot is free (base::SlotPool), NUMA placement (the thread that touches first
//           decides).
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/bytes.hh"
#include "engine/base/limits.hh"
#include "engine/base/result.hh"

namespace weft::disk {

inline constexpr std::uint32_t kSlotsMax = 65534;  // what base::SlotPool can number

class SlotBuffers {
 public:
  enum class Prefault : bool { kNo, kYes };

  // kYes touches every page now: seconds for many GiB, but no page fault later on a data core.
  // Errors: kInvalidArgument (count), kLimit (the system has no such memory).
  [[nodiscard]] static base::Result<SlotBuffers> allocate(std::uint32_t count,
                                                          Prefault prefault = Prefault::kYes);
  SlotBuffers(SlotBuffers&& other) noexcept;
  SlotBuffers& operator=(SlotBuffers&& other) noexcept;
  SlotBuffers(const SlotBuffers&) = delete;
  SlotBuffers& operator=(const SlotBuffers&) = delete;
  // Every DiskAgent that was started on these buffers is gone by then.
  ~SlotBuffers();

  // The kSlotBytes bytes of one slot; `number` < count().
  [[nodiscard]] base::MutableBytes slot(std::uint16_t number) const noexcept {
    MUST(number < count_);
    return {start_ + std::size_t{number} * base::kSlotBytes, base::kSlotBytes};
  }
  [[nodiscard]] base::MutableBytes all() const noexcept {
    return {start_, std::size_t{count_} * base::kSlotBytes};
  }
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

 private:
  SlotBuffers(std::byte* start, std::uint32_t count) noexcept : start_(start), count_(count) {}
  void unmap() noexcept;

  std::byte* start_ = nullptr;
  std::uint32_t count_ = 0;
};

}  // namespace weft::disk
