#include "bep/proto/text.hh"

#include "bep/proto/names.hh"

namespace weft::proto {

std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) noexcept {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out(cut_utf8(text, bytes_max));
  const bool upper_allowed = is_utf8(out);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = byte < 0x20 || byte == 0x7F;
    if (control || (byte >= 0x80 && !upper_allowed)) c = '?';
  }
  return out;
}

}  // namespace weft::proto
