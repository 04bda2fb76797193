// GET and POST /rest/weft/migration, POST /rest/weft/paths/{add,probe,switch,close}: what the paths of each session are used for,
// why, and what the operator wants otherwise. Parameters stand in the query, as in Syncthing's API: path, device, from, to,
// deadline_ms. A refusal begins with the word of migrate::PathError: "path-exists: …".
#include <memory>

#include "bep/proto/device_id.hh"
#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"
#include "engine/api/text.hh"

namespace weft::api {
namespace {

using migrate::PathError;

constexpr std::int64_t kDeadlineMs = 2000, kDeadlineMsMax = 60'000;

unsigned status_of(PathError error) {
  switch (error) {
    case PathError::kNone: return 200;
    case PathError::kUnknownPath: return 404;
    case PathError::kAmbiguous: return 400;
    case PathError::kDeadlineExceeded: return 504;
    default: return 409;
  }
}

Response refusal(PathError error) {
  return text_response(status_of(error), std::string(migrate::name_of(error)) + ": " + migrate::sentence_of(error));
}

Json names_of(const run::SteeringShown& shown, migrate::PathSet paths) {
  Json names = Json::array();
  for (const run::StandingShown& path : shown.paths)
    if (paths.has(path.path)) names.push_back(path.name);
  return names;
}

Json move_json(const run::SteeringShown& shown, const migrate::Move& move) {
  if (move.why == migrate::MoveReason::kNone) return {};
  return Json{{"from", names_of(shown, move.from)}, {"to", names_of(shown, move.to)}, {"reason", migrate::name_of(move.why)}};
}

Json paths_in(const run::SteeringShown& shown, share::PathState state) {
  Json names = Json::array();
  for (const run::StandingShown& path : shown.paths)
    if (path.entry.state == state) names.push_back(path.name);
  return names;
}

Json session_json(const base::DeviceId& device, const run::SteeringShown& shown) {
  Json paths = Json::array();
  for (const run::StandingShown& path : shown.paths)
    paths.push_back(Json{{"name", path.name},
                         {"path", base::to_index(path.path)},
                         {"state", word_of(path.entry.state)},
                         {"role", word_of(path.entry.role)},
                         {"score", path.entry.score},
                         {"rtt_us", path.srtt.us()},
                         {"why", migrate::sentence_of(path.standing)}});
  const migrate::MigrationCounters& counters = shown.counters;
  const std::uint64_t ended = counters.completed + counters.failed;
  return Json{{"device", proto::to_text(device)},
              {"state", migrate::name_of(shown.state)},
              {"stateMs", shown.in_state.ms()},
              {"multipath", shown.multipath},
              {"pinned", shown.pinned},
              {"activePaths", paths_in(shown, share::PathState::kActive)},
              {"availablePaths", paths_in(shown, share::PathState::kStandby)},
              {"last", move_json(shown, shown.last)},
              {"next", move_json(shown, shown.next)},
              {"paths", paths},
              {"begun", counters.begun},
              {"completed", counters.completed},
              {"failed", counters.failed},
              {"rolledBack", counters.rolled_back},
              {"merged", counters.merged},
              {"successRate", ended == 0 ? Json() : Json(static_cast<double>(counters.completed) / static_cast<double>(ended))},
              {"durationMsMean", counters.completed == 0
                                     ? Json()
                                     : Json(counters.took.ms() / static_cast<std::int64_t>(counters.completed))}};
}

// True where the call names a device that is none.
bool read_device(const Call& call, std::optional<base::DeviceId>& device) {
  const std::string_view text = call.target.value("device");
  if (text.empty()) return true;
  const auto id = proto::parse_device_id(text);
  if (id) device = *id;
  return id.has_value();
}

struct Named {
  run::PathName name;
  std::optional<Response> refused;
};
Named read_path(const Call& call, const char* key = "path") {
  Named named;
  named.name.path = call.target.value(key);
  if (named.name.path.empty()) named.refused = text_response(400, std::string(key) + ": the name of a path is wanted");
  else if (!read_device(call, named.name.device)) named.refused = text_response(400, "device: that is no device ID");
  return named;
}

Response answer(const Context& context, const Call& call, PathError error) {
  return error == PathError::kNone ? get_migration(context, call) : refusal(error);
}

using Wish = PathError (run::PathWishes::*)(const run::PathName&);
Response wish(const Context& context, const Call& call, Wish what) {
  Named named = read_path(call);
  if (named.refused) return *std::move(named.refused);
  return answer(context, call, (context.sink.path_wishes().*what)(named.name));
}

}  // namespace

Response get_migration(const Context& context, const Call&) {
  Json sessions = Json::array();
  for (const run::SessionStatus& session : context.source.sessions())
    if (session.steering) sessions.push_back(session_json(session.device, *session.steering));
  return answer_json(Json{{"at", rfc3339(unix_ms_now())}, {"sessions", sessions}});
}

Response post_path_switch(const Context& context, const Call& call) { return wish(context, call, &run::PathWishes::switch_to); }
Response post_path_close(const Context& context, const Call& call) { return wish(context, call, &run::PathWishes::close); }
Response post_path_add(const Context& context, const Call& call) { return wish(context, call, &run::PathWishes::open); }

Response post_path_probe(const Context& context, const Call& call) {
  Named named = read_path(call);
  if (named.refused) return *std::move(named.refused);
  std::int64_t deadline_ms = kDeadlineMs;
  if (!read_number(call.target, "deadline_ms", deadline_ms, std::int64_t{1}, kDeadlineMsMax))
    return text_response(400, "deadline_ms: a number from 1 to 60000 is wanted");
  struct Result {
    PathError error = PathError::kDeadlineExceeded;
    base::Duration rtt{};
    bool there = false;
  };
  // Shared: whoever is last of the probe and the connection ends it.
  const auto result = std::make_shared<Result>();
  context.sink.path_wishes().probe(named.name, base::milliseconds(deadline_ms),
                                   [result](PathError error, base::Duration rtt) { *result = {error, rtt, true}; });
  Response response;
  response.later_within = std::chrono::milliseconds(deadline_ms + 1000);
  response.later = [result, name = named.name.path](bool last) -> std::optional<Response> {
    if (!result->there && !last) return std::nullopt;
    if (result->error != PathError::kNone) return refusal(result->error);
    return answer_json(Json{{"path", name}, {"rtt_us", result->rtt.us()}});
  };
  return response;
}

Response post_migrate(const Context& context, const Call& call) {
  Named from = read_path(call, "from"), to = read_path(call, "to");
  if (from.refused) return *std::move(from.refused);
  if (to.refused) return *std::move(to.refused);
  return answer(context, call, context.sink.path_wishes().move(from.name, to.name));
}

Response post_migrate_auto(const Context& context, const Call& call) {
  std::optional<base::DeviceId> device;
  if (!read_device(call, device)) return text_response(400, "device: that is no device ID");
  return answer(context, call, context.sink.path_wishes().unpin(device));
}

}  // namespace weft::api
