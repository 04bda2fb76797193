// Fixed slots handed out by number with a generation, so that a stale reference is seen and not believed.
// Owner: one thread. Bounds: the span given at construction; take() fails when empty, nothing waits.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/must.hh"

namespace weft::base {

struct SlotRef {
  std::uint16_t slot = 0;
  std::uint16_t generation = 0;
  friend constexpr bool operator==(SlotRef, SlotRef) = default;
  // One word on the wire and in cookies; a peer echoes it, we check it.
  [[nodiscard]] constexpr std::uint32_t word() const { return (std::uint32_t{generation} << 16) | slot; }
  static constexpr SlotRef from_word(std::uint32_t word) {
    return {static_cast<std::uint16_t>(word & 0xFFFF), static_cast<std::uint16_t>(word >> 16)};
  }
};

class SlotPool {
 public:
  struct Entry {
    std::uint16_t generation = 1;
    std::uint16_t next = 0;
    bool taken = false;
  };
  // `entries` must outlive the pool; at most 65 535 of them.
  explicit SlotPool(std::span<Entry> entries) noexcept : entries_(entries) {
    MUST(entries.size() < kNone);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      entries_[i] = Entry{};
      entries_[i].next = i + 1 < entries.size() ? static_cast<std::uint16_t>(i + 1) : kNone;
    }
    first_ = entries.empty() ? kNone : std::uint16_t{0};
    free_ = static_cast<std::uint32_t>(entries.size());
  }
  // False when no slot is free.
  [[nodiscard]] bool try_take(SlotRef& out) noexcept {
    if (first_ == kNone) return false;
    Entry& entry = entries_[first_];
    MUST(!entry.taken);
    entry.taken = true;
    out = SlotRef{first_, entry.generation};
    first_ = entry.next;
    --free_;
    return true;
  }
  void give_back(SlotRef ref) noexcept {
    MUST(is_current(ref));
    Entry& entry = entries_[ref.slot];
    entry.taken = false;
    // Generation 0 never exists, so a zeroed reference is never current.
    entry.generation = static_cast<std::uint16_t>(entry.generation == 0xFFFF ? 1 : entry.generation + 1);
    entry.next = first_;
    first_ = ref.slot;
    ++free_;
  }
  [[nodiscard]] bool is_current(SlotRef ref) const noexcept {
    return ref.slot < entries_.size() && entries_[ref.slot].taken && entries_[ref.slot].generation == ref.generation;
  }
  [[nodiscard]] std::uint32_t free() const noexcept { return free_; }
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(entries_.size()); }

 private:
  static constexpr std::uint16_t kNone = 0xFFFF;
  std::span<Entry> entries_;
  std::uint16_t first_ = kNone;
  std::uint32_t free_ = 0;
};

}  // namespace weft::base
