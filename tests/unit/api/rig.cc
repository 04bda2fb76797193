#include "tests/unit/api/rig.hh"

#include <gtest/gtest.h>

#include "engine/base/must.hh"

namespace weft::api::test {

ServerConfig Rig::quick_config() {
  ServerConfig config;
  config.address = "127.0.0.1:0";
  config.api_key = kKey;
  return config;
}

Rig::Rig(FakeDaemon& daemon, ServerConfig config) {
  std::string why;
  auto server = Server::start(io_, std::move(config), daemon, daemon, why);
  MUST(server.has_value());
  server_ = std::move(*server);
  port_ = server_->address().substr(server_->address().rfind(':') + 1);
  thread_ = std::thread([this] { io_.run(); });
}

Rig::~Rig() {
  boost::asio::post(io_, [this] {
    server_.reset();
    work_.reset();
  });
  thread_.join();
}

cli::HttpAsk Rig::ask(std::string method, std::string target, std::string body) const {
  cli::HttpAsk out;
  out.host = "127.0.0.1";
  out.port = port_;
  out.method = std::move(method);
  out.target = std::move(target);
  out.body = std::move(body);
  out.headers = {{"X-API-Key", kKey}};
  return out;
}

cli::HttpReply Rig::send(const cli::HttpAsk& ask) {
  auto reply = cli::http_request(ask);
  EXPECT_TRUE(reply.has_value()) << ask.method << " " << ask.target << ": " << (reply ? "" : reply.error());
  return reply ? std::move(*reply) : cli::HttpReply{};
}

}  // namespace weft::api::test
