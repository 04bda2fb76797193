// The clear header in front of every sealed packet: 16 bytes, all of them authenticated (FORMAT.md
// §2). Called by the data agent for each packet sent and received.
// Not here: what is inside (frame.hh), how it is sealed (aead.hh), whether it was seen before
// (replay_window.hh).
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/bytes.hh"
#include "engine/share/report.hh"

namespace weft::wire {

inline constexpr std::size_t kHeaderBytes = 16;
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kOverheadBytes = kHeaderBytes + kTagBytes;
// A packet without a frame says nothing: shorter ones are dropped before any key is touched.
inline constexpr std::size_t kPacketBytesMin = kOverheadBytes + 1;
// The largest UDP payload there is; also the packet size that kPacketsPerEpochMax (keys.hh) is
// worked out for.
inline constexpr std::size_t kPacketBytesMax = 65'507;

// Packet numbers of a lane and direction are 0, 1, 2 … and go on through key epochs. A lane sends
// no higher one (2^62 packets at 1 Gpps are 146 years); a receiver refuses higher ones, so that
// sums never overflow.
inline constexpr std::uint64_t kPacketNumberMax = (std::uint64_t{1} << 62) - 1;

enum class PacketType : std::uint8_t {
  kData = 0x01,
};

struct PacketHeader {
  PacketType type = PacketType::kData;
  std::uint8_t key_epoch = 0;          // low 8 bits; expand_epoch() in keys.hh restores the rest
  std::uint32_t receiver_index = 0;    // names the lane to the receiver, who chose it
  std::uint64_t packet_number = 0;     // 0 … kPacketNumberMax
  friend constexpr bool operator==(const PacketHeader&, const PacketHeader&) = default;
};

// Writes kHeaderBytes at `at`.
void encode_header(std::byte* at, const PacketHeader& header) noexcept;

// Reads the header of a whole packet (header, sealed frames, tag). False: drop it and count `why`:
// kShort below kPacketBytesMin; kType for a type we do not speak, or for reserved bytes that are
// not zero (a later format); kReplay above kPacketNumberMax. `out` is written only on success.
// Nothing in it is authentic until the packet is opened; use it to find lane and key only.
[[nodiscard]] bool decode_header(base::Bytes packet, PacketHeader& out, share::Drop& why) noexcept;

}  // namespace weft::wire
