// Steering: makes a card bring the datagrams of core i's UDP port to queue i. Control only, once per port.
// Flow rules where the driver has them. Elsewhere the card's hash (or memif's and af_packet's own choice of queue)
// decides, and the data agents hand datagrams over to the core they are meant for.
#pragma once

#include <cstdint>

namespace weft::nic {

struct PortConfig;

// True when all rules are in place. One core needs none. On a refusal the rules made so far are taken back.
[[nodiscard]] bool steer(std::uint16_t dpdk_port, const PortConfig& config, std::uint32_t cores) noexcept;

}  // namespace weft::nic
