// A whole value published by version from one writer to one reader: reports and tables.
// The writer fills the slot that is not in use and bumps the version; the reader adopts it at the top of its
// turn and says so. The writer publishes again only after the last version was adopted: nobody waits, nobody
// retries, and no byte is ever read while it is written (a seqlock's torn read is undefined behaviour in C++).
// Threads:  try_publish() only from the writer, adopt() and current() only from the reader.
// Lag:      a reader that does not come by makes try_publish() return false; the writer counts it and goes on.
// Orders:   stand at published_ and adopted_. tests/unit/share shows that each is needed and enough.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "engine/base/limits.hh"
#include "engine/share/memory.hh"

namespace weft::share {

template <typename T, typename Mem = Memory> class Snapshot {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  using Slot = typename Mem::template Cell<T>;     // T

  Snapshot() noexcept = default;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  [[nodiscard]] bool try_publish(const T& value) noexcept {
    const std::uint32_t version = published_.load(std::memory_order_relaxed);
    if (adopted_.load(std::memory_order_acquire) != version) return false;
    slots_[(version + 1) & 1] = value;
    published_.store(version + 1, std::memory_order_release);
    return true;
  }
  // True when a newer value was adopted. current() stays valid and unchanged until the next adopt().
  bool adopt() noexcept {
    const std::uint32_t version = published_.load(std::memory_order_acquire);
    if (version == adopted_.load(std::memory_order_relaxed)) return false;
    adopted_.store(version, std::memory_order_release);
    return true;
  }
  [[nodiscard]] const Slot& current() const noexcept { return slots_[adopted_.load(std::memory_order_relaxed) & 1]; }

 private:
  using Version = typename Mem::template Atomic<std::uint32_t>;

  // Values ever published, modulo 2^32; its lowest bit names the slot. writer: the publisher; reader: the adopter.
  //   release  try_publish() stores it after the value: who sees the version sees every byte of it.
  //   acquire  adopt() loads it before anyone reads the slot, and pairs with that store.
  //   relaxed  try_publish() loads its own word.
  alignas(base::kFalseSharingBytes) Version published_{0};
  // The version in use. writer: the adopter; reader: the publisher.
  //   release  adopt() stores it after the last read of the old slot: that slot is the publisher's again.
  //   acquire  try_publish() loads it before it writes that slot, and pairs with that store.
  //   relaxed  adopt() and current() load their own word.
  alignas(base::kFalseSharingBytes) Version adopted_{0};
  alignas(base::kFalseSharingBytes) std::array<Slot, 2> slots_{};
};

}  // namespace weft::share
