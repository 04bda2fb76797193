// `weft log-level`: shows how much each subsystem of the running daemon logs, or changes it.
#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>

#include "engine/base/log.hh"
#include "engine/cli/commands.hh"
#include "engine/cli/daemon_client.hh"

namespace weft::cli {
namespace {

// What the words change, and nothing else: a level alone is that of all.
nlohmann::ordered_json body_of(const std::string& words) {
  nlohmann::ordered_json body = nlohmann::ordered_json::object();
  base::LogLevels quiet = base::all_at(base::LogLevel::kError), loud = base::all_at(base::LogLevel::kTrace);
  (void)base::parse_log_levels(words, quiet);     // CLI11 has checked the words
  (void)base::parse_log_levels(words, loud);
  for (std::size_t i = 0; i < quiet.size(); ++i)
    if (quiet[i] == loud[i]) body[std::string(base::kSubsystemNames[i])] = base::name_of(quiet[i]);
  return body;
}

}  // namespace

int log_level_command(const LogLevelOptions& options, const Io& io) {
  auto daemon = DaemonClient::of_home(options.home);
  if (!daemon) return refuse(io, daemon.error().code, daemon.error().sentence);
  constexpr const char* kTarget = "/rest/system/loglevels";
  const auto answer = options.levels.empty() ? daemon->ask("GET", kTarget)
                                             : daemon->ask("POST", kTarget, body_of(options.levels).dump());
  if (!answer) return refuse(io, answer.error().code, answer.error().sentence);
  const auto json = nlohmann::ordered_json::parse(*answer, nullptr, false);
  if (!json.is_object() || !json.contains("levels") || !json["levels"].is_object())
    return refuse(io, kFailed, "the daemon's answer names no levels; is it another version?");
  for (const auto& [name, level] : json["levels"].items())
    io.out << std::left << std::setw(9) << name << (level.is_string() ? level.get<std::string>() : "?") << "\n";
  return kDone;
}

}  // namespace weft::cli
