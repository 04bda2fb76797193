#include "bep/proto/framing.hh"

#include <lz4.h>

#include <algorithm>

#include "bep/proto/text.hh"
#include "bep/proto/wire_fields.hh"
#include "engine/base/must.hh"

namespace weft::proto {
namespace {

constexpr std::uint32_t kTypeField = 1, kCompressionField = 2;   // of the header
constexpr std::uint64_t kCompressionNone = 0, kCompressionLz4 = 1;
constexpr std::size_t kLz4LengthBytes = 4;
// LZ4 says "255 more" with one byte: no block unpacks to more than this many times its size, plus
// the run that its first token already holds.
constexpr std::size_t kLz4RatioMax = 255;
constexpr std::size_t kLz4SlackBytes = 64;
// Taken at once on the word of a message's announced length, but of a Response; beyond it memory follows the bytes.
constexpr std::size_t kReserveBytesMax = 256u << 10;

bool is_known(MessageType type) noexcept {
  return type >= MessageType::kClusterConfig && type <= MessageType::kClose;
}

}  // namespace

std::size_t FrameDecoder::limit_of(MessageType type) const noexcept {
  switch (type) {
    case MessageType::kIndex:
    case MessageType::kIndexUpdate: return limits_.index_bytes_max;
    case MessageType::kClusterConfig: return limits_.cluster_config_bytes_max;
    case MessageType::kResponse: return limits_.response_bytes_max;
    default: return is_private(type) ? limits_.private_bytes_max : limits_.other_bytes_max;
  }
}

std::size_t FrameDecoder::bytes_held() const noexcept {
  return input_.capacity() + body_.capacity();
}

FrameDecoder::Outcome FrameDecoder::refuse(Reason reason) {
  stage_ = Stage::kDead;
  reason_ = reason;
  input_ = std::vector<std::byte>();   // {} would keep the room
  body_ = std::vector<std::byte>();
  used_ = 0;
  return Outcome::kRefused;
}

// Moves what `bytes` has of the body on its way there; returns how much that was.
std::size_t FrameDecoder::take_body(base::Bytes bytes) {
  const std::size_t count = std::min(bytes.size(), body_bytes_);
  body_bytes_ -= count;
  if (stage_ == Stage::kSkip) return count;
  const std::size_t needed = body_.size() + count;
  if (needed > body_.capacity()) {
    // Of a Response all at once: its limit is a block, and new memory is address space until bytes come.
    const std::size_t ahead = type_ == MessageType::kResponse ? limit_of(type_) : kReserveBytesMax;
    const std::size_t room = std::max({needed, body_.capacity() * 2, ahead});
    body_.reserve(std::min(room, body_.size() + count + body_bytes_));
  }
  append(body_, bytes.first(count));
  return count;
}

void FrameDecoder::feed(base::Bytes bytes) {
  if (stage_ == Stage::kDead) return;
  // Straight into the body where one is under way: most bytes are copied once.
  const bool in_body = stage_ == Stage::kBody || stage_ == Stage::kSkip;
  if (in_body && used_ == input_.size()) bytes = bytes.subspan(take_body(bytes));
  if (used_ > 0) {
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ = 0;
  }
  append(input_, bytes);
}

Reason FrameDecoder::take_header() {
  WireReader reader(pending().first(header_bytes_));
  std::uint64_t type = 0, compression = kCompressionNone;
  for (WireField field; reader.next(field);) {
    if (field.type != WireType::kVarint) continue;
    if (field.number == kTypeField) type = field.value;
    if (field.number == kCompressionField) compression = field.value;
  }
  if (!reader.ok()) return Reason::kHeaderBroken;
  // Also for types that are skipped: the length that follows means nothing otherwise.
  if (compression != kCompressionNone && compression != kCompressionLz4)
    return Reason::kCompressionUnknown;
  used_ += header_bytes_;
  type_ = static_cast<MessageType>(static_cast<std::int32_t>(static_cast<std::uint32_t>(type)));
  lz4_ = compression == kCompressionLz4;
  stage_ = Stage::kMessageLength;
  return Reason::kNone;
}

Reason FrameDecoder::take_length() {
  const auto length = base::load_be<std::uint32_t>(pending().data());
  used_ += sizeof length;
  if (length > INT32_MAX) return Reason::kLengthNegative;
  if (length > kMessageBytesStockMax) return Reason::kLengthTooLong;
  const bool wanted = is_known(type_) || (private_wanted_ && is_private(type_));
  // What does not pack well may be a little longer packed than it is.
  const std::size_t limit = limit_of(type_);
  const std::size_t packed_max = limit + limit / kLz4RatioMax + kLz4LengthBytes + kLz4SlackBytes;
  if (wanted && length > (lz4_ ? packed_max : limit)) return Reason::kLengthTooLong;
  body_bytes_ = length;
  stage_ = wanted ? Stage::kBody : Stage::kSkip;
  return Reason::kNone;
}

Reason FrameDecoder::unpack(std::vector<std::byte>& payload) const {
  if (payload.size() < kLz4LengthBytes) return Reason::kLz4TooShort;
  const std::size_t declared = base::load_be<std::uint32_t>(payload.data());
  const base::Bytes packed = base::Bytes(payload).subspan(kLz4LengthBytes);
  if (declared > limit_of(type_)) return Reason::kLz4TooLong;
  if (declared > packed.size() * kLz4RatioMax + kLz4SlackBytes) return Reason::kLz4TooLong;
  std::vector<std::byte> plain(declared);
  char nothing = 0;   // LZ4 wants an address even for no bytes
  char* to = plain.empty() ? &nothing : reinterpret_cast<char*>(plain.data());
  const int unpacked = LZ4_decompress_safe(reinterpret_cast<const char*>(packed.data()), to,
                                           static_cast<int>(packed.size()),
                                           static_cast<int>(declared));
  if (unpacked < 0) return Reason::kLz4Broken;
  if (static_cast<std::size_t>(unpacked) != declared) return Reason::kLz4LengthMismatch;
  payload = std::move(plain);
  return Reason::kNone;
}

FrameDecoder::Outcome FrameDecoder::next(Frame& out) {
  while (true) {
    Reason reason = Reason::kNone;
    switch (stage_) {
      case Stage::kHeaderLength:
        if (pending().size() < sizeof(std::uint16_t)) return Outcome::kNeedMore;
        header_bytes_ = base::load_be<std::uint16_t>(pending().data());
        used_ += sizeof(std::uint16_t);
        if (header_bytes_ > kHeaderBytesMax) reason = Reason::kHeaderTooLong;
        stage_ = Stage::kHeader;
        break;
      case Stage::kHeader:
        if (pending().size() < header_bytes_) return Outcome::kNeedMore;
        reason = take_header();
        break;
      case Stage::kMessageLength:
        if (pending().size() < sizeof(std::uint32_t)) return Outcome::kNeedMore;
        reason = take_length();
        break;
      case Stage::kSkip:
        used_ += take_body(pending());
        if (body_bytes_ > 0) return Outcome::kNeedMore;
        ++unknown_skipped_;
        stage_ = Stage::kHeaderLength;
        break;
      case Stage::kBody:
        used_ += take_body(pending());
        if (body_bytes_ > 0) return Outcome::kNeedMore;
        stage_ = Stage::kHeaderLength;
        out.type = type_;
        out.payload = std::move(body_);
        body_.clear();   // moved from
        if (lz4_) reason = unpack(out.payload);
        if (reason == Reason::kNone) return Outcome::kFrame;
        break;
      case Stage::kDead:
        return Outcome::kRefused;
    }
    if (reason != Reason::kNone) return refuse(reason);
  }
}

namespace {

void append_head(MessageType type, bool lz4, std::size_t size, std::vector<std::byte>& out) {
  std::vector<std::byte> header;
  // proto3 leaves zeros out: a plain ClusterConfig has an empty header.
  if (type != MessageType::kClusterConfig)
    append_varint_field(header, kTypeField, static_cast<std::uint64_t>(type));
  if (lz4) append_varint_field(header, kCompressionField, kCompressionLz4);
  std::byte lengths[sizeof(std::uint32_t)];
  base::store_be(lengths, static_cast<std::uint16_t>(header.size()));
  append(out, base::Bytes(lengths, sizeof(std::uint16_t)));
  append(out, header);
  base::store_be(lengths, static_cast<std::uint32_t>(size));
  append(out, base::Bytes(lengths, sizeof(std::uint32_t)));
}

// Length and LZ4 block, or nothing where packing is not worth it.
std::vector<std::byte> packed_form(base::Bytes protobuf) {
  const auto size = static_cast<int>(protobuf.size());
  const auto bound = static_cast<std::size_t>(LZ4_compressBound(size));
  std::vector<std::byte> packed(kLz4LengthBytes + bound);
  base::store_be(packed.data(), static_cast<std::uint32_t>(size));
  const int used = LZ4_compress_default(
      reinterpret_cast<const char*>(protobuf.data()),
      reinterpret_cast<char*>(packed.data() + kLz4LengthBytes), size,
      static_cast<int>(bound));
  MUST(used > 0);
  packed.resize(kLz4LengthBytes + static_cast<std::size_t>(used));
  // Less than 1/32 saved is not worth the peer's time (stock's rule).
  if (packed.size() > protobuf.size() - protobuf.size() / 32) packed.clear();
  return packed;
}

}  // namespace

void encode_message(MessageType type, base::Bytes protobuf, Compression policy,
                    std::vector<std::byte>& out) {
  MUST(protobuf.size() <= kMessageBytesStockMax);
  MUST(static_cast<std::int32_t>(type) >= 0);
  const bool asked = policy == Compression::kAlways ||
                     (policy == Compression::kMetadata && type != MessageType::kResponse);
  if (asked && protobuf.size() >= kCompressBytesMin) {
    const std::vector<std::byte> packed = packed_form(protobuf);
    if (!packed.empty()) {
      append_head(type, true, packed.size(), out);
      append(out, packed);
      return;
    }
  }
  append_head(type, false, protobuf.size(), out);
  append(out, protobuf);
}

}  // namespace weft::proto
