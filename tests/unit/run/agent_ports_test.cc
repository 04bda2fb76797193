// Ports that come and go under a data agent: an order, and an answer when nothing of the port is in its hands any more.
#include "tests/unit/run/agent_pair.hh"

namespace weft::sim {
namespace {

using Kind = share::Command::Kind;

constexpr std::uint32_t kBlock = base::kSlotBytes;

base::PortId port_id(std::uint32_t i) { return base::PortId{static_cast<std::uint8_t>(i)}; }

void remove_lane(Side& side, base::PathId path) {
  side.rows.paths[base::to_index(kSession)][base::to_index(path)] = {};
  share::Command c;
  c.kind = Kind::kRemoveLane;
  c.session = kSession;
  c.path = path;
  side.channel->send(c);
}

struct Ports : AgentPair {
  using AgentPair::AgentPair;
  // Steps until the core has carried the order out.
  void order(Side& side, Kind kind, std::uint32_t port) {
    bool done = false;
    side.channel->order_port(kind, port_id(port), [&] { done = true; });
    EXPECT_TRUE(side.channel->busy());
    ASSERT_TRUE(run_until([&] { return done; }, base::seconds(1)));
  }
  void remove(Side& side, std::uint32_t port) {
    remove_lane(side, path(port));
    order(side, Kind::kQuietPort, port);
    order(side, Kind::kForgetPort, port);
  }
  void add(Side& side, std::uint32_t port, std::uint64_t rate_Bps = 0) {
    share::Command c;
    c.kind = Kind::kAddPort;
    c.body.port = {.port = port_id(port), .rate_Bps = rate_Bps};
    side.channel->send(c);
  }
  [[nodiscard]] bool same() const { return puller.disk.files.at(6) == content; }
};

TEST(CoreLimits, ACeilingIsDividedAmongTheCores) {
  EXPECT_EQ(run::rate_per_core_Bps(0, 4), 0u);             // none
  EXPECT_EQ(run::rate_per_core_Bps(100, 1), 12'500'000u);
  EXPECT_EQ(run::rate_per_core_Bps(100, 3), 4'166'666u);   // never more in sum
  EXPECT_GT(run::rate_per_core_Bps(1, base::kCoresMax), 0u);
  EXPECT_EQ(run::rate_per_core_Bps(UINT32_MAX, 1), UINT32_MAX * 125'000ull);
}

TEST(AgentPorts, ATransferGoesOnWhenOneOfItsPortsIsTakenAway) {
  Ports pair(2, 3);
  pair.open(30u << 20, 3);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 20; }, base::seconds(5)));
  for (Side* side : {&pair.puller, &pair.server}) pair.remove(*side, 0);
  for (Side* side : {&pair.puller, &pair.server}) {
    EXPECT_EQ(side->ports[0]->buffers_held(), 0);
    side->views[0] = nullptr;                    // whoever touches it now, dies
  }
  EXPECT_FALSE(pair.ended());
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(20)));
  EXPECT_TRUE(pair.errors.empty());
  EXPECT_TRUE(pair.same());
}

TEST(AgentPorts, ANewPortInTheSamePlaceCarriesData) {
  Ports pair(2, 4);
  pair.open(40u << 20, 4);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 20; }, base::seconds(5)));
  SimPort here(port_id(0), 50), there(port_id(0), 51);
  here.join(there);
  there.join(here);
  Secret other;                                  // as control's keys for another port of the same number
  other.fill(std::byte{9});
  for (Side* side : {&pair.puller, &pair.server}) {
    pair.remove(*side, 0);
    side->views[0] = side == &pair.puller ? &here : &there;
    pair.add(*side, 0);
    add_lane(*side, kSession, AgentPair::path(0), port_id(0), side == &pair.puller, other);
    while (!side->table.try_publish(side->rows)) pair.step();
  }
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(20)));
  EXPECT_TRUE(pair.errors.empty());
  EXPECT_TRUE(pair.same());
  EXPECT_GT(there.bytes_sent(), 5u << 20);
  EXPECT_EQ(AgentPair::drops(pair.puller, share::Drop::kTag), 0u);
}

TEST(AgentPorts, ACeilingComesAndGoesWithItsPort) {
  Ports pair(1, 5);
  pair.open(8u << 20, 5);
  for (Side* side : {&pair.puller, &pair.server}) {
    pair.remove(*side, 0);
    pair.add(*side, 0, 10'000'000);
    Secret other;
    other.fill(std::byte{9});
    add_lane(*side, kSession, AgentPair::path(0), port_id(0), side == &pair.puller, other);
    while (!side->table.try_publish(side->rows)) pair.step();
  }
  const base::Instant begun = pair.now;
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(20)));
  EXPECT_TRUE(pair.errors.empty());
  EXPECT_GT(pair.now - begun, base::milliseconds(800));   // 8 MiB at 10 MB/s
}

TEST(AgentPorts, WhatAPortRefusedGoesBackToItWithThePort) {
  Ports pair(2, 6);
  pair.open(20u << 20, 6);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 10; }, base::seconds(5)));
  pair.server.ports[0]->model().stuck = true;
  ASSERT_TRUE(pair.run_until([&] { return pair.server.ports[0]->buffers_held() > 0; }, base::seconds(1)));
  pair.remove(pair.server, 0);
  EXPECT_EQ(pair.server.ports[0]->buffers_held(), 0);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(20)));
  EXPECT_TRUE(pair.same());
}

TEST(AgentPorts, WhatOtherCoresHandedOverOfAPortIsGivenBackBeforeItIsForgotten) {
  Ports pair(2, 7);
  Side& side = pair.puller;
  std::vector<share::RxDatagram> places(128);
  share::SpscRing<share::RxDatagram> ring(places);
  side.wiring.handed_in[1] = &ring;
  side.agent = std::make_unique<run::DataAgent>(run::DataAgentConfig{
      .core = base::CoreId{0}, .ports = side.views, .aead = side.aead.get(), .slots = side.memory,
      .fetch_slots = Side::kFetch, .serve_slots = Side::kServe, .challenge_seed = 1, .wiring = side.wiring});
  remove_lane(side, AgentPair::path(0));
  pair.order(side, Kind::kQuietPort, 0);
  // The other core is not quiet yet: more than one burst of its datagrams comes after our answer.
  for (std::uint32_t i = 0; i < 100; ++i) side.ports[0]->inject({.bytes = std::vector<std::byte>(100)}, pair.now);
  std::array<share::RxDatagram, share::kBurst> burst;
  while (const std::uint32_t count = side.ports[0]->rx(burst, pair.now))
    ASSERT_EQ(ring.push({burst.data(), count}), count);
  EXPECT_EQ(side.ports[0]->buffers_held(), 100);
  pair.order(side, Kind::kForgetPort, 0);
  EXPECT_EQ(side.ports[0]->buffers_held(), 0);
}

}  // namespace
}  // namespace weft::sim
