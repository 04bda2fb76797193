#include "engine/api/url.hh"

#include <array>

namespace weft::api {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Calls `piece` for each part between separators; false as soon as it says so.
template <typename F> bool for_each_piece(std::string_view text, char separator, F piece) {
  while (true) {
    const std::size_t end = text.find(separator);
    if (!piece(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string_view Target::value(std::string_view key) const noexcept {
  for (const auto& [name, value] : query)
    if (name == key) return value;
  return {};
}

std::optional<std::string> percent_decode(std::string_view text, PlusIs plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == PlusIs::kSpace) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      if (high == 0 && low == 0) return std::nullopt;   // no name holds NUL; C interfaces below would cut there
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::array<char, 16> kHex = {'0', '1', '2', '3', '4', '5', '6', '7',
                                         '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'};
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::optional<Target> parse_target(std::string_view target) {
  if (target.empty() || target.front() != '/') return std::nullopt;
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(1, mark == std::string_view::npos ? mark : mark - 1);
  Target out;
  bool sound = path.empty() || for_each_piece(path, '/', [&](std::string_view piece) {
    auto segment = percent_decode(piece, PlusIs::kPlus);
    if (!segment) return false;
    out.segments.push_back(std::move(*segment));
    return true;
  });
  if (sound && mark != std::string_view::npos) {
    sound = for_each_piece(target.substr(mark + 1), '&', [&](std::string_view piece) {
      if (piece.empty()) return true;
      const std::size_t equals = piece.find('=');
      auto key = percent_decode(piece.substr(0, equals), PlusIs::kSpace);
      auto value = equals == std::string_view::npos ? std::string()
                                                    : percent_decode(piece.substr(equals + 1), PlusIs::kSpace);
      if (!key || !value) return false;
      out.query.emplace_back(std::move(*key), std::move(*value));
      return true;
    });
  }
  if (!sound) return std::nullopt;
  return out;
}

}  // namespace weft::api
