// A port that a fuzzer fills and empties by hand: one core's view of it, in UDP payloads.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "engine/share/datagram_port.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {

class RunPort final : public share::DatagramPort {
 public:
  static constexpr std::uint16_t kRoom = 1472;

  explicit RunPort(base::PortId id) : id_(id) {}
  std::deque<Buffer> in;             // what rx() will give
  std::vector<Buffer> out;           // what tx() took
  std::uint32_t tx_room = ~0u;       // packets that tx() still takes

  // Buffers that the agent has.
  [[nodiscard]] std::size_t held() const { return held_.size(); }

  std::uint32_t rx(std::span<share::RxDatagram> to, base::Instant) noexcept override {
    std::uint32_t count = 0;
    for (; count < to.size() && count < share::kBurst && !in.empty(); in.pop_front()) {
      Buffer& packet = give(std::move(in.front()));
      to[count++] = {.payload = packet.data(), .bytes = static_cast<std::uint16_t>(packet.size()), .dst_udp = 1,
                     .src_udp = 2, .port = id_, .src = {}, .packet = &packet};
    }
    return count;
  }
  void release(std::span<const share::RxDatagram> datagrams) noexcept override {
    for (const auto& datagram : datagrams) (void)take(datagram.packet);
  }
  std::uint32_t tx_alloc(std::span<share::TxSlot> to) noexcept override {
    for (share::TxSlot& slot : to) {
      Buffer& packet = give(Buffer(kRoom));
      slot = {.payload = packet.data(), .room = kRoom, .packet = &packet};
    }
    return static_cast<std::uint32_t>(to.size());
  }
  void tx_cancel(std::span<const share::TxSlot> slots) noexcept override {
    for (const auto& slot : slots) (void)take(slot.packet);
  }
  std::uint32_t tx(std::span<const share::TxItem> items, base::Instant) noexcept override {
    std::uint32_t count = 0;
    for (; count < items.size() && tx_room > 0; --tx_room) {
      const auto& item = items[count++];
      const auto packet = take(item.packet);
      CHECK(item.bytes <= packet->size());
      packet->resize(item.bytes);
      out.push_back(std::move(*packet));
    }
    return count;
  }

 private:
  Buffer& give(Buffer bytes) {
    auto packet = std::make_unique<Buffer>(std::move(bytes));
    Buffer& given = *packet;
    held_[&given] = std::move(packet);
    return given;
  }
  std::unique_ptr<Buffer> take(void* packet) {
    const auto found = held_.find(packet);
    CHECK(found != held_.end());                  // given back once, and only what was given
    auto back = std::move(found->second);
    held_.erase(found);
    return back;
  }
  base::PortId id_;
  std::map<void*, std::unique_ptr<Buffer>> held_;
};

}  // namespace weft::fuzz
