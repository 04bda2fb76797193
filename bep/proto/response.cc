#include "bep/proto/response.hh"

#include "bep/proto/messages.hh"
#include "bep/proto/wire_fields.hh"
#include "engine/base/limits.hh"
#include "engine/base/must.hh"

namespace weft::proto {
namespace {

constexpr std::uint32_t kIdField = 1, kDataField = 2, kCodeField = 3;

// protobuf's int32 on the wire is sign-extended to 64 bits.
std::uint64_t wire_of(std::int32_t value) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
}

// Like protobuf: an int32 is the low half of its varint, whatever stands above.
std::int32_t int32_of(std::uint64_t value) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
}

ErrorCode code_of(std::int32_t value) {
  switch (value) {
    case 0: return ErrorCode::kNone;
    case 2: return ErrorCode::kNoSuchFile;
    case 3: return ErrorCode::kInvalidFile;
    default: return ErrorCode::kGeneric;
  }
}

}  // namespace

ResponseHead encode_response_head(std::int32_t id, ErrorCode code, std::size_t data_size) {
  MUST(data_size <= std::size_t{2} * base::kBlockBytesMax);
  // Data comes last, so that the head is everything in front of it. Zero fields are left out, as
  // proto3 does.
  std::vector<std::byte> fields;
  if (id != 0) append_varint_field(fields, kIdField, wire_of(id));
  if (code != ErrorCode::kNone)
    append_varint_field(fields, kCodeField, wire_of(static_cast<std::int32_t>(code)));
  if (data_size > 0) append_bytes_head(fields, kDataField, data_size);

  ResponseHead head;
  base::ByteWriter writer(head.storage);
  writer.be<std::uint16_t>(2);           // header: type RESPONSE, not compressed
  writer.be<std::uint8_t>(0x08);
  writer.be(static_cast<std::uint8_t>(MessageType::kResponse));
  writer.be(static_cast<std::uint32_t>(fields.size() + data_size));
  head.fields_at = writer.used();
  writer.put(fields);
  head.size = writer.used();
  return head;
}

Reason decode_response(base::Bytes payload, ResponseView& out) {
  out = {};
  WireReader reader(payload);
  for (WireField field; reader.next(field);) {
    switch (field.number) {
      case kIdField:
        if (field.type != WireType::kVarint) return Reason::kMessageBroken;
        out.id = int32_of(field.value);
        break;
      case kDataField:
        if (field.type != WireType::kBytes) return Reason::kMessageBroken;
        out.data = field.bytes;
        break;
      case kCodeField:
        if (field.type != WireType::kVarint) return Reason::kMessageBroken;
        out.code = code_of(int32_of(field.value));
        break;
      default:
        break;
    }
  }
  return reader.ok() ? Reason::kNone : Reason::kMessageBroken;
}

}  // namespace weft::proto
