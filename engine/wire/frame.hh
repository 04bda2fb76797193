// Frames: what a sealed packet says. FORMAT.md §5 holds the bytes; every number is big-endian and
// of fixed width, so that a frame's size is known before it is written and no byte depends on a
// value.
// Called by: the data agent (all), sched (Ack). Threads: values and functions without state.
// Encoding trusts its caller: a value that the format cannot say is our bug (MUST). Decoding trusts
// nobody: a value that is never valid makes the reader not ok(), and the whole packet is dropped
// and counted.
// Not here: whether a value makes sense now (handle granted? extent outstanding? packet number ever
// sent?).
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/bytes.hh"
#include "engine/base/fixed_vector.hh"
#include "engine/base/limits.hh"

namespace weft::wire {

enum class FrameType : std::uint8_t {
  kPadding = 0x00,         // one byte; any number of them anywhere. The reader skips them silently
  kPing = 0x01,            // asks for an ack, says nothing
  kAck = 0x02,
  kRequest = 0x03,
  kChunk = 0x04,
  kReject = 0x05,
  kPathChallenge = 0x06,
  kPathResponse = 0x07,
  kPathStatus = 0x08,
  kPathAbandon = 0x09,
  kClose = 0x0A,
};
// Frames that the receiver acknowledges: all but padding and ACK itself (RFC 9002 §2).
[[nodiscard]] constexpr bool is_ack_eliciting(FrameType type) noexcept {
  return type != FrameType::kPadding && type != FrameType::kAck;
}

// Packet numbers first … last, both included. No initialisers: the 32 places of an Ack stay
// untouched until used.
struct AckRange {
  std::uint64_t first;
  std::uint64_t last;
  friend constexpr bool operator==(const AckRange&, const AckRange&) = default;
};
inline constexpr std::size_t kAckRangesMax = 32;

// Acknowledges packets that came on this core's lane of `path`; may itself travel on any lane of
// the core. ranges: newest first, at least one packet number missing between neighbours,
// ranges[0].last == largest.
struct Ack {
  std::uint8_t path = 0;           // PathId, < kPathsMax
  std::uint64_t largest = 0;       // <= kPacketNumberMax
  std::uint32_t delay_us = 0;      // from the receipt of `largest` to the sending of this ack
  base::FixedVector<AckRange, kAckRangesMax> ranges{};
};

// Puller -> server: send me these bytes of the file behind `handle`.
struct Request {
  std::uint32_t handle = 0;        // from the server's GRANT
  std::uint32_t request_id = 0;    // the puller's name for the extent; CHUNK and REJECT repeat it
  std::uint64_t offset = 0;        // in the file; offset + length <= kFileBytesMax
  std::uint32_t length = 0;        // 1 … kSlotBytes
};
inline constexpr std::uint64_t kFileBytesMax = INT64_MAX;   // what off_t can say

// Server -> puller: a part of the extent. data.size() is the length on the wire.
struct Chunk {
  std::uint32_t request_id = 0;
  std::uint32_t offset = 0;        // in the extent; offset + data.size() <= kSlotBytes
  base::Bytes data{};              // 1 … kChunkBytesMax; when decoded, a view into the packet
};
inline constexpr std::uint32_t kChunkBytesMax = UINT16_MAX;

// Server -> puller: there will be no (more) chunks for this request.
enum class RejectReason : std::uint8_t {
  kBusy = 1,             // over requests_max, or no buffer: ask again later
  kUnknownHandle = 2,    // not granted, or closed meanwhile
  kRange = 3,            // outside the file
  kDisk = 4,             // the file could not be read
  kClosed = 5,           // the session is ending
};
[[nodiscard]] const char* name_of(RejectReason reason) noexcept;
struct Reject {
  std::uint32_t request_id = 0;
  RejectReason reason = RejectReason::kBusy;
};

// Sent on the lane under test; the response must come back on the same path with the same data.
struct PathChallenge {
  std::uint64_t data = 0;          // unpredictable (RFC 9000 §8.2.1)
};
struct PathResponse {
  std::uint64_t data = 0;
};

// The sender's wish for a path. The highest seq of a path wins, whatever order the frames come in.
enum class PathUse : std::uint8_t { kAvailable = 1, kBackup = 2 };
struct PathStatus {
  std::uint8_t path = 0;           // < kPathsMax
  std::uint32_t seq = 0;
  PathUse use = PathUse::kAvailable;
};
// The sender will not use this path any more and forgets its keys.
struct PathAbandon {
  std::uint8_t path = 0;           // < kPathsMax
  std::uint32_t reason = 0;        // shown to the operator, nothing depends on it
};
// The sender gives up all lanes of this core and session.
struct Close {
  std::uint32_t code = 0;          // shown to the operator, nothing depends on it
};

// Bytes on the wire, type byte included.
inline constexpr std::size_t kPingBytes = 1;
inline constexpr std::size_t kAckBytesMin = 19;              // one range
inline constexpr std::size_t kAckRangeBytes = 8;             // each further range
inline constexpr std::size_t kAckBytesMax = kAckBytesMin + (kAckRangesMax - 1) * kAckRangeBytes;
inline constexpr std::size_t kRequestBytes = 21;
inline constexpr std::size_t kChunkHeaderBytes = 11;         // data follows
inline constexpr std::size_t kRejectBytes = 6;
inline constexpr std::size_t kPathChallengeBytes = 9;
inline constexpr std::size_t kPathResponseBytes = 9;
inline constexpr std::size_t kPathStatusBytes = 7;
inline constexpr std::size_t kPathAbandonBytes = 6;
inline constexpr std::size_t kCloseBytes = 5;
static_assert(base::kPathsMax <= 256);

// How many of `ack.ranges` encode() writes: a gap or range longer than 2^32 packets ends the list
// early. Saying less is always allowed in an ack.
[[nodiscard]] std::size_t encodable_ranges(const Ack& ack) noexcept;
[[nodiscard]] std::size_t encoded_size(const Ack& ack) noexcept;
[[nodiscard]] inline std::size_t encoded_size(const Chunk& chunk) noexcept {
  return kChunkHeaderBytes + chunk.data.size();
}

// Append one frame. The caller makes room first (sizes above).
void encode_padding(base::ByteWriter& out, std::size_t count) noexcept;
void encode_ping(base::ByteWriter& out) noexcept;
void encode(base::ByteWriter& out, const Ack& ack) noexcept;
void encode(base::ByteWriter& out, const Request& request) noexcept;
void encode(base::ByteWriter& out, const Chunk& chunk) noexcept;
void encode(base::ByteWriter& out, const Reject& reject) noexcept;
void encode(base::ByteWriter& out, const PathChallenge& challenge) noexcept;
void encode(base::ByteWriter& out, const PathResponse& response) noexcept;
void encode(base::ByteWriter& out, const PathStatus& status) noexcept;
void encode(base::ByteWriter& out, const PathAbandon& abandon) noexcept;
void encode(base::ByteWriter& out, const Close& close) noexcept;
// The CHUNK frame without its data, for SealJob: the head ends here and `length` bytes of
// SealJob::body follow.
void encode_chunk_header(base::ByteWriter& out, std::uint32_t request_id, std::uint32_t offset,
                         std::uint32_t length) noexcept;

// One decoded frame. Only the member that `type` names is meaningful; plain members instead of a
// union, because reading the wrong one is then a logic error and not undefined behaviour. Make one
// and use it for the whole burst.
struct Frame {
  FrameType type = FrameType::kPadding;
  Request request{};
  Chunk chunk{};
  Reject reject{};
  PathChallenge path_challenge{};
  PathResponse path_response{};
  PathStatus path_status{};
  PathAbandon path_abandon{};
  Close close{};
  Ack ack{};
};

// A look ahead: true if the packet's first frame is a CHUNK, as nearly all of a transfer are; then `out` is what FrameReader will
// say of it.
[[nodiscard]] bool begins_with_chunk(base::Bytes plaintext, Chunk& out) noexcept;

// Walks the frames of one opened packet.
//   FrameReader reader(plaintext);
//   while (reader.next(frame)) …            // padding is never returned
//   if (!reader.ok()) …                     // count Drop::kFrame, take no more of it
// Frames before an error have been given out already; each stands alone, so nothing is torn.
class FrameReader {
 public:
  explicit FrameReader(base::Bytes plaintext) noexcept : in_(plaintext) {}
  // False at the end and on the first error; ok() tells which.
  [[nodiscard]] bool next(Frame& out) noexcept;
  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  bool decode_body(Frame& out) noexcept;
  bool decode_ack(Ack& ack) noexcept;
  bool decode_request(Request& request) noexcept;
  bool decode_reject(Reject& reject) noexcept;
  bool decode_path_status(PathStatus& status) noexcept;
  bool decode_path_abandon(PathAbandon& abandon) noexcept;

  base::ByteReader in_;
  bool ok_ = true;
};

}  // namespace weft::wire
