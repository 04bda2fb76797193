// `weft serve`: configuration read and checked whole, then the daemon, then the API beside it on the same loop.
#include "engine/api/server.hh"
#include "engine/base/log.hh"
#include "engine/cli/commands.hh"
#include "engine/cli/home.hh"
#include "engine/run/daemon.hh"

namespace weft::cli {
namespace {

// What the configuration asks for and this machine does not have is the configuration's fault as well.
int exit_code_of(const base::Error& error) {
  switch (error.code) {
    case base::Errc::kInvalidConfig:
    case base::Errc::kInvalidArgument:
    case base::Errc::kNotFound: return kWrong;
    default: return kFailed;
  }
}

}  // namespace

int serve_command(const std::filesystem::path& home_path, const Io& io) {
  auto home = load_home(home_path);
  if (!home) return refuse(io, kWrong, home.error());
  const model::GuiConfig gui = home->config.gui;
  const api::ServerConfig api_config = api::server_config_of(gui);
  std::string why;
  // Before the daemon, so that a wrong configuration starts nothing.
  if (gui.enabled && !api::check_config(api_config, why)) return refuse(io, kWrong, why);

  for (const std::string& notice : home->config.notices) base::log(base::Subsystem::kDaemon, base::LogLevel::kWarn, notice);
  auto daemon = run::Daemon::start(run::DaemonConfig{home_path, std::move(home->config), std::move(home->weft),
                                                     std::move(home->identity)}, why);
  if (!daemon) return refuse(io, exit_code_of(daemon.error()), why);

  std::unique_ptr<api::Server> server;
  if (gui.enabled) {
    auto started = api::Server::start((*daemon)->io(), api_config, **daemon, **daemon, why);
    if (!started) return refuse(io, exit_code_of(started.error()), why);
    server = std::move(*started);
  }
  return (*daemon)->run([&server] { server.reset(); });
}

}  // namespace weft::cli
