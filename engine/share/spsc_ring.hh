// One-producer, one-consumer ring: the only way a value moves from one core to another.
// Threads:  push() and room() only from the producer, pop() only from the consumer, nothing else from anyone.
// Bounds:   slots.size() items, a power of two, fixed at construction; no call waits or allocates.
// Full:     push() takes what fits and says how many. The caller keeps the rest; it must not spin,
//           because the consumer may be waiting for *this* core to drain another ring.
// Layout:   each side's index and its stale copy of the other's share one line, so a turn that
//           finds room touches no line of the other core.
// Orders:   stand at tail_ and head_. tests/unit/share shows that each is needed and enough.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <type_traits>

#include "engine/base/limits.hh"
#include "engine/base/must.hh"
#include "engine/share/memory.hh"

namespace weft::share {

template <typename T, typename Mem = Memory> class SpscRing {
  static_assert(std::is_trivially_copyable_v<T>);  // items cross by value, never by ownership

 public:
  using Slot = typename Mem::template Cell<T>;     // T

  // `slots` must outlive the ring.
  explicit SpscRing(std::span<Slot> slots) noexcept
      : slots_(slots), mask_(static_cast<std::uint32_t>(slots.size()) - 1) {
    MUST(std::has_single_bit(slots.size()));
    MUST(slots.size() <= (1u << 30));
  }
  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;

  // Producer. Returns how many items went in, from the front of `items`.
  [[nodiscard]] std::uint32_t push(std::span<const T> items) noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    std::uint32_t room = static_cast<std::uint32_t>(slots_.size()) - (tail - head_seen_);
    if (room < items.size()) {
      head_seen_ = head_.load(std::memory_order_acquire);
      room = static_cast<std::uint32_t>(slots_.size()) - (tail - head_seen_);
    }
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(room, items.size()));
    for (std::uint32_t i = 0; i < count; ++i) slots_[(tail + i) & mask_] = items[i];
    tail_.store(tail + count, std::memory_order_release);
    return count;
  }
  [[nodiscard]] bool push_one(const T& item) noexcept { return push(std::span<const T>(&item, 1)) == 1; }

  // Producer. Items that would fit now, at least.
  [[nodiscard]] std::uint32_t room() noexcept {
    head_seen_ = head_.load(std::memory_order_acquire);
    return static_cast<std::uint32_t>(slots_.size()) - (tail_.load(std::memory_order_relaxed) - head_seen_);
  }

  // Consumer. Returns how many items were written to the front of `out`.
  [[nodiscard]] std::uint32_t pop(std::span<T> out) noexcept {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    std::uint32_t ready = tail_seen_ - head;
    if (ready < out.size()) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      ready = tail_seen_ - head;
    }
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(ready, out.size()));
    for (std::uint32_t i = 0; i < count; ++i) out[i] = slots_[(head + i) & mask_];
    head_.store(head + count, std::memory_order_release);
    return count;
  }
  [[nodiscard]] bool pop_one(T& out) noexcept { return pop(std::span<T>(&out, 1)) == 1; }

  [[nodiscard]] std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(slots_.size()); }

 private:
  using Index = typename Mem::template Atomic<std::uint32_t>;

  const std::span<Slot> slots_;
  const std::uint32_t mask_;
  // Items ever pushed, modulo 2^32. writer: producer; reader: consumer.
  //   release  push() stores it after the items: who sees the number sees the items.
  //   acquire  pop() loads it before the items, and pairs with that store.
  //   relaxed  push() and room() load their own word.
  alignas(base::kFalseSharingBytes) Index tail_{0};
  std::uint32_t head_seen_ = 0;  // producer's own stale copy; older is only less room
  // Items ever popped, modulo 2^32. writer: consumer; reader: producer.
  //   release  pop() stores it after copying the items out: who sees the number may overwrite the slots.
  //   acquire  push() and room() load it before slots are written, and pair with that store.
  //   relaxed  pop() loads its own word.
  alignas(base::kFalseSharingBytes) Index head_{0};
  std::uint32_t tail_seen_ = 0;  // consumer's own stale copy; older is only fewer items
};

}  // namespace weft::share
