// Packets as large as each path carries: shipped agents over virtual links that let only some sizes through.
#include <gtest/gtest.h>

#include "tests/unit/run/agent_pair.hh"

namespace weft::sim {
namespace {

constexpr std::uint32_t kBlock = 128u << 10;

struct PathMtu : testing::Test {
  static void narrow(AgentPair& pair, std::uint32_t path, std::uint32_t payload) {
    for (Side* side : {&pair.puller, &pair.server}) side->ports[path]->model().mtu_payload = payload;
  }
  static void expect_all(AgentPair& pair) {
    EXPECT_TRUE(pair.errors.empty());
    EXPECT_TRUE(pair.puller.disk.files.at(6) == pair.content);
    pair.run_until([] { return false; }, base::milliseconds(20));   // for the last reports
  }
  static std::size_t largest(const std::vector<SimPort::Packet>& packets) {
    std::size_t bytes = 0;
    for (const auto& packet : packets) bytes = std::max(bytes, packet.bytes.size());
    return bytes;
  }
};

TEST_F(PathMtu, AJumboPathCarriesMoreChunksInAPacketThanItsNeighbour) {
  AgentPair pair(2, 1, {}, {.jumbo = 1});
  std::vector<SimPort::Packet> sent;
  pair.open(20u << 20, 1);
  pair.run_until([] { return false; }, base::milliseconds(20));     // the probes
  pair.server.ports[1]->tap(&sent);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  expect_all(pair);
  EXPECT_EQ(pair.lane(pair.server, 0).packet_bytes, SimPort::kRoom);
  EXPECT_EQ(pair.lane(pair.server, 1).packet_bytes, SimPort::kRoomJumbo);
  EXPECT_GT(largest(sent), 8500u);
  EXPECT_GT(pair.lane(pair.puller, 0).chunk_bytes_in, pair.content.size() / 10);
  EXPECT_GT(pair.lane(pair.puller, 1).chunk_bytes_in, pair.content.size() / 10);
  pair.close_all();
}

TEST_F(PathMtu, APathNarrowerThanItsPortsCarriesWhatFits) {
  for (const std::uint32_t payload : {1200u, 1252u, 1372u, 1464u}) {
    SCOPED_TRACE(payload);
    AgentPair pair(2, payload);
    narrow(pair, 0, payload);
    for (const auto& port : pair.server.ports) port->model().queue_bytes = 64u << 20;   // no loss of congestion's
    pair.open(10u << 20, 1);
    pair.fetch_all(kBlock);
    ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
    pair.run_until([] { return false; }, base::seconds(2));         // the end of the search
    expect_all(pair);
    EXPECT_LE(pair.lane(pair.server, 0).packet_bytes, payload);
    EXPECT_GT(pair.lane(pair.server, 0).packet_bytes + sched::Pmtu::kStepBytes, payload);
    EXPECT_EQ(pair.lane(pair.server, 1).packet_bytes, SimPort::kRoom);
    EXPECT_GT(pair.lane(pair.puller, 0).chunk_bytes_in, pair.content.size() / 10);
    EXPECT_EQ(pair.lane(pair.server, 0).packets_lost, 0u);          // a probe that vanishes is no loss
    EXPECT_EQ(pair.lane(pair.server, 0).pto_count, 0u);
  }
}

TEST_F(PathMtu, ABlackHoleThatOpensUnderLoadIsLeft) {
  AgentPair pair(1);
  pair.open(30u << 20, 1);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 40; }, base::seconds(10)));
  ASSERT_EQ(pair.lane(pair.server, 0).packet_bytes, SimPort::kRoom);
  narrow(pair, 0, 1300);
  const std::size_t before = pair.written;
  ASSERT_TRUE(pair.run_until([&] { return pair.written > before + 10; }, base::seconds(1)));
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(20)));
  expect_all(pair);
  EXPECT_LE(pair.lane(pair.server, 0).packet_bytes, 1300);
}

TEST_F(PathMtu, APathThatCarriesOnlySmallPacketsLeavesTheDataToTheBackup) {
  // It answers every probe of its health, so nothing but the sizes of what is lost tells.
  AgentPair pair(2);
  for (Side* side : {&pair.puller, &pair.server})
    side->rows.paths[base::to_index(kSession)][base::to_index(AgentPair::path(1))].role = share::PathRole::kBackup;
  pair.set_state(pair.puller, 0, share::PathState::kActive);
  pair.set_state(pair.server, 0, share::PathState::kActive);
  narrow(pair, 0, 600);
  pair.open(40u << 20, 1);       // long enough to be sure of it (Pmtu::kBlackHoleTime)
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(5)));
  expect_all(pair);
  EXPECT_EQ(pair.lane(pair.server, 0).packet_bytes, 0u);
  EXPECT_EQ(pair.lane(pair.server, 1).packet_bytes, SimPort::kRoom);
  narrow(pair, 0, 0);                                              // mended
  pair.run_until([] { return false; }, base::seconds(2));
  EXPECT_EQ(pair.lane(pair.server, 0).packet_bytes, SimPort::kRoom);
}

TEST_F(PathMtu, LossDoesNotEndInSmallPackets) {
  AgentPair pair(1, 7);
  for (Side* side : {&pair.puller, &pair.server}) side->ports[0]->model().drop_ppm = 50'000;
  pair.open(5u << 20, 1);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(60)));
  pair.run_until([] { return false; }, base::seconds(1));
  expect_all(pair);
  EXPECT_EQ(pair.lane(pair.server, 0).packet_bytes, SimPort::kRoom);
}

}  // namespace
}  // namespace weft::sim
