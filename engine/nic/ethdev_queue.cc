#include "engine/nic/ethdev_queue.hh"

#include <rte_ethdev.h>

namespace weft::nic {

std::uint32_t EthdevQueue::rx_burst(std::span<rte_mbuf*> out, base::Instant) noexcept {
  if (gate_ != nullptr && !gate_->try_enter()) return 0;
  const std::uint32_t count = rte_eth_rx_burst(port_, queue_, out.data(), static_cast<std::uint16_t>(out.size()));
  if (gate_ != nullptr) gate_->leave();
  return count;
}

std::uint32_t EthdevQueue::tx_burst(std::span<rte_mbuf*> frames, base::Instant) noexcept {
  if (frames.empty()) return 0;  // memif looks at the first frame before it looks at the count
  if (gate_ != nullptr && !gate_->try_enter()) return 0;
  const std::uint32_t count = rte_eth_tx_burst(port_, queue_, frames.data(), static_cast<std::uint16_t>(frames.size()));
  if (gate_ != nullptr) gate_->leave();
  return count;
}

}  // namespace weft::nic
