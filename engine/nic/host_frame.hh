// Which frames of a port with an exception path are the host kernel's. Pure.
//
// The host shares the port's MAC and IP address, so what is divided is the traffic:
//   ours     UDP to our UDP ports; ARP requests, neighbour solicitations and echo requests for our addresses
//   both     ARP replies and neighbour advertisements: each side resolves its next hops for itself
//   host's   everything else that is addressed to our MAC or to a group: TCP, other UDP ports, fragments, echo replies,
//            other protocols and addresses, broadcasts
//   nobody's frames to other stations, and what is damaged in a way that no host would accept
// Not here: taking them there (host_path.hh).
#pragma once

#include "engine/base/bytes.hh"
#include "engine/nic/classify.hh"

namespace weft::nic {

// `seen` is what classify() said of `frame`: kDrop. A frame that UdpPort itself then has no use for (ARP and ND that
// are not about us) asks with its own reason in `seen.drop`.
[[nodiscard]] bool is_for_host(base::Bytes frame, const Frame& seen, const LocalView& local) noexcept;

}  // namespace weft::nic
