// One core's view of one simulated port: share::DatagramPort over a Network.
// Full queues are the point: the receive queue drops, the transmit ring takes fewer, the pool gives fewer, each at the
// size that the seed drew. Every packet that passes is checked for who holds it.
// Owner: an engine, for one of its lives; the packets that it held are gone with it.
#pragma once

#include <deque>

#include "engine/share/datagram_port.hh"
#include "tests/sim/network.hh"

namespace weft::sim {

// What all views of one port share, and what survives an engine's death.
struct PortShared {
  PortName name{};
  base::Instant down_until{};  // without carrier until then
  std::vector<Packet*> held;   // by agents: to send, or received and not released
};

// Addresses are numbers: 10.engine.port.1.
[[nodiscard]] base::IpAddress address_of(PortName name);
[[nodiscard]] PortName port_of(const base::IpAddress& address);

class SimPort final : public share::DatagramPort {
 public:
  // `shared` outlives this.
  SimPort(Scene& scene, Network& network, PortShared& shared, std::uint8_t core);
  ~SimPort() override;  // a crash: takes back all that the port's agents hold

  std::uint32_t rx(std::span<share::RxDatagram> out, base::Instant now) noexcept override;
  void release(std::span<const share::RxDatagram> datagrams) noexcept override;
  std::uint32_t tx_alloc(std::span<share::TxSlot> out) noexcept override;
  void tx_cancel(std::span<const share::TxSlot> slots) noexcept override;
  std::uint32_t tx(std::span<const share::TxItem> items, base::Instant now) noexcept override;

  void arrive(Packet* packet);  // from the network
  [[nodiscard]] bool has_input() const { return !queue_.empty(); }

 private:
  [[nodiscard]] Packet* checked(void* packet, Packet::Holder holder, const char* where);
  void hold(Packet* packet, Packet::Holder holder);
  void let_go(Packet* packet);
  void send(Packet* packet, const share::TxItem& item);

  Scene& scene_;
  Network& network_;
  PortShared& shared_;
  const std::uint8_t core_;
  std::deque<Packet*> queue_;
  std::size_t sending_ = 0;  // buffers that this core has to send from
};

}  // namespace weft::sim
