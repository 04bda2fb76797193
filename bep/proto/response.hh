// Response: the one message whose bulk is file data. It never passes through protobuf objects: the
// head is written by hand in front of the caller's bytes, and the data of a received one stays
// where the frame was received.
// Pure. Source: bep_facts §6, §12.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bep/proto/reason.hh"
#include "engine/base/bytes.hh"

namespace weft::proto {

enum class ErrorCode : std::int32_t { kNone = 0, kGeneric = 1, kNoSuchFile = 2, kInvalidFile = 3 };

// A piece of a buffer together with the buffer that owns it: moves without copying the bytes.
struct OwnedBytes {
  std::vector<std::byte> storage;
  std::size_t offset = 0, size = 0;   // within storage
  [[nodiscard]] base::Bytes bytes() const noexcept {
    return base::Bytes(storage).subspan(offset, size);
  }
};

// Everything of a Response message in front of its data: frame header, message length, id, code,
// data's tag and length. The caller sends head.bytes() and then exactly data_size bytes. data_size
// <= kBlockBytesMax * 2 (MUST).
struct ResponseHead {
  std::array<std::byte, 48> storage{};
  std::size_t size = 0;
  std::size_t fields_at = 0;   // where the protobuf part begins
  [[nodiscard]] base::Bytes bytes() const noexcept { return base::Bytes(storage).first(size); }
  [[nodiscard]] base::Bytes fields() const noexcept { return bytes().subspan(fields_at); }
};
[[nodiscard]] ResponseHead encode_response_head(std::int32_t id, ErrorCode code,
                                                std::size_t data_size);

struct ResponseView {
  std::int32_t id = 0;
  ErrorCode code = ErrorCode::kNone;   // unknown codes read as kGeneric
  base::Bytes data;                    // within the input
};
// `payload`: the protobuf bytes of the message. Unknown fields are skipped. kNone or
// kMessageBroken.
[[nodiscard]] Reason decode_response(base::Bytes payload, ResponseView& out);

}  // namespace weft::proto
