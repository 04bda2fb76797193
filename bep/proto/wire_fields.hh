// Reading and writing protobuf's wire form field by field, without objects: to count entries before
// protobuf allocates them, and for the messages that we code by hand (frame header, Index,
// Response).
// Pure. Source: protobuf's encoding document; varints of at most 10 bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/bytes.hh"

namespace weft::proto {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;   // kVarint; fixed ones are passed over, nothing of BEP uses them
  base::Bytes bytes;         // kBytes: within the input
};

class WireReader {
 public:
  explicit WireReader(base::Bytes bytes) noexcept : rest_(bytes) {}
  // False at the end and on broken input; ok() tells them apart. Groups count as broken.
  [[nodiscard]] bool next(WireField& out) noexcept;
  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  bool varint(std::uint64_t& out) noexcept;
  bool skip(std::size_t count) noexcept;
  base::Bytes rest_;
  bool ok_ = true;
};

inline constexpr std::size_t kVarintBytesMax = 10;
[[nodiscard]] std::size_t varint_size(std::uint64_t value) noexcept;
// Writes at `at`, which has room for varint_size(value); returns how many bytes.
std::size_t store_varint(std::byte* at, std::uint64_t value) noexcept;

void append_varint_field(std::vector<std::byte>& out, std::uint32_t number, std::uint64_t value);
// Tag and length alone: the caller appends exactly `size` bytes.
void append_bytes_head(std::vector<std::byte>& out, std::uint32_t number, std::size_t size);

}  // namespace weft::proto
