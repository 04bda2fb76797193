// A set of small numbers: which places of a table are in use. Walking it touches those places alone, where a flag in each
// place would fetch a line of memory of every one, each time a core that was at rest looks for work.
// Owner: one thread. Bounds: numbers below 64. A walk is of the set as it was at its beginning.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "engine/base/must.hh"

namespace weft::base {

class IndexSet {
 public:
  static constexpr std::size_t kMax = 64;

  void add(std::size_t index) noexcept { bits_ |= bit(index); }
  void remove(std::size_t index) noexcept { bits_ &= ~bit(index); }
  [[nodiscard]] bool has(std::size_t index) const noexcept { return (bits_ & bit(index)) != 0; }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(std::popcount(bits_)); }

  // Upwards from `first`, then those below it.
  class Walk {
   public:
    class Iterator {
     public:
      Iterator(std::uint64_t left, std::size_t first) noexcept : left_(left), first_(first) {}
      std::size_t operator*() const noexcept { return (static_cast<std::size_t>(std::countr_zero(left_)) + first_) % kMax; }
      Iterator& operator++() noexcept {
        left_ &= left_ - 1;
        return *this;
      }
      bool operator==(std::default_sentinel_t) const noexcept { return left_ == 0; }

     private:
      std::uint64_t left_;
      std::size_t first_;
    };
    Walk(std::uint64_t bits, std::size_t first) noexcept : left_(std::rotr(bits, static_cast<int>(first))), first_(first) {}
    [[nodiscard]] Iterator begin() const noexcept { return {left_, first_}; }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

   private:
    std::uint64_t left_;   // the bit of `first` is the lowest
    std::size_t first_;
  };
  [[nodiscard]] Walk from(std::size_t first) const noexcept {
    MUST(first < kMax);
    return {bits_, first};
  }
  [[nodiscard]] Walk::Iterator begin() const noexcept { return {bits_, 0}; }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  [[nodiscard]] static std::uint64_t bit(std::size_t index) noexcept {
    MUST(index < kMax);
    return std::uint64_t{1} << index;
  }

  std::uint64_t bits_ = 0;
};

}  // namespace weft::base
