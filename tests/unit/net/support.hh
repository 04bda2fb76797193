// What the link tests share: a temporary directory, a device with a link manager on loopback, and waiting for a
// condition while the event loop runs. Waits have a generous limit that only a failure reaches; no test asserts a time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "bep/net/identity.hh"
#include "bep/net/link_manager.hh"

namespace weft::net::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

[[nodiscard]] Identity new_identity();
// `lower` first.
[[nodiscard]] std::pair<Identity, Identity> ordered_identities();

[[nodiscard]] bool run_until(boost::asio::io_context& io, const std::function<bool()>& condition,
                             std::chrono::milliseconds limit = std::chrono::seconds(20));
void run_for(boost::asio::io_context& io, std::chrono::milliseconds time);

// Runs blocking code of a foreign peer in its own thread while the event loop runs here.
template <typename F> auto run_beside(boost::asio::io_context& io, F foreign) {
  auto result = std::async(std::launch::async, std::move(foreign));
  (void)run_until(io, [&] { return result.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  return result.get();
}

// Remembers everything it hears.
class Recorder : public LinkObserver {
 public:
  struct Closed {
    std::uint64_t number = 0;
    CloseReason reason{};
    std::string text;
  };
  void on_link_ready(Link& link, const proto::Hello& hello) override;
  void on_message(Link& link, proto::Event& event) override;
  void on_link_closed(Link& link, CloseReason reason, std::string_view text) override;
  void on_output_drained(Link& link) override;

  std::vector<std::string> story;        // "ready 1", "closed 1 replaced"
  std::vector<proto::Hello> hellos;
  std::vector<proto::Event> messages;
  std::vector<Closed> closed;
  int drained = 0;
  std::function<void(Link&)> when_ready;
};

LinkManagerConfig quick_config(const Identity& identity);   // listens on 127.0.0.1:0, redials within milliseconds

struct Node {
  Node(boost::asio::io_context& io, LinkManagerConfig config);
  [[nodiscard]] std::uint16_t port() const { return manager->listeners().at(0).port; }
  [[nodiscard]] std::string address() const { return "tcp://127.0.0.1:" + std::to_string(port()); }
  [[nodiscard]] std::uint64_t count(CloseReason reason) const {
    return manager->counters()[static_cast<std::size_t>(reason)];
  }
  Recorder seen;
  std::unique_ptr<LinkManager> manager;
};

LinkDevice device(const Identity& identity, std::vector<std::string> addresses = {});

}  // namespace weft::net::test
