// What a request must pass before a handler sees it, in Syncthing's order and with its answers: the host check (against
// pages that rebind their name to 127.0.0.1), CORS preflight, the API key. Pure.
// There is no login here: without a key every /rest path but /rest/noauth answers 403 "CSRF Error", as stock does to
// a client that has neither key nor token.
#pragma once

#include <string>
#include <string_view>

#include "engine/api/http.hh"
#include "engine/api/routes.hh"

namespace weft::api {

struct Gate {
  std::string api_key;                 // empty: no key fits
  bool check_host = true;              // set when bound to a loopback address and not switched off
  bool metrics_open = false;
};

// The whole answer to a request: gate, route, handler, and the headers that every answer has.
[[nodiscard]] Response answer(const Gate& gate, const Context& context, const Request& request);
// The headers alone, for answers the server gives itself (too long, malformed).
void add_standard_headers(const Context& context, Response& response);

// "localhost", "x.localhost", 127.0.0.0/8, ::1; with or without port and brackets.
[[nodiscard]] bool names_loopback(std::string_view host);
[[nodiscard]] bool has_key(const Gate& gate, const Request& request);

}  // namespace weft::api
