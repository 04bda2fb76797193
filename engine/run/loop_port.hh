// Two ports joined in memory: the buffer that one sends is the one that the other receives. Owner: one thread for both ends and
// their pool. Bounds: the pool's buffers, kWaitingMax datagrams on their way; beyond it a port refuses, as a full ring does.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/must.hh"
#include "engine/share/datagram_port.hh"

namespace weft::run {

// The newest given back is taken first: it is the likeliest to be in the cache.
class LoopPool {
 public:
  struct alignas(64) Buffer {
    std::array<std::byte, 9216> bytes{};
  };
  explicit LoopPool(std::uint32_t count) : buffers_(count) {
    for (Buffer& buffer : buffers_) free_.push_back(&buffer);
  }
  [[nodiscard]] Buffer* take() noexcept {
    if (free_.empty()) return nullptr;
    Buffer* const taken = free_.back();
    free_.pop_back();
    return taken;
  }
  void give_back(void* buffer) noexcept {
    MUST(free_.size() < buffers_.size());          // so it never grows
    free_.push_back(static_cast<Buffer*>(buffer));
  }

 private:
  std::vector<Buffer> buffers_;
  std::vector<Buffer*> free_;
};

class LoopPort final : public share::DatagramPort {
 public:
  // `payload`: of UDP, that a datagram carries at most.
  LoopPort(base::PortId id, LoopPool& pool, std::uint16_t payload) noexcept : id_(id), pool_(pool), payload_(payload) {
    MUST(payload <= sizeof(LoopPool::Buffer::bytes));
  }
  void join(LoopPort& other) noexcept { other_ = &other; }

  [[nodiscard]] std::uint32_t rx(std::span<share::RxDatagram> out, base::Instant) noexcept override {
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>({out.size(), share::kBurst, last_ - first_}));
    for (std::uint32_t i = 0; i < count; ++i) {
      const Waiting& came = waiting_[first_++ % kWaitingMax];
      out[i] = {.payload = came.buffer->bytes.data(), .bytes = came.bytes, .dst_udp = 1, .src_udp = 1, .port = id_, .src = {},
                .packet = came.buffer};
    }
    return count;
  }
  void release(std::span<const share::RxDatagram> datagrams) noexcept override {
    for (const share::RxDatagram& datagram : datagrams) pool_.give_back(datagram.packet);
  }
  [[nodiscard]] std::uint32_t tx_alloc(std::span<share::TxSlot> out) noexcept override {
    std::uint32_t filled = 0;
    for (share::TxSlot& slot : out) {
      LoopPool::Buffer* const buffer = pool_.take();
      if (buffer == nullptr) break;
      slot = {.payload = buffer->bytes.data(), .room = payload_, .packet = buffer};
      ++filled;
    }
    return filled;
  }
  void tx_cancel(std::span<const share::TxSlot> slots) noexcept override {
    for (const share::TxSlot& slot : slots) pool_.give_back(slot.packet);
  }
  [[nodiscard]] std::uint32_t tx(std::span<const share::TxItem> items, base::Instant) noexcept override {
    std::uint32_t taken = 0;
    for (; taken < items.size() && other_->last_ - other_->first_ < kWaitingMax; ++taken)
      other_->waiting_[other_->last_++ % kWaitingMax] = {static_cast<LoopPool::Buffer*>(items[taken].packet), items[taken].bytes};
    return taken;
  }

 private:
  static constexpr std::uint32_t kWaitingMax = 128;   // two bursts
  struct Waiting {
    LoopPool::Buffer* buffer = nullptr;
    std::uint16_t bytes = 0;
  };
  const base::PortId id_;
  LoopPool& pool_;
  const std::uint16_t payload_;
  LoopPort* other_ = nullptr;
  std::array<Waiting, kWaitingMax> waiting_{};
  std::uint64_t first_ = 0, last_ = 0;               // counted for ever
};

}  // namespace weft::run
