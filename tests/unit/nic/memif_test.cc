// Two ports of one process, a memif server and its client, with the real driver between them.
//
//   left  10.2.0.1 fd00:2::1 == memif ==  10.2.0.2 fd00:2::2 right
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "engine/nic/port.hh"
#include "tests/unit/nic/eal_environment.hh"

namespace weft::nic {
namespace {

using namespace test;

PortConfig config_of(bool server, const std::string& socket, std::uint16_t mtu = 1500) {
  PortConfig config;
  config.name = server ? "left" : "right";
  static int number = 0;   // DPDK keeps a name whose probe failed
  config.device = "net_memif" + std::to_string(number++) + (server ? ",role=server" : ",role=client") +
                  ",id=0,socket=" + socket;
  config.v4 = PortAddress{ipv4(10, 2, 0, server ? 1 : 2), 24, {}};
  config.v6 = PortAddress{parse_ip(server ? "fd00:2::1" : "fd00:2::2").value(), 64, {}};
  config.udp_port = server ? 7000 : 9000;
  config.mtu = mtu;
  config.impair_frames_max = 256;
  return config;
}

std::unique_ptr<Port> open_port(const PortConfig& config, std::uint32_t cores) {
  std::string detail;
  auto port = Port::open(eal(), config, cores, detail);
  EXPECT_TRUE(port) << detail;
  return port ? std::move(*port) : nullptr;
}

struct Pair {
  std::unique_ptr<Port> left, right;

  Pair(const std::string& socket, std::uint32_t cores, std::uint16_t mtu = 1500)
      : left(open_port(config_of(true, socket, mtu), cores)), right(open_port(config_of(false, socket, mtu), cores)) {}
  void poll() {
    for (Port* port : {left.get(), right.get()})
      if (port != nullptr) port->poll(real_now());
  }
  bool connect() {
    return left != nullptr && right != nullptr && eventually([&] { poll(); return left->link_up() && right->link_up(); });
  }
};

// Sends one datagram of `text` when the port lets it; false when nothing was taken.
bool send(UdpPort& udp, const Flow& flow, const std::string& text) {
  TxSlot slot;
  if (udp.tx_alloc({&slot, 1}) != 1) return false;
  std::memcpy(slot.payload, text.data(), text.size());
  const TxItem item{slot.packet, static_cast<std::uint16_t>(text.size()), &flow};
  if (udp.tx({&item, 1}, real_now()) == 1) return true;
  udp.tx_cancel({&slot, 1});
  return false;
}

std::vector<std::string> receive(UdpPort& udp) {
  RxDatagram burst[kBurst];
  const std::uint32_t count = udp.rx(burst, real_now());
  std::vector<std::string> out;
  for (std::uint32_t i = 0; i < count; ++i)
    out.emplace_back(reinterpret_cast<const char*>(burst[i].payload), burst[i].bytes);
  udp.release(std::span(burst).first(count));
  return out;
}

// One data core of one port.
struct End {
  Port& port;
  std::uint16_t core = 0;
  [[nodiscard]] UdpPort& udp() const { return port.udp(base::CoreId(static_cast<std::uint8_t>(core))); }
};

// Sends `text` until it arrives once, control's tick included: the first ones go to finding the next hop.
bool crosses(const End& from, const Flow& flow, const End& to, const std::string& text) {
  return eventually([&] {
    from.port.poll(real_now());
    to.port.poll(real_now());
    (void)send(from.udp(), flow, text);
    (void)receive(from.udp());
    for (const std::string& got : receive(to.udp()))
      if (got == text) return true;
    return false;
  }, 10);
}

TEST(Memif, TwoQueuePairsBothFamiliesBothWays) {
  Pair pair(unique_socket("two"), 2);
  ASSERT_TRUE(pair.connect());
  for (const bool v6 : {false, true}) {
    for (std::uint16_t core = 0; core < 2; ++core) {
      const End left{*pair.left, core}, right{*pair.right, core};
      const auto& to_right = v6 ? pair.right->config().v6->ip : pair.right->config().v4->ip;
      const auto& to_left = v6 ? pair.left->config().v6->ip : pair.left->config().v4->ip;
      const std::uint16_t left_udp = static_cast<std::uint16_t>(7000 + core);
      const std::uint16_t right_udp = static_cast<std::uint16_t>(9000 + core);
      const auto there = pair.left->make_flow(to_right, left_udp, right_udp);
      const auto back = pair.right->make_flow(to_left, right_udp, left_udp);
      ASSERT_TRUE(there && back);
      const std::string text = "core " + std::to_string(core) + (v6 ? " v6" : " v4");
      EXPECT_TRUE(crosses(left, *there, right, text)) << text;
      EXPECT_TRUE(crosses(right, *back, left, text)) << text;
    }
  }
}

TEST(Memif, ManyDatagramsArriveOnceAndInOrder) {
  Pair pair(unique_socket("many"), 1);
  ASSERT_TRUE(pair.connect());
  UdpPort& left = pair.left->udp(base::CoreId(0));
  UdpPort& right = pair.right->udp(base::CoreId(0));
  const Flow flow = pair.left->make_flow(pair.right->config().v4->ip, 7000, 9000).value();
  ASSERT_TRUE(crosses({*pair.left}, flow, {*pair.right}, "found"));
  while (!receive(right).empty()) {}
  const auto drops_before = right.stats().drops;
  constexpr int kCount = 5000;
  int sent = 0, next = 0;
  ASSERT_TRUE(eventually([&] {
    while (sent < kCount && send(left, flow, std::to_string(sent))) ++sent;
    for (const std::string& got : receive(right)) EXPECT_EQ(got, std::to_string(next++));
    return next == kCount;
  }));
  EXPECT_EQ(right.stats().drops, drops_before);
}

TEST(Memif, JumboFramesAreWhole) {
  Pair pair(unique_socket("jumbo"), 1, 9000);
  ASSERT_TRUE(pair.connect());
  UdpPort& left = pair.left->udp(base::CoreId(0));
  const Flow flow = pair.left->make_flow(pair.right->config().v6->ip, 7000, 9000).value();
  ASSERT_EQ(left.payload_max(true), 9000 - 48);
  std::string text(left.payload_max(true), '?');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  EXPECT_TRUE(crosses({*pair.left}, flow, {*pair.right}, text));
}

TEST(Memif, BlackholeIsSetAndLiftedAtRunTime) {
  Pair pair(unique_socket("hole"), 1);
  ASSERT_TRUE(pair.connect());
  UdpPort& left = pair.left->udp(base::CoreId(0));
  UdpPort& right = pair.right->udp(base::CoreId(0));
  const Flow flow = pair.left->make_flow(pair.right->config().v4->ip, 7000, 9000).value();
  ASSERT_TRUE(crosses({*pair.left}, flow, {*pair.right}, "open"));
  ASSERT_TRUE(pair.left->set_impairment({.blackhole = true}));
  pair.poll();
  (void)receive(left);                       // the core adopts the order
  while (!receive(right).empty()) {}
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(send(left, flow, "lost"));
  EXPECT_TRUE(receive(right).empty());
  EXPECT_GE(left.stats().packets_out, 50u);
  EXPECT_TRUE(pair.left->link_up());         // a dead switch does not pull the cable
  ASSERT_TRUE(pair.left->set_impairment({}));
  EXPECT_TRUE(crosses({*pair.left}, flow, {*pair.right}, "open again"));
  const bool reported = eventually([&] {
    (void)receive(left);
    return pair.left->report().udp.impaired.blackholed >= 50;
  });
  EXPECT_TRUE(reported);
}

TEST(Memif, RefusesImpairmentThatIsNotAllowedOrAbsurd) {
  PortConfig config = config_of(true, unique_socket("refuse"));
  config.impair_frames_max = 0;
  auto port = open_port(config, 1);
  ASSERT_NE(port, nullptr);
  EXPECT_EQ(port->set_impairment({.blackhole = true}).error().code, base::Errc::kInvalidConfig);
  config = config_of(true, unique_socket("absurd"));
  port = open_port(config, 1);
  ASSERT_NE(port, nullptr);
  EXPECT_EQ(port->set_impairment({.drop_ppm = 1'000'001}).error().code, base::Errc::kInvalidArgument);
}

// A server that comes later than its client must be in another process (memif_process_test.cc): DPDK 22.11 shares one socket
// between the ports of a process, and that of a client does not listen.
TEST(Memif, CoreDropsInsteadOfFillingADeadRing) {
  Pair pair(unique_socket("dead"), 1);
  ASSERT_TRUE(pair.connect());
  const Flow flow = pair.right->make_flow(ipv4(10, 2, 0, 1), 9000, 7000).value();
  ASSERT_TRUE(crosses({*pair.right}, flow, {*pair.left}, "alive"));
  UdpPort& udp = pair.right->udp(base::CoreId(0));
  const auto dropped = [&] { return udp.stats().drops[static_cast<std::size_t>(NicDrop::kLinkDown)]; };
  const std::uint64_t before = dropped();
  pair.left.reset();
  EXPECT_TRUE(eventually([&] {
    pair.poll();
    (void)receive(udp);
    (void)send(udp, flow, "into the void");
    return dropped() > before;
  }));
  EXPECT_FALSE(pair.right->link_up());
}

TEST(Memif, FlowsKnowTheirNextHop) {
  PortConfig config = config_of(true, unique_socket("flows"));
  config.v4->gateway = ipv4(10, 2, 0, 254);
  auto port = open_port(config, 1);
  ASSERT_NE(port, nullptr);
  const auto on_link = port->make_flow(ipv4(10, 2, 0, 9), 7000, 1);
  const auto far = port->make_flow(ipv4(192, 0, 2, 1), 7000, 1), farther = port->make_flow(ipv4(198, 51, 100, 1), 7000, 1);
  ASSERT_TRUE(on_link && far && farther);
  EXPECT_NE(on_link->neighbour, far->neighbour);
  EXPECT_EQ(far->neighbour, farther->neighbour);         // both behind the gateway
  EXPECT_EQ(port->make_flow(ipv4(10, 2, 0, 9), 7000, 1)->neighbour, on_link->neighbour);
  EXPECT_EQ(on_link->src, config.v4->ip);
  const auto code = [&](const char* remote) { return port->make_flow(parse_ip(remote).value(), 7000, 1).error().code; };
  EXPECT_EQ(code("2001:db8::1"), base::Errc::kUnavailable);   // no IPv6 gateway
  EXPECT_EQ(code("224.0.0.1"), base::Errc::kInvalidArgument);
  EXPECT_EQ(code("10.2.0.1"), base::Errc::kInvalidArgument);  // ourselves
}

TEST(Memif, ConfigurationIsRefusedWithASentence) {
  const auto refused = [](auto change, std::uint32_t cores = 1) {
    PortConfig config = config_of(true, unique_socket("never"));
    change(config);
    std::string detail;
    const auto port = Port::open(eal(), config, cores, detail);
    EXPECT_FALSE(port);
    EXPECT_NE(detail.find("port 'left': "), std::string::npos) << detail;
    return port ? base::Errc::kIo : port.error().code;
  };
  using base::Errc;
  EXPECT_EQ(refused([](PortConfig& c) { c.v4.reset(); c.v6.reset(); }), Errc::kInvalidConfig);
  EXPECT_EQ(refused([](PortConfig& c) { c.v4->ip = ipv4(224, 0, 0, 1); }), Errc::kInvalidConfig);
  EXPECT_EQ(refused([](PortConfig& c) { c.v4->prefix_bits = 33; }), Errc::kInvalidConfig);
  EXPECT_EQ(refused([](PortConfig& c) { c.v4->gateway = ipv4(10, 9, 0, 1); }), Errc::kInvalidConfig);
  EXPECT_EQ(refused([](PortConfig& c) { c.v6->ip = ipv4(10, 2, 0, 1); }), Errc::kInvalidConfig);
  EXPECT_EQ(refused([](PortConfig& c) { c.mtu = 1279; }), Errc::kInvalidConfig);
  EXPECT_EQ(refused([](PortConfig& c) { c.mtu = 9217; }), Errc::kInvalidConfig);
  EXPECT_EQ(refused([](PortConfig& c) { c.udp_port = 65535; }, 2), Errc::kInvalidConfig);
  EXPECT_EQ(refused([](PortConfig& c) { c.device.clear(); }), Errc::kInvalidConfig);
  EXPECT_EQ(refused([](PortConfig& c) { c.device = "eno1"; }), Errc::kNotFound);
  EXPECT_EQ(refused([](PortConfig& c) { c.device = "0000:ff:1f.7"; }), Errc::kNotFound);
  EXPECT_EQ(refused([](PortConfig& c) { c.device = "net_no_such_driver0"; }), Errc::kInvalidConfig);
  EXPECT_EQ(refused([](PortConfig& c) { c.impair_frames_max = 1'000'000; }), Errc::kUnavailable);   // memory
}

TEST(Memif, MemoryEstimateCoversThePool) {
  // What the sum says must be within what the pools really take: an estimate too low would fail at start, one far
  // too high would ask for memory a small machine does not have. 3 808 frames, one per page of 4 KiB where pages are
  // ordinary ones.
  const PortConfig config = config_of(true, "x");
  const std::uint64_t estimate = Port::memory_bytes(config, 1);
  EXPECT_GT(estimate, 6u << 20);
  EXPECT_LT(estimate, 17u << 20);
  PortConfig jumbo = config;
  jumbo.mtu = 9000;
  EXPECT_GT(Port::memory_bytes(jumbo, 2), 6 * estimate);
}

}  // namespace
}  // namespace weft::nic
