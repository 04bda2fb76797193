#include "bep/proto/wire_fields.hh"

namespace weft::proto {

bool WireReader::varint(std::uint64_t& out) noexcept {
  out = 0;
  for (std::size_t i = 0; i < kVarintBytesMax && i < rest_.size(); ++i) {
    const auto byte = std::to_integer<std::uint64_t>(rest_[i]);
    // The tenth byte holds bit 63 alone; protobuf drops what is above, and so do we.
    out |= (byte & 0x7F) << (7 * i);
    if ((byte & 0x80) == 0) {
      rest_ = rest_.subspan(i + 1);
      return true;
    }
  }
  return false;
}

bool WireReader::skip(std::size_t count) noexcept {
  if (rest_.size() < count) return false;
  rest_ = rest_.subspan(count);
  return true;
}

bool WireReader::next(WireField& out) noexcept {
  if (!ok_ || rest_.empty()) return false;
  ok_ = false;   // until the field is whole
  std::uint64_t tag = 0;
  if (!varint(tag) || (tag >> 3) == 0 || tag > UINT32_MAX) return false;
  out = WireField{static_cast<std::uint32_t>(tag >> 3), static_cast<WireType>(tag & 7), 0, {}};
  switch (out.type) {
    case WireType::kVarint:
      if (!varint(out.value)) return false;
      break;
    case WireType::kFixed64:
      if (!skip(8)) return false;
      break;
    case WireType::kFixed32:
      if (!skip(4)) return false;
      break;
    case WireType::kBytes: {
      std::uint64_t size = 0;
      if (!varint(size) || size > rest_.size()) return false;
      out.bytes = rest_.first(static_cast<std::size_t>(size));
      rest_ = rest_.subspan(static_cast<std::size_t>(size));
      break;
    }
    default:
      return false;
  }
  ok_ = true;
  return true;
}

std::size_t varint_size(std::uint64_t value) noexcept {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

std::size_t store_varint(std::byte* at, std::uint64_t value) noexcept {
  std::size_t used = 0;
  for (; value >= 0x80; value >>= 7) at[used++] = static_cast<std::byte>((value & 0x7F) | 0x80);
  at[used++] = static_cast<std::byte>(value);
  return used;
}

namespace {

void append_varint(std::vector<std::byte>& out, std::uint64_t value) {
  std::byte buffer[kVarintBytesMax];
  const std::size_t used = store_varint(buffer, value);
  out.insert(out.end(), buffer, buffer + used);
}

void append_tag(std::vector<std::byte>& out, std::uint32_t number, WireType type) {
  append_varint(out, (std::uint64_t{number} << 3) | static_cast<std::uint64_t>(type));
}

}  // namespace

void append_varint_field(std::vector<std::byte>& out, std::uint32_t number, std::uint64_t value) {
  append_tag(out, number, WireType::kVarint);
  append_varint(out, value);
}

void append_bytes_head(std::vector<std::byte>& out, std::uint32_t number, std::size_t size) {
  append_tag(out, number, WireType::kBytes);
  append_varint(out, size);
}

}  // namespace weft::proto
