// The link-layer addresses of the next hops of one port, shared by all data cores of that port.
// A slot belongs to one next-hop IP for the life of the process; its MAC is one word, written whole by whichever
// core hears the answer and read by all: there is nothing to tear, so relaxed order is enough and a late reader
// only asks once more.
// Threads: add() from control before the slot's number is given to any core; get/set from any data core.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "engine/base/limits.hh"
#include "engine/base/must.hh"
#include "engine/base/types.hh"

namespace weft::share {

class Neighbours {
 public:
  static constexpr std::size_t kMax = 64;  // next hops per port: kSessionsMax peers, some behind one gateway

  // The slot of this next hop, making it if new. nullopt when full.
  std::optional<std::uint32_t> add(const base::IpAddress& next_hop) noexcept {
    const std::uint32_t count = count_.load(std::memory_order_relaxed);  // own word: only control adds
    for (std::uint32_t i = 0; i < count; ++i)
      if (ips_[i] == next_hop) return i;
    if (count == kMax) return std::nullopt;
    ips_[count] = next_hop;
    count_.store(count + 1, std::memory_order_release);  // publishes ips_[count] to find()
    return count;
  }
  // The slot of an address a packet came from, if it is one of ours.
  [[nodiscard]] std::optional<std::uint32_t> find(const base::IpAddress& ip) const noexcept {
    const std::uint32_t count = count_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < count; ++i)
      if (ips_[i] == ip) return i;
    return std::nullopt;
  }
  [[nodiscard]] const base::IpAddress& ip(std::uint32_t slot) const noexcept { return ips_[slot]; }
  // False while unknown.
  [[nodiscard]] bool get(std::uint32_t slot, base::Mac& out) const noexcept {
    MUST_SLOW(slot < kMax);
    const std::uint64_t word = macs_[slot].load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < 6; ++i) out[i] = static_cast<std::uint8_t>(word >> (8 * i));
    return (word & kKnown) != 0;
  }
  void set(std::uint32_t slot, const base::Mac& mac) noexcept {
    MUST(slot < kMax);
    std::uint64_t word = kKnown;
    for (std::size_t i = 0; i < 6; ++i) word |= std::uint64_t{mac[i]} << (8 * i);
    macs_[slot].store(word, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t kKnown = std::uint64_t{1} << 63;
  std::array<base::IpAddress, kMax> ips_{};
  std::atomic<std::uint32_t> count_{0};              // writer: control; readers: data
  std::array<std::atomic<std::uint64_t>, kMax> macs_{};  // writers and readers: data
};

}  // namespace weft::share
