// `weft handover`: the running daemon gives what it does to a new one, which is this program when it was upgraded in its place.
#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>

#include "engine/cli/commands.hh"
#include "engine/cli/daemon_client.hh"
#include "engine/cli/home.hh"

namespace weft::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kLimit{30};
constexpr int kLookEveryMs = 20;

// "": it says nothing of the kind.
std::string start_time(DaemonClient& daemon) {
  const auto answer = daemon.ask("GET", "/rest/system/status");
  if (!answer) return "";
  const auto json = nlohmann::json::parse(*answer, nullptr, false);
  const bool there = json.is_object() && json.contains("startTime") && json["startTime"].is_string();
  return there ? json["startTime"].get<std::string>() : "";
}

}  // namespace

int handover_command(const std::filesystem::path& home, const Io& io) {
  // Read as the new one will read it: what it would refuse must not end the one that runs.
  if (const auto checked = load_home(home); !checked) return refuse(io, kWrong, checked.error());
  auto daemon = DaemonClient::of_home(home);
  if (!daemon) return refuse(io, daemon.error().code, daemon.error().sentence);
  const std::string before = start_time(*daemon);
  const Clock::time_point began = Clock::now();
  const auto ordered = daemon->ask("POST", "/rest/system/handover");
  if (!ordered) return refuse(io, ordered.error().code, ordered.error().sentence);
  while (Clock::now() - began < kLimit) {
    (void)::poll(nullptr, 0, kLookEveryMs);
    const std::string now = start_time(*daemon);
    if (now.empty() || now == before) continue;
    io.out << fmt::format("handed over: it answers again after {:.2f} s\n",
                          std::chrono::duration<double>(Clock::now() - began).count());
    return kDone;
  }
  return refuse(io, kFailed, "the new weft does not answer; its log says why");
}

}  // namespace weft::cli
