// `weft port add` and `weft port remove`: tell the running daemon to take up a port, or to give one back.
#include <nlohmann/json.hpp>
#include <ostream>

#include "engine/api/url.hh"
#include "engine/cli/commands.hh"
#include "engine/cli/daemon_client.hh"

namespace weft::cli {
namespace {

constexpr const char* kPorts = "/rest/weft/ports";

// As a [[port]] table: what was not given is left out.
nlohmann::ordered_json body_of(const PortAddOptions& options) {
  nlohmann::ordered_json body{{"name", options.name}};
  const auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) body[key] = value;
  };
  const auto list = [&](const char* key, const std::vector<std::string>& values) {
    if (!values.empty()) body[key] = values;
  };
  const auto number = [&](const char* key, const std::optional<std::uint32_t>& value) {
    if (value) body[key] = *value;
  };
  text("device", options.device);
  list("address", options.addresses);
  list("gateway", options.gateways);
  number("udp_port", options.udp_port);
  number("mtu", options.mtu);
  text("role", options.role);
  number("vlan", options.vlan);
  text("exception", options.exception);
  list("to", options.to);
  number("weight", options.weight);
  text("congestion", options.congestion);
  number("rate_mbit", options.rate_mbit);
  return body;
}

}  // namespace

int port_add_command(const PortAddOptions& options, const Io& io) {
  auto daemon = DaemonClient::of_home(options.home);
  if (!daemon) return refuse(io, daemon.error().code, daemon.error().sentence);
  const auto answer = daemon->ask("POST", kPorts, body_of(options).dump());
  if (!answer) return refuse(io, answer.error().code, answer.error().sentence);
  const auto json = nlohmann::json::parse(*answer, nullptr, false);
  if (!json.is_object() || !json.contains("weft_toml"))
    return refuse(io, kFailed, "the daemon's answer names no port; is it another version?");
  io.out << "port " << options.name << " is open\n";
  if (json["weft_toml"].is_string())
    io.out << "until weft ends; to keep it, write in " << (options.home / "weft.toml").string() << ":\n\n"
           << json["weft_toml"].get<std::string>();
  return kDone;
}

int port_remove_command(const PortRemoveOptions& options, const Io& io) {
  auto daemon = DaemonClient::of_home(options.home);
  if (!daemon) return refuse(io, daemon.error().code, daemon.error().sentence);
  const auto answer = daemon->ask("DELETE", std::string(kPorts) + "/" + api::percent_encode(options.name));
  if (!answer) return refuse(io, answer.error().code, answer.error().sentence);
  io.out << "port " << options.name << " closes as soon as its paths have ended; if it stands in "
         << (options.home / "weft.toml").string() << ", the next start opens it again\n";
  return kDone;
}

}  // namespace weft::cli
