// Receive side scaling: which queue a card gives a datagram to, computed as the card does it, so that a sender chooses a
// source port whose datagrams reach the core that they are for. Pure; control only.
// Source: Microsoft, "RSS hashing functions" (Toeplitz hash, key and test vectors); Intel 82599 datasheet 7.1.2.8.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "engine/share/datagram_port.hh"

namespace weft::nic {

// Every weft gives its cards this key, so that any peer can tell what they will do. Not a secret: packets are
// authenticated, and a core that gets another's hands it over.
inline constexpr std::array<std::uint8_t, 40> kRssKey = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

// A card's table has a power of two entries, of which entry i names queue i modulo the number of queues.
inline constexpr std::uint32_t kRssTableMax = 4096;
[[nodiscard]] constexpr bool is_rss_table(std::uint32_t entries) noexcept {
  return entries > 0 && entries <= kRssTableMax && (entries & (entries - 1)) == 0;
}

// Of addresses and UDP ports, in the order of the packet.
[[nodiscard]] std::uint32_t rss_hash(const share::Flow& flow) noexcept;

// The source port nearest above `flow.src_udp` (which is tried first, and round by 49152 when 65535 is passed) with which
// the receiver's card brings the flow to `queue` of `queues`. Nothing when no port does: `queue` is not in the table.
[[nodiscard]] std::optional<std::uint16_t> source_port_for(const share::Flow& flow, std::uint32_t entries,
                                                           std::uint32_t queues, std::uint32_t queue) noexcept;

}  // namespace weft::nic
