// Asks the daemon that runs on a home directory, by REST: finds its address and key in config.xml. For the commands
// that show what it does or tell it something.
// Threads: one; blocking. Errors: the exit code and one sentence with the remedy.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include <tl/expected.hpp>

#include "engine/cli/http_client.hh"

namespace weft::cli {

class DaemonClient {
 public:
  struct Refusal {
    int code = 0;            // kFailed or kWrong (commands.hh)
    std::string sentence;
  };
  [[nodiscard]] static tl::expected<DaemonClient, Refusal> of_home(const std::filesystem::path& home);

  // The body of a 200. A 400 or 409, and a 404 or 504 to an order, is refused with the daemon's own sentence.
  void wait_longer(std::chrono::milliseconds more) { ask_.deadline += more; }   // for an answer that takes its time
  [[nodiscard]] tl::expected<std::string, Refusal> ask(const std::string& method, const std::string& target,
                                                       const std::string& body = "");

 private:
  DaemonClient() = default;
  std::filesystem::path home_;
  std::string address_;
  HttpAsk ask_;
};

}  // namespace weft::cli
