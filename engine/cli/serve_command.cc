// `weft serve`: configuration read and checked whole, then the daemon, then the API beside it on the same loop; and, when it is
// told to hand over, the program that stands in its place now, in this process.
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>

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

// The words this program was started with.
std::vector<std::string> own_words() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

// As it was called, where that was by a path: a symbolic link may lead to another version by the time it is needed.
std::filesystem::path program_of(const std::vector<std::string>& words) {
  std::error_code error;
  return !words.empty() && words.front().find('/') != std::string::npos
             ? std::filesystem::absolute(words.front(), error)
             : std::filesystem::read_symlink("/proc/self/exe", error);
}

// The program from its place on the disk, with the words and these sockets. Returns only if that fails.
void execute_again(const std::filesystem::path& program, std::vector<std::string> words, const net::PassedSockets& sockets) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // Libraries leave descriptors behind that exec would keep: DPDK's memif its listening socket.
  (void)::close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
  sockets.to_environment();
  ::execv(program.c_str(), arguments.data());
}

}  // namespace

int serve_command(const std::filesystem::path& home_path, const Io& io) {
  auto home = load_home(home_path);
  if (!home) return refuse(io, kWrong, home.error());
  const model::GuiConfig gui = home->config.gui;
  api::ServerConfig api_config = api::server_config_of(gui);
  net::PassedSockets passed = net::PassedSockets::from_environment();
  std::string why;
  // Before the daemon, so that a wrong configuration starts nothing.
  if (gui.enabled && !api::check_config(api_config, why)) return refuse(io, kWrong, why);

  for (const std::string& notice : home->config.notices) base::log(base::Subsystem::kDaemon, base::LogLevel::kWarn, notice);
  const std::vector<std::string> words = own_words();
  const std::filesystem::path program = program_of(words);
  auto daemon = run::Daemon::start(run::DaemonConfig{home_path, std::move(home->config), std::move(home->weft),
                                                     std::move(home->identity), program, &passed}, why);
  if (!daemon) return refuse(io, exit_code_of(daemon.error()), why);

  std::unique_ptr<api::Server> server;
  if (gui.enabled) {
    api_config.passed = &passed;
    auto started = api::Server::start((*daemon)->io(), api_config, **daemon, **daemon, why);
    if (!started) return refuse(io, exit_code_of(started.error()), why);
    server = std::move(*started);
  }
  passed = {};                     // what nobody asked for
  const int code = (*daemon)->run([&] {
    if ((*daemon)->handing_over() && server != nullptr) server->pass_listener((*daemon)->sockets_to_pass());
    server.reset();
  });
  if (!(*daemon)->handing_over()) return code;
  const net::PassedSockets next = std::move((*daemon)->sockets_to_pass());
  daemon->reset();                 // ports, files and the index are free from here on
  execute_again(program, words, next);
  return refuse(io, kFailed, program.string() + ": cannot be started: " + std::strerror(errno));
}

}  // namespace weft::cli
