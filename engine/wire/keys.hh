// Packet keys: from the secret of a session to the key of one lane, direction and epoch; and how
// long a key lasts. Called by control (it hands keys to the data cores in AddLane and SetKeys) and,
// for the epoch arithmetic, by data.
// Source: RFC 5869 (HKDF), RFC 9001 §6 and appendix B (key update, limits). Bytes: FORMAT.md §4.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/bytes.hh"
#include "engine/base/result.hh"
#include "engine/base/types.hh"
#include "engine/share/command.hh"

namespace weft::wire {

// The session secret comes from the TLS exporter of the link with this label and an empty context
// (RFC 5705 §4 leaves labels that begin with EXPERIMENTAL to private use).
// One secret, one life of a lane: a lane that is made again with its packet numbers starting at 0
// needs another secret, other ports or an epoch that this secret never used, or a nonce repeats (FORMAT.md §4).
inline constexpr std::size_t kSessionSecretBytes = 32;
inline constexpr std::string_view kExporterLabel = "EXPERIMENTAL weft session 1";

// Direction is a property of the pair, so that both ends name it alike: device IDs compare as
// 32-byte big-endian numbers, and one device is the low one.
enum class Direction : std::uint8_t { kLowToHigh = 0, kHighToLow = 1 };
// The direction in which `ours` sends. The IDs differ: a device has no session with itself (MUST).
[[nodiscard]] Direction send_direction(const base::DeviceId& ours,
                                       const base::DeviceId& peers) noexcept;
[[nodiscard]] constexpr Direction opposite(Direction direction) noexcept {
  return direction == Direction::kLowToHigh ? Direction::kHighToLow : Direction::kLowToHigh;
}

// AES-GCM's confidentiality limit for an advantage of 2^-57 (RFC 9001 appendix B.1): q <= 2^35 / l
// packets, l = blocks of 16 bytes per packet. The largest UDP payload is below 2^16 bytes = 2^12
// blocks: q = 2^23. A smaller packet would allow more (2^28 at 2 KiB), but an epoch costs only one
// derivation, so the bound that needs no proof is used.
// After Soft packets with one key the sender moves on if it has the next keys; after Max it must
// not send.
inline constexpr std::uint64_t kPacketsPerEpochMax = std::uint64_t{1} << 23;
inline constexpr std::uint64_t kPacketsPerEpochSoft = std::uint64_t{1} << 22;

// A path as keys know it: its id, and which of the ports that bore its two numbers one after the other it joins.
struct KeyedPath {
  base::PathId id{};
  std::uint32_t low_generation = 0, high_generation = 0;   // of the low and of the high device's port
};

// Key and IV of one lane (path x core), direction and epoch. No two argument lists share a key.
// Threads: any; calls OpenSSL and uses the heap, so control only. Errors: kCrypto when OpenSSL
// refuses, kInvalidArgument when the secret is not kSessionSecretBytes long.
[[nodiscard]] base::Result<share::PacketKey> derive_packet_key(
    base::Bytes session_secret, const KeyedPath& path, base::CoreId core, Direction direction,
    std::uint32_t epoch);

// The epoch that the 8 bits in a header stand for: the receiver's current one, the one before or
// the one after. nullopt for anything else (Drop::kEpoch).
[[nodiscard]] constexpr std::optional<std::uint32_t> expand_epoch(std::uint32_t current,
                                                                  std::uint8_t low_bits) noexcept {
  switch (static_cast<std::uint8_t>(low_bits - static_cast<std::uint8_t>(current))) {
    case 0: return current;
    case 1: if (current != UINT32_MAX) return current + 1; break;
    case 0xFF: if (current != 0) return current - 1; break;
    default: break;
  }
  return std::nullopt;
}

}  // namespace weft::wire
