// Two stations on one wire, and frames between them, for the tests of this folder.
#pragma once

#include <cstring>
#include <string_view>
#include <vector>

#include "engine/nic/address.hh"
#include "engine/nic/classify.hh"
#include "engine/nic/encapsulate.hh"
#include "engine/nic/flow.hh"
#include "engine/nic/headers.hh"

namespace weft::nic::test {

using FrameBytes = std::vector<std::byte>;

inline const base::IpAddress kAlice4 = ipv4(10, 1, 0, 1), kBob4 = ipv4(10, 1, 0, 2);
inline const base::IpAddress kAlice6 = parse_ip("fd00:1::1").value(), kBob6 = parse_ip("fd00:1::2").value();
inline constexpr base::Mac kAliceMac{2, 0, 0, 0, 0, 1}, kBobMac{2, 0, 0, 0, 0, 2};

inline LocalView alice() { return {kAliceMac, kAlice4, kAlice6, 7000, 2}; }

// A datagram from Bob to Alice's first UDP port.
inline Flow bob_to_alice(bool v6) { return {v6 ? kBob6 : kBob4, v6 ? kAlice6 : kAlice4, 9000, 7000, 0}; }
inline FrameBytes datagram(const Flow& flow, std::string_view payload, ChecksumBy by = ChecksumBy::kSoftware) {
  FrameBytes frame(header_bytes(flow.src.v6) + payload.size());
  std::memcpy(frame.data() + header_bytes(flow.src.v6), payload.data(), payload.size());
  encapsulate(frame, flow, kBobMac, kAliceMac, by);
  return frame;
}

}  // namespace weft::nic::test
