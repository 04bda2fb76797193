// A server on loopback in front of a FakeDaemon:
//   test thread -- http_request --> 127.0.0.1:any --> Server on its own thread --> FakeDaemon
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <thread>

#include "engine/api/server.hh"
#include "engine/cli/http_client.hh"
#include "tests/unit/api/fake_daemon.hh"

namespace weft::api::test {

inline constexpr const char* kKey = "fake-api-key";

// Serves `daemon` until it goes. Set the daemon's values before.
class Rig {
 public:
  explicit Rig(FakeDaemon& daemon, ServerConfig config = quick_config());
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  [[nodiscard]] static ServerConfig quick_config();             // 127.0.0.1:0, kKey
  [[nodiscard]] cli::HttpAsk ask(std::string method, std::string target, std::string body = "") const;   // with key
  // Fails the test when there is no answer.
  [[nodiscard]] cli::HttpReply get(const std::string& target) const { return send(ask("GET", target)); }
  [[nodiscard]] cli::HttpReply post(const std::string& target, std::string body = "") const {
    return send(ask("POST", target, std::move(body)));
  }
  [[nodiscard]] cli::HttpReply put(const std::string& target, std::string body) const {
    return send(ask("PUT", target, std::move(body)));
  }
  [[nodiscard]] cli::HttpReply remove(const std::string& target) const { return send(ask("DELETE", target)); }
  [[nodiscard]] static cli::HttpReply send(const cli::HttpAsk& ask);
  [[nodiscard]] const std::string& port() const { return port_; }
  [[nodiscard]] boost::asio::io_context& io() { return io_; }   // of the server's thread

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<Server> server_;
  std::string port_;
  std::thread thread_;
};

}  // namespace weft::api::test
