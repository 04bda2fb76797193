// Why bytes from a peer were refused: one value per rule, so that each can be counted, logged and
// tested.
// Who uses it: every decoder of this folder; bep/net and bep/model count and log it. There is no
// "other".
// Severity: a Reason either ends the link (closes_link) or spoils one index entry, which is then
// kept as invalid.
// Source: bep_facts §4, §5, §8, §10.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::proto {

enum class Reason : std::uint8_t {
  kNone,                    // nothing wrong
  // Hello. The socket is closed without further bytes.
  kHelloMagicOld,           // a magic of a version that is no longer spoken
  kHelloMagicUnknown,
  kHelloTooLong,
  kHelloBroken,             // protobuf does not decode
  kHelloTimeout,
  // Framing. The stream cannot be followed any more: closed without a Close message, as stock does.
  kHeaderTooLong,
  kHeaderBroken,
  kCompressionUnknown,
  kLengthNegative,
  kLengthTooLong,           // above the bound for its type
  kLz4TooShort,             // no room for the length in front
  kLz4TooLong,              // declares more than the bound, or more than its bytes could hold
  kLz4Broken,
  kLz4LengthMismatch,       // decoded bytes differ from the declared ones
  kMessageBroken,           // protobuf does not decode, or a string is not UTF-8
  kMessageTooMany,          // more entries than a message may have
  // Dispatch. A Close with the reason goes out first.
  kNotClusterConfigFirst,
  kDeviceIdLength,          // in a ClusterConfig: not 32 bytes
  kNameInvalid,             // not clean, absolute, "..", NUL: in Index or Request
  kFileWithoutBlocks,       // neither deleted nor invalid, type file, no blocks
  kDeletedWithBlocks,
  kDirectoryWithBlocks,
  kSymlinkWithBlocks,
  kRequestRange,            // negative offset or size, size above 32 MiB, offset + size overflows
  kPrivateBroken,
  // Nothing read for the read timeout; no Close, nobody is there to read it.
  kReadTimeout,
  // One index entry. It is kept with `invalid` set and without blocks, so it is never pulled; the
  // link lives on.
  kFileTypeUnknown,
  kFileSizeNegative,
  kBlockSizeInvalid,        // not a power of two, negative, or above 16 MiB
  kBlockLayout,             // blocks do not tile the file: their sizes or the sum
  kBlockHashLength,
  kVersionInvalid,          // a counter id twice, or too many counters
  kSymlinkTargetInvalid,    // empty, or holds NUL
  kCount,
};
inline constexpr std::size_t kReasonCount = static_cast<std::size_t>(Reason::kCount);

[[nodiscard]] const char* name_of(Reason reason) noexcept;   // "lz4_broken": for metrics
// "LZ4 data does not decode": for logs and Close.
[[nodiscard]] const char* text_of(Reason reason) noexcept;
// True: the link must be closed. False: one index entry is spoilt (or kNone).
[[nodiscard]] bool closes_link(Reason reason) noexcept;
// True: closing for it sends Close{reason} first (dispatch errors). Implies closes_link.
[[nodiscard]] bool sends_close(Reason reason) noexcept;

// Owner: whoever counts. Never wraps in practice (one per message).
struct ReasonCounters {
  std::array<std::uint64_t, kReasonCount> counts{};
  void count(Reason reason) noexcept { ++counts[static_cast<std::size_t>(reason)]; }
  [[nodiscard]] std::uint64_t of(Reason reason) const noexcept {
    return counts[static_cast<std::size_t>(reason)];
  }
};

}  // namespace weft::proto
