// Two link managers on loopback: what two wefts see of each other.
#include "bep/net/link_manager.hh"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <string>

#include "bep/proto/device_id.hh"
#include "tests/unit/net/raw_peer.hh"
#include "tests/unit/net/support.hh"

namespace weft::net::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class LinkManagerTest : public testing::Test {
 protected:
  // `left` listens, `right` dials it.
  void connect() {
    LinkManagerConfig left_config = quick_config(alice);
    left_config.devices = {device(bob)};
    left_config.hello.device_name = "alice";
    left.emplace(io, std::move(left_config));
    LinkManagerConfig right_config = quick_config(bob);
    right_config.devices = {device(alice, {left->address()})};
    right_config.hello.device_name = "bob";
    right.emplace(io, std::move(right_config));
    ASSERT_TRUE(run_until(io, [&] { return both_ready(); }));
  }
  bool both_ready() {
    return left->manager->link_of(bob.id()) != nullptr && right->manager->link_of(alice.id()) != nullptr;
  }
  Link& left_link() { return *left->manager->link_of(bob.id()); }
  Link& right_link() { return *right->manager->link_of(alice.id()); }

  asio::io_context io;
  const Identity alice = new_identity();
  const Identity bob = new_identity();
  std::optional<Node> left, right;
};

TEST_F(LinkManagerTest, HelloNamesBothAndLinksDescribeThemselves) {
  ASSERT_NO_FATAL_FAILURE(connect());
  EXPECT_EQ(left->seen.hellos.at(0).device_name, "bob");
  EXPECT_EQ(right->seen.hellos.at(0).device_name, "alice");
  EXPECT_TRUE(left_link().peer_is_weft());
  EXPECT_STREQ(left_link().type(), "tcp-server");
  EXPECT_STREQ(right_link().type(), "tcp-client");
  EXPECT_EQ(left_link().crypto(), "TLS1.3-TLS_AES_128_GCM_SHA256");
  EXPECT_EQ("tcp://" + right_link().remote(), left->address());
  EXPECT_EQ(right_link().local(), left_link().remote());
  const auto figures = right_link().tcp_figures();
  ASSERT_TRUE(figures);
  EXPECT_GT(figures->rtt.ns, 0);
  EXPECT_GT(figures->rtt_min.ns, 0);
  EXPECT_LE(figures->rtt_min, figures->rtt);
  EXPECT_GT(figures->bytes_sent, 0u);
  EXPECT_EQ(figures->bytes_again, 0u);
  EXPECT_LT(figures->heard_ago, base::seconds(10));
  EXPECT_GT(left_link().bytes_in(), 0u);
  ASSERT_EQ(right->manager->dial_status().size(), 1u);
  EXPECT_TRUE(right->manager->dial_status()[0].ok);
  EXPECT_EQ(right->manager->links().size(), 1u);
}

TEST_F(LinkManagerTest, MessagesCrossBothWays) {
  ASSERT_NO_FATAL_FAILURE(connect());
  const auto now = base::Instant{1};
  proto::ClusterConfig cluster;
  proto::ClusterFolder& folder = cluster.folders.emplace_back();
  folder.id = "f1";
  folder.devices.resize(2);
  folder.devices[0].id = alice.id();
  folder.devices[1].id = bob.id();
  left_link().connection().send_cluster_config(cluster, now);
  right_link().connection().send_cluster_config(cluster, now);
  proto::Request request;
  request.id = 5;
  request.folder = "f1";
  request.name = "a";
  request.size = 1 << 20;
  request.hash.resize(32);
  right_link().connection().send_request(request, now);
  std::vector<std::byte> block(1 << 20);
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::byte>(i * 31);
  left_link().connection().send_response(5, proto::ErrorCode::kNone, block, now);
  left_link().flush();
  right_link().flush();
  ASSERT_TRUE(run_until(io, [&] { return left->seen.messages.size() == 2 && right->seen.messages.size() == 2; }));
  EXPECT_EQ(std::get<proto::ClusterConfigReceived>(left->seen.messages[0]).config, cluster);
  EXPECT_EQ(std::get<proto::RequestReceived>(left->seen.messages[1]).request, request);
  const auto& response = std::get<proto::ResponseReceived>(right->seen.messages[1]);
  EXPECT_EQ(response.id, 5);
  EXPECT_TRUE(std::ranges::equal(response.data.bytes(), block));
}

TEST_F(LinkManagerTest, CloseReachesTheOtherSideWithItsReason) {
  ASSERT_NO_FATAL_FAILURE(connect());
  right->manager->set_devices({device(alice)});  // no redial
  left_link().close("bye for now");
  EXPECT_TRUE(left->seen.closed.empty()) << "never from inside close()";
  ASSERT_TRUE(run_until(io, [&] { return !left->seen.closed.empty() && !right->seen.closed.empty(); }));
  EXPECT_EQ(right->seen.closed[0].reason, CloseReason::kPeerClosed);
  EXPECT_EQ(right->seen.closed[0].text, "bye for now");
  EXPECT_EQ(left->seen.closed[0].reason, CloseReason::kLocal);
  EXPECT_EQ(left->manager->link_of(bob.id()), nullptr);
  EXPECT_GT(left->manager->totals().bytes_in, 0u) << "bytes of closed links are not forgotten";
}

TEST_F(LinkManagerTest, BothEndsExportTheSameSecretsAndOnlyForTheSameLabelAndContext) {
  ASSERT_NO_FATAL_FAILURE(connect());
  const auto context = from_hex("0102");
  const auto secret = [&](Link& link, std::string_view label, base::Bytes with) {
    std::array<std::byte, 32> out{};
    EXPECT_TRUE(link.export_secret(label, with, out));
    return out;
  };
  const auto ours = secret(left_link(), "EXPORTER-test", context);
  EXPECT_EQ(ours, secret(right_link(), "EXPORTER-test", context));
  EXPECT_NE(ours, secret(right_link(), "EXPORTER-other", context));
  EXPECT_NE(ours, secret(right_link(), "EXPORTER-test", {}));
  EXPECT_NE(ours, (std::array<std::byte, 32>{}));
}

TEST_F(LinkManagerTest, ALostLinkIsDialledAgain) {
  ASSERT_NO_FATAL_FAILURE(connect());
  const std::string address = left->address();
  left.reset();  // as if the process were killed: no Close, only the kernel's FIN or RST
  ASSERT_TRUE(run_until(io, [&] { return !right->seen.closed.empty(); }));
  EXPECT_EQ(right->seen.closed[0].reason, CloseReason::kPeerGone);
  ASSERT_TRUE(run_until(io, [&] { return !right->manager->dial_status().at(0).error.empty(); }));
  LinkManagerConfig config = quick_config(alice);
  config.devices = {device(bob)};
  config.listen = {address};
  left.emplace(io, std::move(config));
  ASSERT_TRUE(run_until(io, [&] { return both_ready(); }));
  EXPECT_EQ(right->seen.story.size(), 3u);
}

TEST_F(LinkManagerTest, AReconnectionGoesOnFromTheEarlierTlsSession) {
  ASSERT_NO_FATAL_FAILURE(connect());
  EXPECT_FALSE(right_link().resumed());
  std::array<std::byte, 32> before{};
  ASSERT_TRUE(right_link().export_secret("EXPORTER-test", {}, before));
  right_link().connection().send_cluster_config({}, base::Instant{1});
  left_link().connection().send_cluster_config({}, base::Instant{1});   // the ticket goes with it
  right_link().flush();
  left_link().flush();
  ASSERT_TRUE(run_until(io, [&] { return !right->seen.messages.empty(); }));
  left_link().close("test");
  ASSERT_TRUE(run_until(io, [&] { return right->seen.closed.size() == 1 && left->seen.closed.size() == 1 && both_ready(); }));
  EXPECT_TRUE(right_link().resumed());
  EXPECT_TRUE(left_link().resumed());
  EXPECT_EQ(left_link().device(), bob.id());
  EXPECT_TRUE(left_link().peer_named("syncthing")) << "the certificate of the first session";
  EXPECT_EQ(right->manager->handshakes().full.count, 1u);
  EXPECT_EQ(right->manager->handshakes().resumed.count, 1u);
  std::array<std::byte, 32> ours{}, theirs{};
  ASSERT_TRUE(right_link().export_secret("EXPORTER-test", {}, ours));
  ASSERT_TRUE(left_link().export_secret("EXPORTER-test", {}, theirs));
  EXPECT_EQ(ours, theirs);
  EXPECT_NE(ours, before) << "keys of the datapath are new with each link";
}

TEST_F(LinkManagerTest, AResumedSessionIsRefusedLikeAnyOther) {
  ASSERT_NO_FATAL_FAILURE(connect());
  right_link().connection().send_cluster_config({}, base::Instant{1});
  left_link().connection().send_cluster_config({}, base::Instant{1});
  right_link().flush();
  left_link().flush();
  ASSERT_TRUE(run_until(io, [&] { return !right->seen.messages.empty(); }));
  left->manager->set_devices({});
  ASSERT_TRUE(run_until(io, [&] { return left->count(CloseReason::kUnknownDevice) > 0; }));
  EXPECT_EQ(left->manager->link_of(bob.id()), nullptr);
}

TEST_F(LinkManagerTest, AServerThatForgotItsTicketsHandshakesAnew) {
  ASSERT_NO_FATAL_FAILURE(connect());
  left_link().connection().send_cluster_config({}, base::Instant{1});
  left_link().flush();
  ASSERT_TRUE(run_until(io, [&] { return !right->seen.messages.empty(); }));
  const std::string address = left->address();
  left.reset();
  LinkManagerConfig config = quick_config(alice);
  config.devices = {device(bob)};
  config.listen = {address};
  left.emplace(io, std::move(config));     // its tickets' key is another
  ASSERT_TRUE(run_until(io, [&] { return both_ready(); }));
  EXPECT_FALSE(right_link().resumed());
}

TEST_F(LinkManagerTest, StopClosesPolitelyAndTheLoopRunsDry) {
  ASSERT_NO_FATAL_FAILURE(connect());
  bool left_done = false;
  bool right_done = false;
  right->manager->stop([&] { right_done = true; });
  left->manager->stop([&] { left_done = true; });
  ASSERT_TRUE(run_until(io, [&] { return left_done && right_done; }));
  io.restart();
  while (io.poll_one() > 0) {}
  EXPECT_TRUE(io.stopped()) << "no work of ours is left";
  EXPECT_EQ(left->seen.closed.size(), 1u);
  EXPECT_EQ(right->seen.closed.size(), 1u);
}

TEST_F(LinkManagerTest, RemovedAndPausedDevicesLoseTheirLink) {
  ASSERT_NO_FATAL_FAILURE(connect());
  LinkDevice paused = device(bob);
  paused.paused = true;
  left->manager->set_devices({paused});
  ASSERT_TRUE(run_until(io, [&] { return left->seen.closed.size() == 1; }));
  EXPECT_EQ(left->seen.closed[0].reason, CloseReason::kPaused);
  ASSERT_TRUE(run_until(io, [&] { return left->count(CloseReason::kPaused) >= 3; })) << "and is refused from then on";
  left->manager->set_devices({device(bob)});
  ASSERT_TRUE(run_until(io, [&] { return both_ready(); }));
  left->manager->set_devices({});
  ASSERT_TRUE(run_until(io, [&] { return left->seen.closed.size() == 2; }));
  ASSERT_TRUE(run_until(io, [&] { return left->count(CloseReason::kUnknownDevice) > 0; }));
  EXPECT_EQ(left->manager->pending().size(), 1u);
}

TEST_F(LinkManagerTest, SimultaneousDialsEndInTheSameOneLink) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    const auto [low, high] = ordered_identities();
    Recorder ignored;
    LinkManagerConfig low_config = quick_config(low);
    low_config.seed = seed;
    Node a(io, low_config);
    LinkManagerConfig high_config = quick_config(high);
    high_config.seed = seed + 100;
    Node b(io, high_config);
    a.manager->set_devices({device(high, {b.address()})});
    b.manager->set_devices({device(low, {a.address()})});
    const auto settled = [&] {
      const Link* from_a = a.manager->link_of(high.id());
      const Link* from_b = b.manager->link_of(low.id());
      return from_a != nullptr && from_b != nullptr && from_a->local() == from_b->remote() &&
             a.manager->handshaking() == 0 && b.manager->handshaking() == 0;
    };
    ASSERT_TRUE(run_until(io, settled));
    run_for(io, 150ms);  // longer than the redial steps of a test: nothing moves any more
    ASSERT_TRUE(settled());
    const auto ups = [](const Recorder& r) {
      return std::ranges::count_if(r.story, [](const std::string& s) { return s.starts_with("ready"); });
    };
    EXPECT_LE(ups(a.seen), 2) << "at most one exchange of links";
    EXPECT_LE(ups(b.seen), 2);
    EXPECT_EQ(a.seen.closed.size() + 1, static_cast<std::size_t>(ups(a.seen)));
  }
}

TEST_F(LinkManagerTest, DiallingTheWrongDeviceIsRefusedAndShown) {
  const Identity other = new_identity();
  Node server(io, quick_config(alice));
  LinkManagerConfig config = quick_config(bob);
  config.devices = {device(other, {server.address()})};
  Node client(io, std::move(config));
  ASSERT_TRUE(run_until(io, [&] { return client.count(CloseReason::kWrongDevice) > 0; }));
  const DialStatus status = client.manager->dial_status().at(0);
  EXPECT_FALSE(status.ok);
  EXPECT_NE(status.error.find(proto::to_text(alice.id())), std::string::npos) << status.error;
  EXPECT_TRUE(client.seen.story.empty());
}

TEST_F(LinkManagerTest, ConnectingToOurselvesIsRefused) {
  Node server(io, quick_config(alice));
  LinkManagerConfig config = quick_config(alice);
  config.devices = {device(bob, {server.address()})};
  Node same_device(io, std::move(config));
  ASSERT_TRUE(run_until(io, [&] { return same_device.count(CloseReason::kOwnDevice) > 0; }));
}

TEST_F(LinkManagerTest, DialErrorsAreKeptByAddressAndOthersAreTried) {
  Node server(io, [&] {
    LinkManagerConfig config = quick_config(alice);
    config.devices = {device(bob)};
    return config;
  }());
  std::uint16_t dead_port = 0;
  {
    asio::ip::tcp::acceptor gone(io, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    dead_port = gone.local_endpoint().port();
  }
  LinkManagerConfig config = quick_config(bob);
  config.devices = {device(alice, {"dynamic", "quic://127.0.0.1:1", "tcp://127.0.0.1:" + std::to_string(dead_port),
                                   server.address()})};
  Node client(io, std::move(config));
  ASSERT_TRUE(run_until(io, [&] { return client.manager->link_of(alice.id()) != nullptr; }));
  const auto status = client.manager->dial_status();
  ASSERT_EQ(status.size(), 4u);
  EXPECT_EQ(status[0].when_unix_ms, 0);
  EXPECT_FALSE(status[1].error.empty());
  EXPECT_GT(status[2].when_unix_ms, 0);
  EXPECT_FALSE(status[2].error.empty());
  EXPECT_TRUE(status[3].ok);
}

TEST_F(LinkManagerTest, ANewAddressAndDialNowDoNotWaitForTheBackoff) {
  std::uint16_t dead_port = 0;
  {
    asio::ip::tcp::acceptor gone(io, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    dead_port = gone.local_endpoint().port();
  }
  const std::string dead = "tcp://127.0.0.1:" + std::to_string(dead_port);
  LinkManagerConfig config = quick_config(bob);
  config.redial = {base::seconds(3600)};
  config.devices = {device(alice, {dead})};
  Node client(io, std::move(config));
  ASSERT_TRUE(run_until(io, [&] { return !client.manager->dial_status().at(0).error.empty(); }));
  const std::int64_t first = client.manager->dial_status().at(0).when_unix_ms;
  ASSERT_TRUE(run_until(io, [&] {
    client.manager->dial_now(alice.id());
    return client.manager->dial_status().at(0).when_unix_ms > first;
  }));
  LinkManagerConfig server_config = quick_config(alice);
  server_config.devices = {device(bob)};
  Node server(io, std::move(server_config));
  client.manager->set_devices({device(alice, {server.address()})});
  EXPECT_TRUE(run_until(io, [&] { return client.manager->link_of(alice.id()) != nullptr; }));
}

TEST_F(LinkManagerTest, ListenersShowWhatTheyDo) {
  Node first(io, quick_config(alice));
  LinkManagerConfig config = quick_config(bob);
  config.listen = {first.address(), "tcp://127.0.0.1:0", "quic://0.0.0.0:22000", "tcp6://[::1]:0"};
  Node second(io, std::move(config));
  const auto all = second.manager->listeners();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].port, 0);
  EXPECT_FALSE(all[0].error.empty()) << "the port is taken";
  EXPECT_NE(all[1].port, 0);
  EXPECT_EQ(all[1].actual, "tcp://127.0.0.1:" + std::to_string(all[1].port));
  EXPECT_TRUE(all[2].error.empty() || all[2].actual.starts_with("tcp://[::1]:"));
  EXPECT_EQ(all[3].configured, "quic://0.0.0.0:22000");
  EXPECT_FALSE(all[3].error.empty());
}

// A port on loopback that takes no more connections: the kernel drops what asks for one, as a cable that is cut does.
class FullPort {
 public:
  FullPort() : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) {
    acceptor_.listen(0);
    for (auto& socket : fillers_) {
      socket.open(tcp::v4());
      socket.native_non_blocking(true);
      const auto to = acceptor_.local_endpoint();
      (void)::connect(socket.native_handle(), to.data(), static_cast<socklen_t>(to.size()));   // Asio's would wait
    }
  }
  [[nodiscard]] std::string address() const { return "tcp://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

 private:
  using tcp = boost::asio::ip::tcp;
  boost::asio::io_context io_;
  tcp::acceptor acceptor_;
  std::array<tcp::socket, 4> fillers_{tcp::socket(io_), tcp::socket(io_), tcp::socket(io_), tcp::socket(io_)};
};

class History final : public DialHistory {
 public:
  DialRecord of(const base::DeviceId&, const std::string& address) override { return records[address]; }
  void save(const base::DeviceId&, const std::string& address, const DialRecord& record) override {
    records[address] = record;
    ++saved;
  }
  std::map<std::string, DialRecord> records;
  int saved = 0;
};

// bob knows two addresses of alice: one that never answers, and then hers.
struct BehindAFullPort : LinkManagerTest {
  BehindAFullPort() {
    server_config.devices = {device(bob)};
    server.emplace(io, std::move(server_config));
    client_config.devices = {device(alice, {full.address(), server->address()})};
    client_config.history = &history;
  }
  void connect_client() {
    client.emplace(io, std::move(client_config));
    ASSERT_TRUE(run_until(io, [&] { return client->manager->link_of(alice.id()) != nullptr; }));
  }
  const FullPort full;
  History history;
  LinkManagerConfig server_config = quick_config(alice), client_config = quick_config(bob);
  std::optional<Node> server, client;
};

TEST_F(BehindAFullPort, AnAddressThatDoesNotAnswerHoldsNobodyUp) {
  client_config.dial_times.connect = base::seconds(600);
  ASSERT_NO_FATAL_FAILURE(connect_client());
  EXPECT_NE(history.records[server->address()].ok_unix_ms, 0);
  EXPECT_EQ(history.records[full.address()], DialRecord{}) << "it was given up, it did not fail";
}

TEST_F(BehindAFullPort, WhatWorkedLastTimeIsDialledFirst) {
  history.records[server->address()] = {.ok_unix_ms = 1, .failures = 0, .took = base::milliseconds(3)};
  ASSERT_NO_FATAL_FAILURE(connect_client());
  const auto dials = client->manager->dial_status();
  ASSERT_EQ(std::ranges::count_if(dials, [&](const DialStatus& d) { return d.address == server->address() && d.ok; }), 1);
}

TEST_F(LinkManagerTest, DialsShareABoundOverAllDevices) {
  const FullPort full;
  LinkManagerConfig config = quick_config(bob);
  config.dials_max = 3;
  config.dial_times.connect = base::milliseconds(100);
  for (int i = 0; i < 8; ++i) config.devices.push_back(device(new_identity(), {full.address()}));
  Node client(io, std::move(config));
  const auto tried = [&] {
    const auto all = client.manager->dial_status();
    return std::ranges::count_if(all, [](const DialStatus& d) { return d.when_unix_ms != 0; });
  };
  EXPECT_EQ(tried(), 3);
  EXPECT_TRUE(run_until(io, [&] { return tried() == 8; })) << "the others have their turn";
}

TEST_F(LinkManagerTest, RandomPortsAreKeptOverARestartAndGivenUpWhenTaken) {
  const TempDir home;
  constexpr PortRange range{.first = 20'000, .last = 29'999};
  const auto config = [&](const Identity& identity) {
    LinkManagerConfig made = quick_config(identity);
    made.random_ports = range;
    made.ports_file = home.path() / "ports";
    made.seed = 0;
    return made;
  };
  std::uint16_t first_port = 0;
  {
    Node first(io, config(alice));
    first_port = first.port();
    EXPECT_TRUE(first.manager->listeners()[0].error.empty()) << first.manager->listeners()[0].error;
    EXPECT_TRUE(range.contains(first_port));
    EXPECT_NE(first.manager->listeners()[0].actual.find(std::to_string(first_port)), std::string::npos);
  }
  Node again(io, config(alice));
  EXPECT_EQ(again.port(), first_port);
  Node other(io, config(bob));               // the same memory, and the port is in use now
  EXPECT_TRUE(range.contains(other.port()));
  EXPECT_NE(other.port(), first_port);
}

TEST_F(LinkManagerTest, ARandomRangeThatIsFullSaysSo) {
  Node first(io, quick_config(alice));
  LinkManagerConfig config = quick_config(bob);
  config.random_ports = PortRange{.first = first.port(), .last = first.port()};
  const Node second(io, std::move(config));
  EXPECT_EQ(second.port(), 0);
  EXPECT_NE(second.manager->listeners()[0].error.find("randomPortRangeStart"), std::string::npos);
}

TEST_F(LinkManagerTest, WrongConfigurationIsOneSentence) {
  Recorder seen;
  const auto refused = [&](LinkManagerConfig config) {
    std::string why;
    const auto made = LinkManager::make(io, std::move(config), seen, why);
    EXPECT_FALSE(made);
    return why;
  };
  LinkManagerConfig listen = quick_config(alice);
  listen.listen = {"tcp://some.host:1"};
  EXPECT_NE(refused(listen).find("tcp://some.host:1"), std::string::npos);
  LinkManagerConfig address = quick_config(alice);
  address.devices = {device(bob, {"127.0.0.1:1"})};
  EXPECT_NE(refused(address).find("127.0.0.1:1"), std::string::npos);
  LinkManagerConfig twice = quick_config(alice);
  twice.devices = {device(bob), device(bob)};
  EXPECT_NE(refused(twice).find("twice"), std::string::npos);
}

}  // namespace
}  // namespace weft::net::test
