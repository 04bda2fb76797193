// First in, first out, for small numbers: which operations wait for what. The room is taken once,
// at construction. Owner: one thread. Full is our bug: every number lies in at most one queue,
// once.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/must.hh"

namespace weft::disk {

class IndexQueue {
 public:
  explicit IndexQueue(std::uint32_t capacity)
      : items_(std::make_unique<std::uint32_t[]>(capacity)), capacity_(capacity) {}
  void push(std::uint32_t index) noexcept {
    MUST(size_ < capacity_);
    std::uint32_t at = first_ + size_;
    if (at >= capacity_) at -= capacity_;
    items_[at] = index;
    ++size_;
  }
  [[nodiscard]] std::uint32_t front() const noexcept {
    MUST(size_ > 0);
    return items_[first_];
  }
  std::uint32_t pop() noexcept {
    const std::uint32_t index = front();
    first_ = first_ + 1 == capacity_ ? 0 : first_ + 1;
    --size_;
    return index;
  }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  std::unique_ptr<std::uint32_t[]> items_;
  std::uint32_t capacity_;
  std::uint32_t first_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace weft::disk
