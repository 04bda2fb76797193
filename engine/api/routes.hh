// The table of what the API answers: method, path, handler. One place to look, one place to add to.
// A "*" in a path stands for one segment, handed to the handler as `name`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/api/http.hh"
#include "engine/api/url.hh"
#include "engine/run/status_source.hh"

namespace weft::api {

// What handlers work on. Made once by the server.
struct Context {
  const run::StatusSource& source;
  run::CommandSink& sink;
  base::DeviceId self{};
  std::string gui_address;                 // in use
};

struct Call {
  const Target& target;
  std::string_view name;                   // what "*" matched
  std::string_view body;
};

using Handler = Response (*)(const Context& context, const Call& call);

struct Route {
  Method method;
  std::string_view path;
  Handler handler;
};
[[nodiscard]] std::span<const Route> routes() noexcept;

// 404 for a path that is not there, 405 (with Allow) for one that has no such method.
[[nodiscard]] Response dispatch(const Context& context, Method method, const Target& target, std::string_view body);

}  // namespace weft::api
