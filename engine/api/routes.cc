#include "engine/api/routes.hh"

#include <array>

#include "engine/api/handlers.hh"

namespace weft::api {
namespace {

constexpr std::array kRoutes = {
    Route{Method::kGet, "/rest/system/ping", get_ping},
    Route{Method::kPost, "/rest/system/ping", get_ping},
    Route{Method::kGet, "/rest/system/status", get_system_status},
    Route{Method::kGet, "/rest/system/version", get_version},
    Route{Method::kGet, "/rest/system/connections", get_connections},
    Route{Method::kGet, "/rest/system/loglevels", get_log_levels},
    Route{Method::kPost, "/rest/system/loglevels", post_log_levels},
    Route{Method::kPost, "/rest/system/shutdown", post_shutdown},
    Route{Method::kPost, "/rest/system/handover", post_handover},
    Route{Method::kGet, "/rest/db/status", get_folder_status},
    Route{Method::kGet, "/rest/db/completion", get_completion},
    Route{Method::kPost, "/rest/db/scan", post_scan},
    Route{Method::kGet, "/rest/folder/errors", get_folder_errors},
    Route{Method::kGet, "/rest/events", get_events},
    Route{Method::kGet, "/rest/noauth/health", get_health},
    Route{Method::kGet, "/rest/weft/paths", get_paths},
    Route{Method::kPost, "/rest/weft/paths/add", post_path_add},
    Route{Method::kPost, "/rest/weft/paths/probe", post_path_probe},
    Route{Method::kPost, "/rest/weft/paths/switch", post_path_switch},
    Route{Method::kPost, "/rest/weft/paths/close", post_path_close},
    Route{Method::kGet, "/rest/weft/migration", get_migration},
    Route{Method::kPost, "/rest/weft/migration", post_migrate},
    Route{Method::kPost, "/rest/weft/migration/auto", post_migrate_auto},
    Route{Method::kGet, "/rest/weft/status", get_weft_status},
    Route{Method::kGet, "/rest/weft/health", get_health_report},
    Route{Method::kGet, "/rest/weft/scheduler", get_scheduler},
    Route{Method::kPut, "/rest/weft/scheduler", put_scheduler},
    Route{Method::kGet, "/rest/weft/meter", get_meter},
    Route{Method::kGet, "/rest/weft/bench", get_bench},
    Route{Method::kPost, "/rest/weft/bench", post_bench},
    Route{Method::kDelete, "/rest/weft/bench", delete_bench},
    Route{Method::kPost, "/rest/weft/ports", post_port},
    Route{Method::kDelete, "/rest/weft/ports/*", delete_port},
    Route{Method::kPost, "/rest/weft/ports/*/impair", post_impair},
    Route{Method::kGet, "/metrics", get_metrics},
};

// The first is true when the pattern fits; `name` is then what "*" stood for.
bool matches(std::string_view pattern, const Target& target, std::string_view& name) {
  pattern.remove_prefix(1);
  std::size_t used = 0;
  while (used < target.segments.size()) {
    const std::size_t end = pattern.find('/');
    const std::string_view piece = pattern.substr(0, end);
    const std::string& segment = target.segments[used];
    if (piece == "*") {
      name = segment;
    } else if (piece != segment) {
      return false;
    }
    ++used;
    if (end == std::string_view::npos) return used == target.segments.size();
    pattern.remove_prefix(end + 1);
  }
  return false;
}

const char* word_of(Method method) {
  return method == Method::kGet ? "GET" : method == Method::kPost ? "POST" : method == Method::kPut ? "PUT" : "DELETE";
}

}  // namespace

std::span<const Route> routes() noexcept { return kRoutes; }

Response dispatch(const Context& context, Method method, const Target& target, std::string_view body) {
  std::string allowed;
  for (const Route& route : kRoutes) {
    std::string_view name;
    if (!matches(route.path, target, name)) continue;
    if (route.method == method) return route.handler(context, Call{target, name, body});
    if (!allowed.empty()) allowed += ", ";
    allowed += word_of(route.method);
  }
  if (allowed.empty()) return text_response(404, "404 page not found");
  Response response = text_response(405, "Method Not Allowed");
  response.headers.emplace_back("Allow", allowed);
  return response;
}

Response text_response(unsigned status, std::string sentence) {
  Response response;
  response.status = status;
  response.body = std::move(sentence) + "\n";
  return response;
}

Response json_response(std::string json) {
  Response response;
  response.content_type = "application/json; charset=utf-8";
  response.body = std::move(json) + "\n";
  return response;
}

}  // namespace weft::api
