// PacketPort: the seam below UdpPort, one queue pair of one port as one data core sees it.
// Real: EthdevQueue (ethdev_queue.hh). Decorator: ImpairStage (impair.hh). Tests: a wire in memory.
// Virtual once per burst, never per packet. Owner: one data core. Nothing waits, nothing allocates.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/time.hh"

struct rte_mbuf;

namespace weft::nic {

inline constexpr std::uint32_t kBurst = 64;   // frames per call: one datagram burst (share/datagram_port.hh)

class PacketPort {
 public:
  virtual ~PacketPort() = default;
  // Fills `out` from the front, at most out.size() frames; ownership goes to the caller.
  virtual std::uint32_t rx_burst(std::span<rte_mbuf*> out, base::Instant now) noexcept = 0;
  // Takes frames from the front and says how many; the rest stays the caller's.
  virtual std::uint32_t tx_burst(std::span<rte_mbuf*> frames, base::Instant now) noexcept = 0;
  // When the port wants to be polled although nothing arrives (frames held back); kNever if never.
  [[nodiscard]] virtual base::Instant next_deadline() const noexcept { return base::kNever; }
};

}  // namespace weft::nic
