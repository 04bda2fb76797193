// The server over real loopback connections: bounds, rude clients, keep-alive, life and end.
#include "engine/api/server.hh"

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "bep/proto/device_id.hh"
#include "tests/unit/api/rig.hh"

namespace weft::api {
namespace {

using test::FakeDaemon;
using test::Rig;
namespace asio = boost::asio;

// A client that says exactly what it is told to.
class RawClient {
 public:
  explicit RawClient(const Rig& rig) : socket_(io_) {
    socket_.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(std::stoi(rig.port()))});
  }
  void say(std::string_view text) {
    boost::system::error_code error;                     // the server may have hung up: hear() tells
    asio::write(socket_, asio::buffer(text), error);
  }
  std::string hear_until_end() {
    std::string out;
    boost::system::error_code error;
    asio::read(socket_, asio::dynamic_buffer(out), error);
    return out;
  }
  std::string hear(std::size_t bytes) {
    std::string out(bytes, '\0');
    boost::system::error_code error;
    out.resize(asio::read(socket_, asio::buffer(out), error));
    return out;
  }

 private:
  asio::io_context io_;
  asio::ip::tcp::socket socket_;
};

const std::string kPing = std::string("GET /rest/system/ping HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ") + test::kKey +
                          "\r\n\r\n";

TEST(Server, EveryAnswerSaysWhoAndForbidsCaching) {
  FakeDaemon daemon;
  Rig rig(daemon);
  for (const char* target : {"/rest/system/ping", "/rest/nothing", "/", "/rest/db/status?folder=none"}) {
    const cli::HttpReply reply = rig.get(target);
    EXPECT_EQ(reply.header("X-Syncthing-ID"), proto::to_text(test::kSelf)) << target;
    EXPECT_EQ(reply.header("X-Syncthing-Version").front(), 'v') << target;
    EXPECT_NE(reply.header("Cache-Control").find("no-store"), std::string::npos) << target;
    EXPECT_EQ(reply.header("X-Content-Type-Options"), "nosniff") << target;
  }
  EXPECT_EQ(rig.get("/rest/system/ping").header("Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(rig.get("/rest/system/ping").header("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(rig.get("/rest/nothing").header("Content-Type"), "text/plain; charset=utf-8");
}

TEST(Server, ChecksHostAndKey) {
  FakeDaemon daemon;
  Rig rig(daemon);
  cli::HttpAsk ask = rig.ask("GET", "/rest/system/ping");
  ask.headers.clear();
  EXPECT_EQ(Rig::send(ask).status, 403u);
  EXPECT_EQ(Rig::send(ask).body, "CSRF Error\n");
  ask.headers = {{"Authorization", std::string("Bearer ") + test::kKey}};
  EXPECT_EQ(Rig::send(ask).status, 200u);
  ask.headers.emplace_back("Host", "example.org");
  EXPECT_EQ(Rig::send(ask).body, "Host check error\n");
}

TEST(Server, RefusesALongBodyAndSaysSo) {
  FakeDaemon daemon;
  Rig rig(daemon);
  EXPECT_EQ(rig.post("/rest/weft/ports/left/impair", std::string((1u << 20) + 1, ' ')).status, 413u);
  EXPECT_EQ(rig.post("/rest/weft/ports/left/impair", std::string(1u << 20, ' ')).status, 400u);   // read, and no JSON
  EXPECT_TRUE(daemon.orders().empty());
}

TEST(Server, RefusesALongHeader) {
  FakeDaemon daemon;
  Rig rig(daemon);
  cli::HttpAsk ask = rig.ask("GET", "/rest/system/ping");
  ask.headers.emplace_back("X-Long", std::string(17u << 10, 'x'));
  EXPECT_EQ(Rig::send(ask).status, 431u);
}

TEST(Server, AnswersGarbageWithABadRequestAndGoesOn) {
  FakeDaemon daemon;
  Rig rig(daemon);
  for (const char* garbage : {"\x16\x03\x01\x02\x05\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                              "POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n"}) {
    RawClient client(rig);
    client.say(garbage);
    EXPECT_EQ(client.hear_until_end().substr(0, 12), "HTTP/1.1 400") << garbage;
  }
  EXPECT_EQ(rig.get("/rest/system/ping").status, 200u);
}

TEST(Server, KeepsAConnectionForSeveralRequests) {
  FakeDaemon daemon;
  Rig rig(daemon);
  RawClient client(rig);
  client.say(kPing + kPing);                              // pipelined
  client.say("GET /rest/noauth/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string all = client.hear_until_end();
  std::size_t answers = 0;
  for (std::size_t at = 0; (at = all.find("HTTP/1.1 200", at)) != std::string::npos; ++at) ++answers;
  EXPECT_EQ(answers, 3u);
}

TEST(Server, SilentClientsLockNobodyOut) {
  FakeDaemon daemon;
  ServerConfig config = Rig::quick_config();
  config.limits.connections = 4;
  Rig rig(daemon, config);
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 4; ++i) {
    silent.push_back(std::make_unique<RawClient>(rig));
    silent.back()->say("GET /rest/sys");                  // and no more
  }
  EXPECT_EQ(rig.get("/rest/system/ping").status, 200u);
  EXPECT_EQ(silent[0]->hear_until_end(), "");             // the one that had waited longest made room
  silent[3]->say("tem/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(silent[3]->hear(12), "HTTP/1.1 403");         // whole now, and without a key
}

TEST(Server, ClosesWhoTakesTooLong) {
  FakeDaemon daemon;
  ServerConfig config = Rig::quick_config();
  config.limits.idle = std::chrono::milliseconds(20);
  Rig rig(daemon, config);
  RawClient client(rig);
  client.say("GET /rest/sys");
  EXPECT_EQ(client.hear_until_end(), "");
}

TEST(Server, ShutdownIsAnsweredBeforeItIsOrdered) {
  FakeDaemon daemon;
  {
    Rig rig(daemon);
    EXPECT_EQ(rig.get("/rest/system/shutdown").status, 405u);
    EXPECT_EQ(rig.post("/rest/system/shutdown").status, 200u);
    // The client may have its answer before the server has heard that it does.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (daemon.orders().empty() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  }
  EXPECT_EQ(daemon.orders(), std::vector<std::string>{"shutdown"});
}

TEST(Server, GoesAwayWithOpenConnections) {
  FakeDaemon daemon;
  auto rig = std::make_unique<Rig>(daemon);
  RawClient client(*rig);
  client.say(kPing);
  EXPECT_EQ(client.hear(12), "HTTP/1.1 200");
  client.say("GET /half");
  rig.reset();
  (void)client.hear_until_end();                          // returns: the socket was closed
}

TEST(Server, SaysWhatIsWrongWithItsConfiguration) {
  FakeDaemon daemon;
  boost::asio::io_context io;
  const auto sentence = [&](const ServerConfig& config, base::Errc code) {
    std::string why;
    const auto server = Server::start(io, config, daemon, daemon, why);
    EXPECT_FALSE(server.has_value()) << config.address;
    EXPECT_EQ(server ? base::Errc::kIo : server.error().code, code) << config.address;
    return why;
  };
  ServerConfig config = Rig::quick_config();
  for (const char* bad : {"", "8384", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "/run/weft.sock", "[::1]", "a b:1"}) {
    config.address = bad;
    EXPECT_NE(sentence(config, base::Errc::kInvalidConfig).find("<gui> <address>"), std::string::npos) << bad;
  }
  config = Rig::quick_config();
  config.tls = true;
  EXPECT_NE(sentence(config, base::Errc::kInvalidConfig).find("tls="), std::string::npos);

  std::string why;
  const auto first = Server::start(io, Rig::quick_config(), daemon, daemon, why);
  ASSERT_TRUE(first.has_value()) << why;
  config = Rig::quick_config();
  config.address = (*first)->address();
  EXPECT_NE(sentence(config, base::Errc::kUnavailable).find(config.address), std::string::npos);
}

}  // namespace
}  // namespace weft::api
