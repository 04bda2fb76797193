// `weft status`: asks the daemon of a home by REST.
#include <ostream>

#include "engine/cli/commands.hh"
#include "engine/cli/daemon_client.hh"
#include "engine/cli/status_text.hh"

namespace weft::cli {

int status_command(const StatusOptions& options, const Io& io) {
  auto daemon = DaemonClient::of_home(options.home);
  if (!daemon) return refuse(io, daemon.error().code, daemon.error().sentence);
  StatusAnswers answers;
  for (const auto& [target, place] : {std::pair{"/rest/weft/status", &answers.weft_status},
                                      std::pair{"/rest/weft/paths", &answers.weft_paths},
                                      std::pair{"/rest/system/status", &answers.system_status}}) {
    auto answer = daemon->ask("GET", target);
    if (!answer) return refuse(io, answer.error().code, answer.error().sentence);
    *place = std::move(*answer);
  }
  if (options.json) {
    io.out << answers.weft_status;
    return kDone;
  }
  const auto text = status_text(answers);
  if (!text) return refuse(io, kFailed, text.error());
  io.out << *text;
  return kDone;
}

}  // namespace weft::cli
