#include "engine/lab/rest_address.hh"

#include <charconv>
#include <cstdint>

namespace weft::lab {

std::optional<RestAddress> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return std::nullopt;
  std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || number == 0) return std::nullopt;
  if (host.find_first_of("/?#@ ") != host.npos) return std::nullopt;
  if (host.size() > 2 && host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  else if (host.find_first_of(":[]") != host.npos) return std::nullopt;
  return RestAddress{std::string(host), std::string(port)};
}

std::optional<RestAddress> parse_url(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  return parse_address(text);
}

}  // namespace weft::lab
