// The reading half of frame.hh: what a peer says. Nothing here may MUST on a value that came in.
#include "engine/wire/frame.hh"
#include "engine/wire/packet.hh"

namespace weft::wire {

namespace {
bool decode_chunk(base::ByteReader& in, Chunk& chunk) noexcept {
  chunk.request_id = in.be<std::uint32_t>();
  chunk.offset = in.be<std::uint32_t>();
  const std::uint32_t length = in.be<std::uint16_t>();
  if (length == 0 || chunk.offset > base::kSlotBytes - length) return false;
  chunk.data = in.take(length);
  return true;
}
static_assert(kChunkBytesMax <= base::kSlotBytes);   // the subtraction above
}  // namespace

bool begins_with_chunk(base::Bytes plaintext, Chunk& out) noexcept {
  base::ByteReader in(plaintext);
  return static_cast<FrameType>(in.be<std::uint8_t>()) == FrameType::kChunk && decode_chunk(in, out) && in.ok();
}

bool FrameReader::next(Frame& out) noexcept {
  if (!ok_) return false;
  while (!in_.empty()) {
    out.type = static_cast<FrameType>(in_.be<std::uint8_t>());
    if (out.type == FrameType::kPadding) continue;
    // A reader that ran out gave zeros, which may have looked valid: hence both.
    ok_ = decode_body(out) && in_.ok();
    return ok_;
  }
  return false;
}

bool FrameReader::decode_body(Frame& out) noexcept {
  switch (out.type) {
    case FrameType::kPing: return true;
    case FrameType::kAck: return decode_ack(out.ack);
    case FrameType::kRequest: return decode_request(out.request);
    case FrameType::kChunk: return decode_chunk(in_, out.chunk);
    case FrameType::kReject: return decode_reject(out.reject);
    case FrameType::kPathChallenge: out.path_challenge.data = in_.be<std::uint64_t>(); return true;
    case FrameType::kPathResponse: out.path_response.data = in_.be<std::uint64_t>(); return true;
    case FrameType::kPathStatus: return decode_path_status(out.path_status);
    case FrameType::kPathAbandon: return decode_path_abandon(out.path_abandon);
    case FrameType::kClose: out.close.code = in_.be<std::uint32_t>(); return true;
    case FrameType::kPadding: break;
  }
  return false;
}

bool FrameReader::decode_ack(Ack& ack) noexcept {
  ack.path = in_.be<std::uint8_t>();
  ack.delay_us = in_.be<std::uint32_t>();
  ack.largest = in_.be<std::uint64_t>();
  const std::size_t further = in_.be<std::uint8_t>();
  if (ack.path >= base::kPathsMax || ack.largest > kPacketNumberMax) return false;
  if (further > kAckRangesMax - 1) return false;

  ack.ranges.clear();
  std::uint64_t last = ack.largest;
  for (std::size_t i = 0;; ++i) {
    const std::uint64_t below = in_.be<std::uint32_t>();   // packets of the range below `last`
    if (below > last || !in_.ok()) return false;
    const std::uint64_t first = last - below;
    if (!ack.ranges.try_push(AckRange{first, last})) return false;
    if (i == further) return true;
    const std::uint64_t gap = in_.be<std::uint32_t>();     // missing packets - 1
    if (first < gap + 2) return false;
    last = first - gap - 2;
  }
}

bool FrameReader::decode_request(Request& request) noexcept {
  request.handle = in_.be<std::uint32_t>();
  request.request_id = in_.be<std::uint32_t>();
  request.offset = in_.be<std::uint64_t>();
  request.length = in_.be<std::uint32_t>();
  if (request.length == 0 || request.length > base::kSlotBytes) return false;
  return request.offset <= kFileBytesMax - request.length;
}

bool FrameReader::decode_reject(Reject& reject) noexcept {
  reject.request_id = in_.be<std::uint32_t>();
  reject.reason = static_cast<RejectReason>(in_.be<std::uint8_t>());
  return reject.reason >= RejectReason::kBusy && reject.reason <= RejectReason::kClosed;
}

bool FrameReader::decode_path_status(PathStatus& status) noexcept {
  status.path = in_.be<std::uint8_t>();
  status.seq = in_.be<std::uint32_t>();
  status.use = static_cast<PathUse>(in_.be<std::uint8_t>());
  if (status.use != PathUse::kAvailable && status.use != PathUse::kBackup) return false;
  return status.path < base::kPathsMax;
}

bool FrameReader::decode_path_abandon(PathAbandon& abandon) noexcept {
  abandon.path = in_.be<std::uint8_t>();
  abandon.reason = in_.be<std::uint32_t>();
  return abandon.path < base::kPathsMax;
}

}  // namespace weft::wire
