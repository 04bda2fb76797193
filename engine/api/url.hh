// The request target taken apart: "/rest/db/status?folder=a%20b" -> segments and query. Pure.
// Source: RFC 3986 §2.1 (percent-encoding), §3.3, §3.4; '+' in a query means a space (HTML forms), as in Go's net/url.
// Segments are split before they are decoded, so that a %2F inside a name stays part of the name.
#pragma once

#include <charconv>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace weft::api {

struct Target {
  std::vector<std::string> segments;                            // "/a/b" -> a, b;  "/" -> none
  std::vector<std::pair<std::string, std::string>> query;       // in order; the server's header limit bounds it

  // The first value of a key, or "" when absent: Syncthing does not tell the two apart either.
  [[nodiscard]] std::string_view value(std::string_view key) const noexcept;
};

// An optional number of the query, which stays as it was where it is absent. False: it is none, or not between these.
template <typename T>
[[nodiscard]] bool read_number(const Target& target, std::string_view key, T& out, T least = 0,
                               T most = std::numeric_limits<T>::max()) {
  const std::string_view text = target.value(key);
  if (text.empty()) return true;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out >= least && out <= most;
}

enum class PlusIs : bool { kPlus, kSpace };
// nullopt for a broken escape or an escaped NUL.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, PlusIs plus);
// Everything but unreserved characters is escaped: for clients that build a target.
[[nodiscard]] std::string percent_encode(std::string_view text);
// nullopt unless it is an absolute path with sound escapes. A fragment is not part of a request target.
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

}  // namespace weft::api
