// Flow: where the datagrams of one lane go. A value made once on control (Port::make_flow) and read by one
// data core for every packet; plain so that it can be copied anywhere.
// Ports are in host order. `neighbour` is the slot of the next hop in the port's share::Neighbours.
#pragma once

#include <cstdint>

#include "engine/base/types.hh"

namespace weft::nic {

struct Flow {
  base::IpAddress src{}, dst{};   // one family
  std::uint16_t src_udp = 0, dst_udp = 0;
  std::uint32_t neighbour = 0;
};

}  // namespace weft::nic
