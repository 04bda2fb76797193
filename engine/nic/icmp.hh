// Echo replies (RFC 792, RFC 4443 §4.2), so that an operator can ping a port. Pure.
#pragma once

#include <cstdint>

#include "engine/base/bytes.hh"
#include "engine/nic/classify.hh"

namespace weft::nic {

inline constexpr std::uint8_t kIcmpEchoReply = 0, kIcmpEcho = 8;
inline constexpr std::uint8_t kIcmpv6Echo = 128, kIcmpv6EchoReply = 129, kIcmpv6Solicit = 135, kIcmpv6Advert = 136;

// Turns the echo request that classify() saw in `frame` into its reply, in place; returns the reply's length
// (padding cut off). The answer goes back to the MAC it came from: no neighbour is needed, and none is learnt.
[[nodiscard]] std::size_t make_echo_reply(base::MutableBytes frame, const Frame& seen, const LocalView& local) noexcept;

}  // namespace weft::nic
