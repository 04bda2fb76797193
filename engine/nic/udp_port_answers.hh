// Frames that UdpPort turns around or hands to the host's kernel within one rx(): at most one of the two per received
// frame, so they fit one burst.
// Private to udp_port*.cc.
#pragma once

#include "engine/base/fixed_vector.hh"
#include "engine/nic/udp_port.hh"

namespace weft::nic {

struct UdpPort::Answers {
  base::FixedVector<rte_mbuf*, kBurst> frames{};
  base::FixedVector<rte_mbuf*, kBurst> for_host{};
};

}  // namespace weft::nic
