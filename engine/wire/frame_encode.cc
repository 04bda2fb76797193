// The writing half of frame.hh: what we say, so every check here is a MUST.
#include "engine/wire/frame.hh"
#include "engine/wire/packet.hh"

namespace weft::wire {
namespace {

void put_type(base::ByteWriter& out, FrameType type) noexcept {
  out.be(static_cast<std::uint8_t>(type));
}

}  // namespace

const char* name_of(RejectReason reason) noexcept {
  switch (reason) {
    case RejectReason::kBusy: return "busy";
    case RejectReason::kUnknownHandle: return "unknown handle";
    case RejectReason::kRange: return "outside the file";
    case RejectReason::kDisk: return "disk error";
    case RejectReason::kClosed: return "closed";
  }
  return "?";
}

std::size_t encodable_ranges(const Ack& ack) noexcept {
  MUST(!ack.ranges.empty());
  const std::span<const AckRange> ranges = ack.ranges.span();
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    MUST(ranges[i].first <= ranges[i].last);
    if (i > 0) {
      MUST(ranges[i].last + 1 < ranges[i - 1].first);
      if (ranges[i - 1].first - ranges[i].last - 2 > UINT32_MAX) return i;
    }
    if (ranges[i].last - ranges[i].first > UINT32_MAX) return i + 1;   // written shortened
  }
  return ranges.size();
}

std::size_t encoded_size(const Ack& ack) noexcept {
  return kAckBytesMin + (encodable_ranges(ack) - 1) * kAckRangeBytes;
}

void encode_padding(base::ByteWriter& out, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) put_type(out, FrameType::kPadding);
}

void encode_ping(base::ByteWriter& out) noexcept { put_type(out, FrameType::kPing); }

void encode(base::ByteWriter& out, const Ack& ack) noexcept {
  const std::size_t count = encodable_ranges(ack);
  const std::span<const AckRange> ranges = ack.ranges.span();
  MUST(ack.path < base::kPathsMax);
  MUST(ack.largest == ranges[0].last);
  MUST(ack.largest <= kPacketNumberMax);
  put_type(out, FrameType::kAck);
  out.be(ack.path);
  out.be(ack.delay_us);
  out.be(ack.largest);
  out.be(static_cast<std::uint8_t>(count - 1));
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out.be(static_cast<std::uint32_t>(ranges[i - 1].first - ranges[i].last - 2));
    const std::uint64_t length = ranges[i].last - ranges[i].first;
    out.be(static_cast<std::uint32_t>(length > UINT32_MAX ? UINT32_MAX : length));
  }
}

void encode(base::ByteWriter& out, const Request& request) noexcept {
  MUST(request.length >= 1);
  MUST(request.length <= base::kSlotBytes);
  MUST(request.offset <= kFileBytesMax - request.length);
  put_type(out, FrameType::kRequest);
  out.be(request.handle);
  out.be(request.request_id);
  out.be(request.offset);
  out.be(request.length);
}

void encode_chunk_header(base::ByteWriter& out, std::uint32_t request_id, std::uint32_t offset,
                         std::uint32_t length) noexcept {
  MUST(length >= 1);
  MUST(length <= kChunkBytesMax);
  MUST(offset <= base::kSlotBytes - length);
  put_type(out, FrameType::kChunk);
  out.be(request_id);
  out.be(offset);
  out.be(static_cast<std::uint16_t>(length));
}

void encode(base::ByteWriter& out, const Chunk& chunk) noexcept {
  MUST(chunk.data.size() <= kChunkBytesMax);
  encode_chunk_header(out, chunk.request_id, chunk.offset,
                      static_cast<std::uint32_t>(chunk.data.size()));
  out.put(chunk.data);
}

void encode(base::ByteWriter& out, const Reject& reject) noexcept {
  put_type(out, FrameType::kReject);
  out.be(reject.request_id);
  out.be(static_cast<std::uint8_t>(reject.reason));
}

void encode(base::ByteWriter& out, const PathChallenge& challenge) noexcept {
  put_type(out, FrameType::kPathChallenge);
  out.be(challenge.data);
}

void encode(base::ByteWriter& out, const PathResponse& response) noexcept {
  put_type(out, FrameType::kPathResponse);
  out.be(response.data);
}

void encode(base::ByteWriter& out, const PathStatus& status) noexcept {
  MUST(status.path < base::kPathsMax);
  put_type(out, FrameType::kPathStatus);
  out.be(status.path);
  out.be(status.seq);
  out.be(static_cast<std::uint8_t>(status.use));
}

void encode(base::ByteWriter& out, const PathAbandon& abandon) noexcept {
  MUST(abandon.path < base::kPathsMax);
  put_type(out, FrameType::kPathAbandon);
  out.be(abandon.path);
  out.be(abandon.reason);
}

void encode(base::ByteWriter& out, const Close& close) noexcept {
  put_type(out, FrameType::kClose);
  out.be(close.code);
}

}  // namespace weft::wire
