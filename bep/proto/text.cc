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
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    const bool control = byte < 0x20 || byte == 0x7F;
    if (control || (byte >= 0x80 && !upper_allowed)) out[i] = '?';
    // U+0080 to U+009F steer terminals as well.
    if (byte == 0xC2 && upper_allowed && static_cast<unsigned char>(out[i + 1]) < 0xA0)
      out[i] = out[i + 1] = '?';
  }
  return out;
}

}  // namespace weft::proto
