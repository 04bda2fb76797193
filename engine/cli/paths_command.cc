// `weft paths` and `weft migrate`: which paths there are, what they are used for and why, and what is to be used instead.
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <ostream>

#include "engine/api/url.hh"
#include "engine/cli/commands.hh"
#include "engine/cli/daemon_client.hh"
#include "engine/cli/table_text.hh"

namespace weft::cli {
namespace {

using Json = nlohmann::json;

constexpr const char* kMigration = "/rest/weft/migration";

std::string list_text(const Json& names) {
  std::string text;
  for (const Json& name : names) text += (text.empty() ? "" : ", ") + safe_text(name.get<std::string>());
  return text.empty() ? "none" : text;
}

// The move as people say it: some paths are left, some taken, or both.
std::string move_text(const Json& move) {
  const std::string reason = " (" + move.at("reason").get<std::string>() + ")";
  if (move.at("to").empty()) return "leave " + list_text(move.at("from")) + reason;
  if (move.at("from").empty()) return "use " + list_text(move.at("to")) + reason;
  return "from " + list_text(move.at("from")) + " to " + list_text(move.at("to")) + reason;
}

std::string session_text(const Json& session) {
  std::vector<std::vector<std::string>> rows = {{"PATH", "STATE", "ROLE", "SCORE", "RTT", "WHY"}};
  for (const Json& path : session.at("paths"))
    rows.push_back({safe_text(path.at("name").get<std::string>()), path.at("state").get<std::string>(),
                    path.at("role").get<std::string>(), std::to_string(path.at("score").get<int>()),
                    micros_text(path.at("rtt_us").get<std::int64_t>()), path.at("why").get<std::string>()});
  const bool pinned = session.at("pinned").get<bool>();
  std::string text = fmt::format("Device {}: {}{}{}\n", session.at("device").get<std::string>().substr(0, 7),
                                 session.at("multipath").get<bool>() ? "several paths at once" : "one path at a time",
                                 pinned ? ", as the operator chose" : "",
                                 session.at("state") == "migrating" ? ", migrating " + move_text(session.at("last")) : "");
  return text + (rows.size() > 1 ? table_text(rows) : "  no paths\n");
}

std::string explanation(const Json& session) {
  const Json& next = session.at("next");
  return session_text(session) + "Now: " + (next.is_null() ? "nothing would be changed" : move_text(next)) + "\n";
}

int show(const std::string& answer, bool explain, const Io& io) {
  try {
    const Json sessions = Json::parse(answer).at("sessions");
    if (sessions.empty()) io.out << "no paths: no datapath with any device now\n";
    for (const Json& session : sessions) io.out << (explain ? explanation(session) : session_text(session));
    return kDone;
  } catch (const Json::exception&) {
    return refuse(io, kFailed, "the daemon's answer is not understood; is it another version?");
  }
}

std::string query(std::initializer_list<std::pair<const char*, std::string>> fields) {
  std::string text;
  for (const auto& [key, value] : fields)
    if (!value.empty()) text += (text.empty() ? "?" : "&") + std::string(key) + "=" + api::percent_encode(value);
  return text;
}

int ask_and_show(const std::filesystem::path& home, const char* method, const std::string& target, bool explain, const Io& io) {
  auto daemon = DaemonClient::of_home(home);
  if (!daemon) return refuse(io, daemon.error().code, daemon.error().sentence);
  const auto answer = daemon->ask(method, target);
  if (!answer) return refuse(io, answer.error().code, answer.error().sentence);
  return show(*answer, explain, io);
}

int probe(const PathsOptions& options, const std::string& target, const Io& io) {
  auto daemon = DaemonClient::of_home(options.home);
  if (!daemon) return refuse(io, daemon.error().code, daemon.error().sentence);
  daemon->wait_longer(std::chrono::milliseconds(options.deadline_ms));
  const auto answer = daemon->ask("POST", target);
  if (!answer) return refuse(io, answer.error().code, answer.error().sentence);
  const Json json = Json::parse(*answer, nullptr, false);
  if (!json.is_object() || !json.contains("rtt_us") || !json["rtt_us"].is_number_integer())
    return refuse(io, kFailed, "the daemon's answer names no round trip; is it another version?");
  io.out << options.path << " answers: " << micros_text(json["rtt_us"].get<std::int64_t>()) << "\n";
  return kDone;
}

}  // namespace

int paths_command(const PathsOptions& options, const Io& io) {
  if (options.verb.empty()) return ask_and_show(options.home, "GET", kMigration, false, io);
  const bool probes = options.verb == "probe";
  const std::string target =
      "/rest/weft/paths/" + options.verb +
      query({{"path", options.path}, {"device", options.device},
             {"deadline_ms", probes ? std::to_string(options.deadline_ms) : ""}});
  return probes ? probe(options, target, io) : ask_and_show(options.home, "POST", target, false, io);
}

int migrate_command(const MigrateOptions& options, const Io& io) {
  if (options.automatic)
    return ask_and_show(options.home, "POST", std::string(kMigration) + "/auto" + query({{"device", options.device}}), false, io);
  if (options.explain) return ask_and_show(options.home, "GET", kMigration, true, io);
  if (options.from.empty())
    return refuse(io, kWrong, "say what: --from PATH --to PATH, --explain or --auto (`weft migrate --help`)");
  return ask_and_show(options.home, "POST",
                      kMigration + query({{"from", options.from}, {"to", options.to}, {"device", options.device}}), false, io);
}

}  // namespace weft::cli
