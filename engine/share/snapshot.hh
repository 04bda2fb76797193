// A whole value published by version from one writer to one reader: reports and tables.
// The writer fills the slot that is not in use and bumps the version; the reader adopts it at the top of its
// turn and says so. The writer publishes again only after the last version was adopted: nobody waits, nobody
// retries, and no byte is ever read while it is written (a seqlock's torn read is undefined behaviour in C++).
// Threads:  try_publish() only from the writer, adopt() and current() only from the reader.
// Lag:      a reader that does not come by makes try_publish() return false; the writer counts it and goes on.
// Orders:   published_ release -> adopt() acquire covers the slot's bytes; adopted_ release -> try_publish()
//           acquire gives the other slot back to the writer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <type_traits>

#include "engine/base/limits.hh"

namespace weft::share {

template <typename T> class Snapshot {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Snapshot() noexcept = default;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  [[nodiscard]] bool try_publish(const T& value) noexcept {
    const std::uint32_t version = published_.load(std::memory_order_relaxed);  // own word
    if (adopted_.load(std::memory_order_acquire) != version) return false;
    slots_[(version + 1) & 1] = value;
    published_.store(version + 1, std::memory_order_release);
    return true;
  }
  // True when a newer value was adopted. current() stays valid and unchanged until the next adopt().
  bool adopt() noexcept {
    const std::uint32_t version = published_.load(std::memory_order_acquire);
    if (version == adopted_.load(std::memory_order_relaxed)) return false;  // own word
    adopted_.store(version, std::memory_order_release);
    return true;
  }
  [[nodiscard]] const T& current() const noexcept { return slots_[adopted_.load(std::memory_order_relaxed) & 1]; }

 private:
  // writer: the publisher; readers: the adopter
  alignas(base::kFalseSharingBytes) std::atomic<std::uint32_t> published_{0};
  // writer: the adopter; readers: the publisher
  alignas(base::kFalseSharingBytes) std::atomic<std::uint32_t> adopted_{0};
  alignas(base::kFalseSharingBytes) std::array<T, 2> slots_{};
};

}  // namespace weft::share
