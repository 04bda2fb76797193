// Steering: makes a card bring the datagrams of core i's UDP port to queue i. Control only, once per port.
// Flow rules where the driver has them. Elsewhere the card's hash, with a key that every weft knows: senders choose source
// ports that it brings to the right queue (rss.hh). Where neither is to be had (memif's and af_packet's own choice of
// queue), the data agents hand datagrams over to the core they are meant for.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>

namespace weft::nic {

struct PortConfig;

// Asks for hashing of UDP, with our key where the card takes one of its length.
void ask_for_rss(rte_eth_conf& conf, const rte_eth_dev_info& info, const PortConfig& config) noexcept;

// After the start. Returns the entries of the card's table when the queue follows from rss_hash(); 0 when it does not, or
// need not because flow rules are in place.
[[nodiscard]] std::uint32_t steer(std::uint16_t dpdk_port, const PortConfig& config, std::uint32_t cores) noexcept;

}  // namespace weft::nic
