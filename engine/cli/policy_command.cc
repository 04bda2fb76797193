// `weft policy`: shows by which policy the running daemon chooses lanes, or tells it another one.
#include <nlohmann/json.hpp>
#include <ostream>

#include "engine/cli/commands.hh"
#include "engine/cli/daemon_client.hh"

namespace weft::cli {

int policy_command(const PolicyOptions& options, const Io& io) {
  auto daemon = DaemonClient::of_home(options.home);
  if (!daemon) return refuse(io, daemon.error().code, daemon.error().sentence);
  constexpr const char* kTarget = "/rest/weft/scheduler";
  const auto answer =
      options.name.empty() ? daemon->ask("GET", kTarget)
                           : daemon->ask("PUT", kTarget, nlohmann::json{{"policy", options.name}}.dump());
  if (!answer) return refuse(io, answer.error().code, answer.error().sentence);
  const auto json = nlohmann::json::parse(*answer, nullptr, false);
  if (!json.is_object() || !json.contains("policy") || !json["policy"].is_string())
    return refuse(io, kFailed, "the daemon's answer names no policy; is it another version?");
  io.out << json["policy"].get<std::string>() << "\n";
  return kDone;
}

}  // namespace weft::cli
