// The request target taken apart: "/rest/db/status?folder=a%20b" -> segments and query. Pure.
// Source: RFC 3986 §2.1 (percent-encoding), §3.3, §3.4; '+' in a query means a space (HTML forms), as in Go's net/url.
// Segments are split before they are decoded, so that a %2F inside a name stays part of the name.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::api {

struct Target {
  std::vector<std::string> segments;                            // "/a/b" -> a, b;  "/" -> none
  std::vector<std::pair<std::string, std::string>> query;       // in order; the server's header limit bounds it

  // The first value of a key, or "" when absent: Syncthing does not tell the two apart either.
  [[nodiscard]] std::string_view value(std::string_view key) const noexcept;
};

enum class PlusIs : bool { kPlus, kSpace };
// nullopt for a broken escape or an escaped NUL.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, PlusIs plus);
// Everything but unreserved characters is escaped: for clients that build a target.
[[nodiscard]] std::string percent_encode(std::string_view text);
// nullopt unless it is an absolute path with sound escapes. A fragment is not part of a request target.
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

}  // namespace weft::api
