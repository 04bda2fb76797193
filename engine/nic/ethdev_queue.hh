// EthdevQueue: one queue pair of one DPDK ethdev as a PacketPort.
// With a gate (memif, see device_thread.hh) the queue looks empty and refuses frames while the gate is closed.
#pragma once

#include "engine/nic/packet_port.hh"
#include "engine/share/gate.hh"

namespace weft::nic {

class EthdevQueue final : public PacketPort {
 public:
  // `gate` may be null; it must outlive the queue.
  EthdevQueue(std::uint16_t port, std::uint16_t queue, share::Gate* gate) noexcept
      : port_(port), queue_(queue), gate_(gate) {}
  std::uint32_t rx_burst(std::span<rte_mbuf*> out, base::Instant now) noexcept override;
  std::uint32_t tx_burst(std::span<rte_mbuf*> frames, base::Instant now) noexcept override;

 private:
  const std::uint16_t port_, queue_;
  share::Gate* const gate_;
};

}  // namespace weft::nic
