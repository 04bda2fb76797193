// What peers that break the rules get: each is counted under its own reason, the listener goes on, and nobody else
// notices.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "bep/net/link_manager.hh"
#include "bep/proto/hello.hh"
#include "tests/unit/net/raw_peer.hh"
#include "tests/unit/net/support.hh"

namespace weft::net::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class RefusalTest : public testing::Test {
 protected:
  Node& serve(LinkManagerConfig config) {
    config.devices = {device(peer)};
    server.emplace(io, std::move(config));
    return *server;
  }
  Node& serve() { return serve(quick_config(us)); }

  // Runs one foreign connection and waits until it is counted.
  void expect_refused(CloseReason reason, const RawOptions& options, const std::vector<std::byte>& after_handshake) {
    const std::uint64_t before = server->count(reason);
    answer = run_beside(io, [&, port = server->port()] {
      RawPeer raw(port, options);
      if (raw.handshake() && !after_handshake.empty()) raw.write(after_handshake);
      return raw.read_all();
    });
    EXPECT_TRUE(run_until(io, [&] { return server->count(reason) == before + 1; })) << name_of(reason);
    EXPECT_TRUE(run_until(io, [&] { return server->manager->handshaking() == 0; }));
  }
  void expect_still_serving() {
    LinkManagerConfig config = quick_config(peer);
    config.devices = {device(us, {server->address()})};
    Node good(io, std::move(config));
    EXPECT_TRUE(run_until(io, [&] { return server->manager->link_of(peer.id()) != nullptr; }));
  }

  asio::io_context io;
  const Identity us = new_identity();
  const Identity peer = new_identity();
  const Identity stranger = new_identity();
  std::optional<Node> server;
  std::vector<std::byte> answer;
};

TEST_F(RefusalTest, WrongTls) {
  serve();
  expect_refused(CloseReason::kTlsVersion, {.identity = &peer, .version = TLS1_2_VERSION}, {});
  expect_refused(CloseReason::kAlpn, {.identity = &peer, .alpn = "h2"}, {});
  expect_refused(CloseReason::kNoCertificate, {}, {});
  expect_refused(CloseReason::kManyCertificates, {.identity = &peer, .second = &stranger}, {});
  EXPECT_TRUE(server->seen.story.empty());
  expect_still_serving();
}

TEST_F(RefusalTest, NoTlsAtAll) {
  serve();
  const auto garbage = from_hex("47455420 2f20485454502f312e310d0a0d0a");
  run_beside(io, [&, port = server->port()] {
    RawPeer raw(port, {});
    raw.write_plain(garbage);
    return raw.read_all();
  });
  EXPECT_TRUE(run_until(io, [&] { return server->count(CloseReason::kNotTls) == 1; }));
  run_beside(io, [port = server->port()] {
    RawPeer raw(port, {});
    raw.reset();
    return 0;
  });
  EXPECT_TRUE(run_until(io, [&] { return server->count(CloseReason::kPeerGone) == 1; }));
  expect_still_serving();
}

TEST_F(RefusalTest, NoAlpnIsAcceptedAsInStock) {
  serve();
  run_beside(io, [&, port = server->port()] {
    RawPeer raw(port, {.identity = &peer, .alpn = ""});
    EXPECT_TRUE(raw.handshake());
    raw.write(stock_hello("old"));
    return raw.read_exactly(6);
  });
  EXPECT_TRUE(run_until(io, [&] { return server->seen.story.size() >= 1; }));
  EXPECT_EQ(server->seen.story.at(0), "ready 1");
  EXPECT_EQ(server->seen.hellos.at(0).device_name, "old");
}

TEST_F(RefusalTest, BadHello) {
  serve();
  const RawOptions options{.identity = &peer};
  expect_refused(CloseReason::kBadHello, options, from_hex("deadbeef0000"));            // unknown magic
  expect_refused(CloseReason::kBadHello, options, from_hex("9f79bc400000"));            // old magic
  expect_refused(CloseReason::kBadHello, options, from_hex("2ea7d90b8000"));            // 32768 bytes
  expect_refused(CloseReason::kBadHello, options, from_hex("2ea7d90b00020a7f"));        // a string longer than the message
  EXPECT_TRUE(server->seen.story.empty());
  EXPECT_EQ(server->manager->protocol_counters().of(proto::Reason::kHelloTooLong), 1u);
  expect_still_serving();
}

TEST_F(RefusalTest, BrokenMessagesCloseTheLinkWithTheirReason) {
  serve();
  const RawOptions options{.identity = &peer};
  const auto after_hello = [](std::string_view hex) {
    auto bytes = stock_hello("x");
    const auto rest = from_hex(hex);
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    return bytes;
  };
  expect_refused(CloseReason::kProtocol, options, after_hello("00007fffffff"));       // 2 GiB announced
  expect_refused(CloseReason::kProtocol, options, after_hello("0000ffffffff"));           // negative
  expect_refused(CloseReason::kProtocol, options, after_hello("ffff"));                   // header of 64 KiB
  expect_refused(CloseReason::kProtocol, options, after_hello("0002080600000000"));       // Ping before ClusterConfig
  EXPECT_NE(as_text(answer).find("cluster config"), std::string::npos) << "told why by Close";
  expect_refused(CloseReason::kProtocol, options, after_hello("000210010000000500000010ff"));  // broken LZ4
  ASSERT_EQ(server->seen.closed.size(), 5u);
  for (const auto& closed : server->seen.closed) EXPECT_FALSE(closed.text.empty());
  expect_still_serving();
}

TEST_F(RefusalTest, StrangersGetAHelloWithoutOurNameAndAreRemembered) {
  LinkManagerConfig config = quick_config(us);
  config.hello.device_name = "secret name";
  serve(std::move(config));
  expect_refused(CloseReason::kUnknownDevice, {.identity = &stranger}, stock_hello("visitor"));
  EXPECT_EQ(as_text(answer).find("secret name"), std::string::npos);
  const auto hello = proto::decode_hello(answer);
  EXPECT_EQ(hello.outcome, proto::HelloDecoded::Outcome::kDone);
  ASSERT_EQ(server->manager->pending().size(), 1u);
  EXPECT_EQ(server->manager->pending()[0].id, stranger.id());
  EXPECT_EQ(server->manager->pending()[0].name, "visitor");
  expect_refused(CloseReason::kUnknownDevice, {.identity = &stranger}, stock_hello(std::string(3000, 'v')));
  ASSERT_EQ(server->manager->pending().size(), 1u) << "the same one again";
  EXPECT_EQ(server->manager->pending()[0].name.size(), 256u);
  EXPECT_TRUE(server->seen.story.empty());
}

TEST_F(RefusalTest, TheCertificateMustHaveTheConfiguredName) {
  LinkManagerConfig config = quick_config(us);
  server.emplace(io, std::move(config));
  LinkDevice named = device(peer);
  named.cert_name = "other.example";
  server->manager->set_devices({named});
  expect_refused(CloseReason::kCertificateName, {.identity = &peer}, stock_hello("x"));
}

TEST_F(RefusalTest, SilentPeersHoldAPlaceAndDelayNobody) {
  LinkManagerConfig config = quick_config(us);
  config.handshakes_max = 4;
  config.times.handshake = base::seconds(3600);
  serve(std::move(config));
  std::vector<tcp::socket> silent;
  const tcp::endpoint to(asio::ip::address_v4::loopback(), server->port());
  for (int i = 0; i < 3; ++i) silent.emplace_back(io).connect(to);
  ASSERT_TRUE(run_until(io, [&] { return server->manager->handshaking() == 3; }));
  expect_still_serving();
  ASSERT_TRUE(run_until(io, [&] { return server->manager->handshaking() == 3; }));
  for (int i = 0; i < 3; ++i) silent.emplace_back(io).connect(to);
  ASSERT_TRUE(run_until(io, [&] { return server->count(CloseReason::kTooManyHandshakes) == 2; }));
  EXPECT_EQ(server->manager->handshaking(), 4u);
}

TEST_F(RefusalTest, OneAddressCannotTakeAllPlaces) {
  LinkManagerConfig config = quick_config(us);
  config.handshakes_per_ip_max = 2;
  serve(std::move(config));
  std::vector<tcp::socket> silent;
  const tcp::endpoint to(asio::ip::address_v4::loopback(), server->port());
  for (int i = 0; i < 5; ++i) silent.emplace_back(io).connect(to);
  ASSERT_TRUE(run_until(io, [&] { return server->count(CloseReason::kTooManyFromAddress) == 3; }));
  EXPECT_EQ(server->manager->handshaking(), 2u);
}

TEST_F(RefusalTest, SilenceEndsWithATimeout) {
  LinkManagerConfig config = quick_config(us);
  config.times.handshake = base::milliseconds(50);
  serve(std::move(config));
  tcp::socket silent(io);
  silent.connect(tcp::endpoint(asio::ip::address_v4::loopback(), server->port()));
  ASSERT_TRUE(run_until(io, [&] { return server->count(CloseReason::kHandshakeTimeout) == 1; }));
}

TEST_F(RefusalTest, NoHelloEndsWithATimeout) {
  LinkManagerConfig config = quick_config(us);
  config.times.hello = base::milliseconds(100);
  serve(std::move(config));
  expect_refused(CloseReason::kHelloTimeout, {.identity = &peer}, {});
  EXPECT_TRUE(server->seen.story.empty());
}

TEST_F(RefusalTest, ASecondYoungLinkIsClosedAndToldSo) {
  serve();
  RawPeer first(server->port(), {.identity = &peer});
  run_beside(io, [&] { return first.handshake() && first.write(stock_hello("one")); });
  ASSERT_TRUE(run_until(io, [&] { return server->seen.story.size() == 1; }));
  expect_refused(CloseReason::kDuplicate, {.identity = &peer}, stock_hello("two"));
  EXPECT_NE(as_text(answer).find("a connection to this device exists"), std::string::npos);
  EXPECT_EQ(server->seen.story, std::vector<std::string>{"ready 1"});
}

TEST_F(RefusalTest, AnOldLinkYieldsAndItsEndIsToldFirst) {
  LinkManagerConfig config = quick_config(us);
  config.replace.age = base::Duration{};
  serve(std::move(config));
  RawPeer first(server->port(), {.identity = &peer});
  run_beside(io, [&] { return first.handshake() && first.write(stock_hello("one")); });
  ASSERT_TRUE(run_until(io, [&] { return server->seen.story.size() == 1; }));
  RawPeer second(server->port(), {.identity = &peer});
  run_beside(io, [&] { return second.handshake() && second.write(stock_hello("two")); });
  ASSERT_TRUE(run_until(io, [&] { return server->seen.story.size() == 3; }));
  EXPECT_EQ(server->seen.story, (std::vector<std::string>{"ready 1", "closed 1 replaced", "ready 2"}));
  const auto told = run_beside(io, [&] { return first.read_all(); });
  EXPECT_NE(as_text(told).find("replacing connection"), std::string::npos);
  ASSERT_TRUE(run_until(io, [&] { return server->count(CloseReason::kReplaced) == 1; }));
  EXPECT_EQ(server->seen.story.size(), 3u) << "told once";
  EXPECT_EQ(server->manager->link_of(peer.id())->hello().device_name, "two");
}

TEST_F(RefusalTest, WeftTellsAStrangerWhyItCloses) {
  serve();
  LinkManagerConfig config = quick_config(stranger);
  config.devices = {device(us, {server->address()})};
  Node client(io, std::move(config));
  ASSERT_TRUE(run_until(io, [&] { return client.seen.closed.size() >= 1; }));
  EXPECT_EQ(client.seen.closed[0].reason, CloseReason::kPeerClosed);
  EXPECT_EQ(client.seen.closed[0].text, "unknown device");
}

}  // namespace
}  // namespace weft::net::test
