// Frames that UdpPort turns around within one rx(): at most one per received frame, so they fit one burst.
// Private to udp_port*.cc.
#pragma once

#include "engine/base/fixed_vector.hh"
#include "engine/nic/udp_port.hh"

namespace weft::nic {

struct UdpPort::Answers {
  base::FixedVector<rte_mbuf*, kBurst> frames{};
};

}  // namespace weft::nic
