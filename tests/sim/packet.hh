// One packet of a simulated world, and who holds it. Every hand-over is checked: a buffer with two owners, or one that
// is given back twice, is a broken promise of the shipped code.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/types.hh"

namespace weft::sim {

inline constexpr std::uint16_t kPacketRoom = 9216;  // MTU 9000 and what stands around it

struct Packet {
  enum class Holder : std::uint8_t { kNobody, kSender, kNetwork, kPort, kReceiver };
  Holder holder = Holder::kNobody;
  std::uint8_t engine = 0, port = 0, core = 0;  // of kSender and kReceiver
  std::uint32_t held_at = 0;                    // then: where it stands in that port's list (sim_port.hh)
  std::uint16_t bytes = 0;
  std::uint16_t src_udp = 0, dst_udp = 0;
  base::IpAddress src{};
  alignas(64) std::array<std::byte, kPacketRoom> data;
};

// All packets of a world. Grows to what was needed at one time; the senders' own limits are at their ports.
class PacketPool {
 public:
  [[nodiscard]] Packet* take() {
    if (free_.empty()) {
      all_.push_back(std::unique_ptr<Packet>(new Packet));  // without zeroing 9 KiB
      return all_.back().get();
    }
    Packet* packet = free_.back();
    free_.pop_back();
    return packet;
  }
  void give_back(Packet* packet) {
    packet->holder = Packet::Holder::kNobody;
    free_.push_back(packet);
  }
  [[nodiscard]] std::size_t out() const { return all_.size() - free_.size(); }

 private:
  std::vector<std::unique_ptr<Packet>> all_;
  std::vector<Packet*> free_;
};

}  // namespace weft::sim
