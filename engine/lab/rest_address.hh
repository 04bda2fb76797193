// Where a weft's REST API answers, as a scenario's url and a weft's log say it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weft::lab {

struct RestAddress {
  std::string host;   // an IPv6 address without its brackets
  std::string port;   // 1 … 65535
};

// "HOST:PORT" or "[IPv6]:PORT".
[[nodiscard]] std::optional<RestAddress> parse_address(std::string_view text);
// "http://" and such an address; a slash may follow, but nothing else, for it would not be used.
[[nodiscard]] std::optional<RestAddress> parse_url(std::string_view text);

}  // namespace weft::lab
