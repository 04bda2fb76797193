// Flow: where the datagrams of one lane go (share::Flow); made on control by Port::make_flow, read by one data core
// for every packet.
#pragma once

#include "engine/share/datagram_port.hh"

namespace weft::nic {

using share::Flow;

}  // namespace weft::nic
