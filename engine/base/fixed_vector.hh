// A vector with its room inside: for small lists built and dropped within one turn, without the heap.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include "engine/base/must.hh"

namespace weft::base {

template <typename T, std::size_t Capacity> class FixedVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // False when full: the caller decides whether that is a bug or a limit.
  [[nodiscard]] bool try_push(const T& value) noexcept {
    if (size_ == Capacity) return false;
    items_[size_++] = value;
    return true;
  }
  void clear() noexcept { size_ = 0; }
  void pop_back() noexcept { MUST(size_ > 0); --size_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool full() const noexcept { return size_ == Capacity; }
  T& operator[](std::size_t i) noexcept { MUST(i < size_); return items_[i]; }
  const T& operator[](std::size_t i) const noexcept { MUST(i < size_); return items_[i]; }
  T& back() noexcept { MUST(size_ > 0); return items_[size_ - 1]; }
  T* begin() noexcept { return items_; }
  T* end() noexcept { return items_ + size_; }
  const T* begin() const noexcept { return items_; }
  const T* end() const noexcept { return items_ + size_; }
  [[nodiscard]] std::span<T> span() noexcept { return {items_, size_}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {items_, size_}; }
  static constexpr std::size_t capacity() { return Capacity; }

 private:
  std::size_t size_ = 0;
  T items_[Capacity];
};

}  // namespace weft::base
