// Small conversions between text, protobuf's strings and bytes, and cutting text without splitting
// a character. For .cc files of this folder. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.hh"

namespace weft::proto {

[[nodiscard]] inline base::Bytes bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view text_of_bytes(base::Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline std::vector<std::byte> vector_of(std::string_view text) {
  const base::Bytes bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}
[[nodiscard]] inline std::string string_of(base::Bytes bytes) {
  return std::string(text_of_bytes(bytes));
}
inline void append(std::vector<std::byte>& out, base::Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// At most bytes_max bytes of UTF-8 text, cut at the start of a character.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) noexcept;
// For logs: at most bytes_max bytes, control characters as '?'. Text that is not UTF-8 loses its
// upper bytes too.
[[nodiscard]] std::string printable(std::string_view text, std::size_t bytes_max);

}  // namespace weft::proto
