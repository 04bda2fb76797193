// Puts Ethernet, IP and UDP headers in front of a payload that is in place already. Pure.
// Writes absolute values only, so doing it twice to one buffer does no harm (a datagram that was refused is retried).
#pragma once

#include <cstdint>

#include "engine/base/bytes.hh"
#include "engine/base/types.hh"
#include "engine/nic/flow.hh"

namespace weft::nic {

enum class ChecksumBy : std::uint8_t {
  kSoftware,      // all of them
  kSoftwareNoUdp, // UDP's is zero over IPv4 (RFC 768: none), computed over IPv6 (RFC 8200 §8.1 demands it)
  kDevice,        // IPv4's zero and UDP's holding the pseudo-header sum, as DPDK's offload wants them
};

// `frame` is header_bytes(flow's family) of room and then the payload.
void encapsulate(base::MutableBytes frame, const Flow& flow, const base::Mac& src, const base::Mac& dst,
                 ChecksumBy by) noexcept;

}  // namespace weft::nic
