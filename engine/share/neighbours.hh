// The link-layer addresses of the next hops of one port, shared by all data cores of that port.
// A slot belongs to one next-hop IP for the life of the process; its MAC is one word, written whole by whichever
// core hears the answer and read by all: there is nothing to tear, and a late reader only asks once more.
// Threads: add() from control before the slot's number is given to any core; find(), get() and set() from any data
// core; ip() from any thread that has the number from find() or from control.
// Orders:  stand at count_ and macs_. tests/unit/share shows that they are enough, and those above relaxed needed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "engine/base/limits.hh"
#include "engine/base/must.hh"
#include "engine/base/types.hh"
#include "engine/share/memory.hh"

namespace weft::share {

template <typename Mem = Memory> class BasicNeighbours {
 public:
  // Next hops per port.
  static constexpr std::size_t kMax = base::kSessionsMax * base::kRemotesPerSessionMax;
  using Ip = typename Mem::template Cell<base::IpAddress>;

  // The slot of this next hop, making it if new. nullopt when full.
  std::optional<std::uint32_t> add(const base::IpAddress& next_hop) noexcept {
    const std::uint32_t count = count_.load(std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < count; ++i)
      if (ips_[i] == next_hop) return i;
    if (count == kMax) return std::nullopt;
    ips_[count] = next_hop;
    count_.store(count + 1, std::memory_order_release);
    return count;
  }
  // The slot of an address a packet came from, if it is one of ours.
  [[nodiscard]] std::optional<std::uint32_t> find(const base::IpAddress& ip) const noexcept {
    const std::uint32_t count = count_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < count; ++i)
      if (ips_[i] == ip) return i;
    return std::nullopt;
  }
  [[nodiscard]] const Ip& ip(std::uint32_t slot) const noexcept { return ips_[slot]; }
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
  template <typename T> using Atomic = typename Mem::template Atomic<T>;

  std::array<Ip, kMax> ips_{};
  // Slots in use. writer: control; readers: data.
  //   release  add() stores it after ips_[count]: who sees the number sees the address.
  //   acquire  find() loads it before the addresses, and pairs with that store.
  //   relaxed  add() loads its own word.
  Atomic<std::uint32_t> count_{0};
  // MAC and kKnown in one word. writers and readers: data.
  //   relaxed  get() and set(): the word is all there is, so nothing else has to be seen with it.
  std::array<Atomic<std::uint64_t>, kMax> macs_{};
};

using Neighbours = BasicNeighbours<>;

}  // namespace weft::share
