// JSON as Syncthing writes it: two spaces of indentation, keys in the order they were set. Includes nlohmann-json,
// which compiles slowly: for json_*.cc, impair.cc, ports.cc, scheduler.cc and the client of the command line only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/api/http.hh"

namespace weft::api {

using Json = nlohmann::ordered_json;
// Of what clients send, not the ordered kind of the answers: that one looks through all keys at each new one.
using Body = nlohmann::json;

// Not an object when the body is none. The depth of a hostile body is bounded by its length (1 MiB): the parser keeps its
// stack on the heap.
[[nodiscard]] inline Body parse_body(std::string_view text) { return Body::parse(text, nullptr, false); }

// Names from file systems and peers may not be UTF-8: such bytes become U+FFFD, they do not fail an answer.
[[nodiscard]] inline std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}
[[nodiscard]] inline Response answer_json(const Json& json) { return json_response(dump(json)); }

template <typename List, typename F> [[nodiscard]] Json array_of(const List& list, F to_json) {
  Json out = Json::array();
  for (const auto& item : list) out.push_back(to_json(item));
  return out;
}

// "" is null: Syncthing's way of saying "no error".
[[nodiscard]] inline Json null_if_empty(std::string_view text) { return text.empty() ? Json() : Json(text); }

}  // namespace weft::api
