// A FIFO of table entries, linked through the entries' own `next` words: no memory of its own, so it is never full.
// Owner: one data core. An entry stands in at most one FIFO at a time; the table's owner sees to that.
#pragma once

#include <cstdint>

#include "engine/base/must.hh"

namespace weft::run {

inline constexpr std::uint16_t kNoIndex = 0xFFFF;

// Table: indexable, with a member `std::uint16_t next` per entry.
class IndexFifo {
 public:
  template <typename Table> void push_back(Table& table, std::uint16_t index) noexcept {
    table[index].next = kNoIndex;
    if (last_ == kNoIndex) first_ = index;
    else table[last_].next = index;
    last_ = index;
    ++count_;
  }
  template <typename Table> void push_front(Table& table, std::uint16_t index) noexcept {
    table[index].next = first_;
    if (first_ == kNoIndex) last_ = index;
    first_ = index;
    ++count_;
  }
  template <typename Table> std::uint16_t pop_front(Table& table) noexcept {
    MUST(first_ != kNoIndex);
    const std::uint16_t index = first_;
    first_ = table[index].next;
    if (first_ == kNoIndex) last_ = kNoIndex;
    --count_;
    return index;
  }
  // O(length): for cancellation only.
  template <typename Table> bool remove(Table& table, std::uint16_t index) noexcept {
    for (std::uint16_t at = first_, before = kNoIndex; at != kNoIndex; before = at, at = table[at].next) {
      if (at != index) continue;
      if (before == kNoIndex) first_ = table[at].next;
      else table[before].next = table[at].next;
      if (last_ == at) last_ = before;
      --count_;
      return true;
    }
    return false;
  }
  [[nodiscard]] bool empty() const noexcept { return first_ == kNoIndex; }
  [[nodiscard]] std::uint16_t front() const noexcept { return first_; }
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

 private:
  std::uint16_t first_ = kNoIndex, last_ = kNoIndex;
  std::uint32_t count_ = 0;
};

}  // namespace weft::run
