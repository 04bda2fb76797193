// How long a key lives and what it is used for: one number once, no more packets than its cipher
// allows, wiped when it is of no use any more.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>

#include "engine/run/tx_batch.hh"
#include "engine/wire/frame.hh"
#include "tests/unit/run/agent_pair.hh"

namespace weft::sim {
namespace {

using run::Draft;
using run::LaneSlot;
using run::LaneTable;
using run::TxBatch;

TEST(KeyLife, NoPacketNumberIsUsedTwiceThroughLossAndKeyChanges) {
  constexpr std::uint64_t kPerEpoch = 300;
  AgentPair pair(2, 21, {.packets_per_epoch = kPerEpoch});
  std::vector<SimPort::Packet> sent;
  for (auto* side : {&pair.puller, &pair.server})
    for (auto& port : side->ports) {
      port->tap(&sent);
      port->model().drop_ppm = 20'000;
      port->model().copy_ppm = 10'000;
    }
  pair.open(8u << 20, 21);
  pair.fetch_all(1u << 20);
  ASSERT_TRUE(pair.run_until(
      [&] {
        pair.supply_keys();
        return pair.ended();
      },
      base::seconds(30)));
  std::set<std::pair<std::uint32_t, std::uint64_t>> numbers;  // lane and direction, number
  std::map<std::pair<std::uint32_t, unsigned>, std::uint64_t> used;  // lane and direction, epoch
  std::map<std::uint32_t, unsigned> newest;
  for (const SimPort::Packet& packet : sent) {
    wire::PacketHeader header;
    share::Drop why{};
    ASSERT_TRUE(wire::decode_header(packet.bytes, header, why));
    EXPECT_TRUE(numbers.insert({header.receiver_index, header.packet_number}).second)
        << header.packet_number;
    ++used[{header.receiver_index, header.key_epoch}];
    EXPECT_GE(header.key_epoch, newest[header.receiver_index]);  // never back
    newest[header.receiver_index] = header.key_epoch;
  }
  EXPECT_GT(used.size(), 12u);
  // A turn may end an epoch late by what it sends itself.
  for (const auto& [key, packets] : used) EXPECT_LE(packets, kPerEpoch + 2 * share::kBurst);
}

// One lane, put together by hand.
struct Bench {
  explicit Bench(std::uint64_t packets_per_epoch)
      : aead(*wire::make_aead(wire::AeadKind::kOpenssl, 8)),
        lanes({.lanes = 1, .packets_per_epoch = packets_per_epoch}, *aead),
        tx(ports, {}, *aead, stages) {
    far.join(near);
    near.join(far);
    lane = lanes.add(kSession, base::PathId{0},
                     {.port = base::PortId{0},
                      .flow = {},
                      .packet_bytes = SimPort::kRoom,
                      .receiver_index_local = 0,
                      .receiver_index_remote = 0,
                      .tx = key(0),
                      .rx = key(1)});
    lane->validated = true;
  }
  static share::PacketKey key(std::uint8_t salt) {
    share::PacketKey key;
    key.key.fill(std::byte{salt});
    return key;
  }
  // False: the lane has no number left, or no room.
  bool send_one() {
    tx.begin(now);
    Draft draft;
    const bool started = tx.start(*lane, sched::SentKind::kAckOnly, draft);
    if (started) {
      wire::encode_ping(draft.frames);
      tx.finish(draft, now);
    }
    tx.send(now);
    now += base::milliseconds(1);
    return started;
  }
  base::Instant now{base::seconds(1).ns};
  SimPort near{base::PortId{0}, 1}, far{base::PortId{0}, 2};
  std::array<share::DatagramPort*, 1> ports{&near};
  std::unique_ptr<wire::Aead> aead;
  LaneTable lanes;
  share::StageClock stages;
  TxBatch tx;
  LaneSlot* lane = nullptr;
};

TEST(KeyLife, ALaneStopsAtTheLimitOfItsCipherUntilItHasTheNextKey) {
  Bench bench(wire::kPacketsPerEpochSoft);
  bench.lane->tx_packets_in_epoch = wire::kPacketsPerEpochMax - 2;
  EXPECT_TRUE(bench.send_one());
  EXPECT_TRUE(bench.send_one());
  bench.lanes.rotate_key(*bench.lane);  // there is none to go to
  EXPECT_FALSE(bench.send_one());
  EXPECT_EQ(bench.lane->tx_packets_in_epoch, wire::kPacketsPerEpochMax);
  ASSERT_TRUE(bench.lanes.set_key(*bench.lane, {.epoch = 1, .tx = true, .key = Bench::key(2)}));
  bench.lanes.rotate_key(*bench.lane);
  EXPECT_FALSE(bench.send_one());       // the peer has not answered within this epoch: it may not hold the next key
  bench.lane->tx_epoch_heard = true;
  bench.lanes.rotate_key(*bench.lane);
  EXPECT_TRUE(bench.send_one());
  EXPECT_EQ(bench.lane->tx_epoch, 1u);
  EXPECT_EQ(bench.lane->tx_packets_in_epoch, 1u);
}

TEST(KeyLife, AKeyIsNotChangedBeforeItsTime) {
  Bench bench(100);
  ASSERT_TRUE(bench.lanes.set_key(*bench.lane, {.epoch = 1, .tx = true, .key = Bench::key(2)}));
  bench.lane->tx_epoch_heard = true;
  bench.lane->tx_packets_in_epoch = 99;
  bench.lanes.rotate_key(*bench.lane);
  EXPECT_EQ(bench.lane->tx_epoch, 0u);
  ASSERT_TRUE(bench.send_one());
  bench.lanes.rotate_key(*bench.lane);
  EXPECT_EQ(bench.lane->tx_epoch, 1u);
  EXPECT_FALSE(bench.lane->tx_keys[0].prepared);  // the old one is gone at once
}

TEST(KeyLife, KeysThatDoNotFollowThePresentOnesAreRefused) {
  Bench bench(100);
  for (const std::uint32_t epoch : {0u, 2u, 3u, UINT32_MAX})
    for (const bool tx : {true, false})
      EXPECT_FALSE(
          bench.lanes.set_key(*bench.lane, {.epoch = epoch, .tx = tx, .key = Bench::key(3)}));
}

TEST(KeyLife, AReceiverKeepsThreeKeysAndWipesTheRest) {
  Bench bench(100);
  for (std::uint32_t epoch = 1; epoch <= 9; ++epoch) {
    ASSERT_TRUE(
        bench.lanes.set_key(*bench.lane, {.epoch = epoch, .tx = false, .key = Bench::key(4)}));
    bench.lanes.advance_rx(*bench.lane, epoch);
    EXPECT_EQ(bench.lane->rx_epoch, epoch);
    for (std::uint32_t old = 0; old + 3 <= epoch + 4; ++old) {
      const auto& slot = bench.lane->rx_keys[old & 3];
      const bool wanted = (old & 3) == (epoch & 3) || (old & 3) == ((epoch - 1) & 3);
      EXPECT_EQ(slot.prepared, wanted) << "epoch " << epoch << " slot " << (old & 3);
    }
  }
}

}  // namespace
}  // namespace weft::sim
