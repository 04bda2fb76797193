// Two shipped data agents over virtual links: what a transfer promises on good, bad and dying networks.
#include <gtest/gtest.h>

#include "tests/unit/run/agent_pair.hh"

namespace weft::sim {
namespace {

constexpr std::uint32_t kBlock = 128u << 10;

void expect_same(const AgentPair& pair) {
  const auto& got = pair.puller.disk.files.at(6);
  ASSERT_EQ(got.size(), pair.content.size());
  EXPECT_TRUE(got == pair.content);
}

TEST(Agents, CarryAFileOverBothPaths) {
  AgentPair pair(2);
  pair.open(20u << 20, 1);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  EXPECT_TRUE(pair.errors.empty());
  expect_same(pair);
  pair.run_until([] { return false; }, base::milliseconds(20));
  EXPECT_GT(pair.lane(pair.puller, 0).chunk_bytes_in, pair.content.size() / 4);
  EXPECT_GT(pair.lane(pair.puller, 1).chunk_bytes_in, pair.content.size() / 4);
  EXPECT_EQ(pair.lane(pair.puller, 0).chunk_bytes_in + pair.lane(pair.puller, 1).chunk_bytes_in, pair.content.size());
  pair.close_all();
}

TEST(Agents, CarryBlocksOfEverySize) {
  AgentPair pair(1);
  pair.open((33u << 20) + 777, 2);
  pair.fetch(0, 16u << 20);                 // the largest block
  pair.fetch(16u << 20, 16u << 20);
  pair.fetch(32u << 20, (1u << 20) + 777);  // a short last one
  pair.fetch(5, 1);                         // one byte
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(20)));
  EXPECT_TRUE(pair.errors.empty());
  expect_same(pair);
}

TEST(Agents, SurviveLossReorderingCopiesAndDamage) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    AgentPair pair(2, seed);
    for (auto* side : {&pair.puller, &pair.server})
      for (auto& port : side->ports) {
        port->model().drop_ppm = 20'000;
        port->model().copy_ppm = 10'000;
        port->model().damage_ppm = 10'000;
        port->model().jitter = base::microseconds(300);
      }
    pair.open(3u << 20, seed);
    pair.fetch_all(kBlock);
    ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(30)));
    EXPECT_TRUE(pair.errors.empty());
    expect_same(pair);
    pair.run_until([] { return false; }, base::milliseconds(20));
    EXPECT_GT(AgentPair::drops(pair.puller, share::Drop::kTag), 0u);
    EXPECT_GT(AgentPair::drops(pair.puller, share::Drop::kReplay), 0u);
    pair.close_all();
  }
}

TEST(Agents, LeaveABlackholedPathWithinTensOfMilliseconds) {
  AgentPair pair(2);
  pair.open(40u << 20, 3);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 60; }, base::seconds(5)));
  pair.puller.ports[0]->model().blackhole = true;
  pair.server.ports[0]->model().blackhole = true;
  const base::Instant cut = pair.now;
  const std::size_t before = pair.written;
  // No word from control: the lane's own probe timeout hands its chunks to the other path.
  ASSERT_TRUE(pair.run_until([&] { return pair.written > before + 100; }, base::seconds(5)));
  EXPECT_LT((pair.now - cut).ms(), 300);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  EXPECT_TRUE(pair.errors.empty());
  expect_same(pair);
}

TEST(Agents, APathThatHealsCarriesAgain) {
  AgentPair pair(2);
  pair.open(60u << 20, 4);
  pair.fetch_all(kBlock);
  for (auto* side : {&pair.puller, &pair.server})
    for (auto& port : side->ports) port->model().rate_Bps = 100'000'000;
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 40; }, base::seconds(5)));
  for (auto* side : {&pair.puller, &pair.server}) side->ports[0]->model().blackhole = true;
  pair.run_until([] { return false; }, base::milliseconds(60));
  for (auto* side : {&pair.puller, &pair.server}) side->ports[0]->model().blackhole = false;
  const std::uint64_t before = pair.lane(pair.puller, 0).chunk_bytes_in;
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  EXPECT_GT(pair.lane(pair.puller, 0).chunk_bytes_in, before + (4u << 20));
  expect_same(pair);
}

TEST(Agents, APathThatControlTookDownAndUpCarriesAgain) {
  AgentPair pair(2);
  pair.open(120u << 20, 14);
  for (auto* side : {&pair.puller, &pair.server})
    for (auto& port : side->ports) port->model().rate_Bps = 20'000'000;
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 40; }, base::seconds(5)));
  const auto set = [&](bool cut, share::PathState state, bool probe) {
    for (Side* side : {&pair.puller, &pair.server}) {
      side->ports[0]->model().blackhole = cut;
      if (probe) ++side->rows.paths[base::to_index(kSession)][base::to_index(AgentPair::path(0))].probe_seq;
      pair.set_state(*side, 0, state);
    }
  };
  set(true, share::PathState::kDown, false);
  pair.run_until([] { return false; }, base::seconds(2));
  set(false, share::PathState::kProbing, true);
  pair.run_until([] { return false; }, base::milliseconds(50));
  set(false, share::PathState::kActive, false);
  const std::uint64_t before = pair.lane(pair.puller, 0).chunk_bytes_in;
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(20)));
  EXPECT_GT(pair.lane(pair.puller, 0).chunk_bytes_in, before + (8u << 20));
  expect_same(pair);
}

TEST(Agents, APathThatControlTakesDownGivesBackWhatItCarriedAtOnce) {
  // Long round trips: the lane itself would take most of a second to see it.
  AgentPair pair(2);
  for (Side* side : {&pair.puller, &pair.server})
    for (auto& port : side->ports) port->model().delay = base::milliseconds(100);
  pair.open(8u << 20, 17);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 8; }, base::seconds(10)));
  const std::uint64_t in_flight = pair.lane(pair.server, 0).in_flight_bytes;
  ASSERT_GT(in_flight, 0u);
  for (Side* side : {&pair.puller, &pair.server}) {
    side->ports[0]->model().blackhole = true;
    pair.set_state(*side, 0, share::PathState::kDown);
  }
  pair.run_until([] { return false; }, base::milliseconds(5));
  EXPECT_EQ(pair.lane(pair.server, 0).in_flight_bytes, 0u);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  const std::uint64_t moved = pair.server.channel->report().sessions[base::to_index(kSession)].bytes_moved;
  EXPECT_GT(moved, 0u);                // what is acknowledged before its turn comes is not sent again
  EXPECT_LE(moved, in_flight + (64u << 10)) << "what had left since that report";
  EXPECT_TRUE(pair.errors.empty());
  expect_same(pair);
}

TEST(Agents, ALaneWhoseFirstChallengesWereLostIsValidatedAllTheSame) {
  // Control probes no more once a path is active (by another core's lane, say): the lane must ask by itself.
  AgentPair pair(1);
  pair.puller.ports[0]->model().blackhole = pair.server.ports[0]->model().blackhole = true;
  pair.run_until([] { return false; }, base::milliseconds(30));
  pair.puller.ports[0]->model().blackhole = pair.server.ports[0]->model().blackhole = false;
  pair.open(1u << 20, 13);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(2)));
  EXPECT_TRUE(pair.errors.empty());
  expect_same(pair);
}

TEST(Agents, ALostRequestIsAskedAgainByTheLaneNotByPatience) {
  // kSilentRetry would ask again too, but seconds later.
  AgentPair pair(1);
  pair.open(1u << 20, 15);
  pair.run_until([] { return false; }, base::milliseconds(20));
  pair.puller.ports[0]->model().blackhole = true;
  pair.fetch_all(kBlock);
  pair.run_until([] { return false; }, base::milliseconds(1));
  pair.puller.ports[0]->model().blackhole = false;
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, run::FetchSide::kSilentRetry / 4));
  EXPECT_TRUE(pair.errors.empty());
  expect_same(pair);
}

TEST(Agents, ALostFirstQuestionDoesNotEndSlowStart) {
  AgentPair pair(1);
  for (Side* side : {&pair.puller, &pair.server}) side->ports[0]->model().blackhole = true;
  pair.run_until([] { return false; }, base::milliseconds(5));
  for (Side* side : {&pair.puller, &pair.server}) side->ports[0]->model().blackhole = false;
  pair.open(8u << 20, 15);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(5)));
  pair.run_until([] { return false; }, base::milliseconds(20));
  EXPECT_GE(pair.lane(pair.server, 0).packets_lost, 1u);           // the question
  EXPECT_GT(pair.lane(pair.server, 0).cwnd_bytes, 500'000u);       // 10 Gbit/s x 140 us, and far beyond 32 packets
}

TEST(Agents, APathOfAFewMegabitsEndsNoFetch) {
  AgentPair pair(1);
  for (Side* side : {&pair.puller, &pair.server}) side->ports[0]->model().rate_Bps = 1'000'000;
  pair.open(18u << 20, 16);
  pair.fetch_all(kBlock);                     // the last ones wait for their turn at the server for 15 s and more
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(40)));
  EXPECT_TRUE(pair.errors.empty());
  expect_same(pair);
}

TEST(Agents, RequestsLostFromAFullWindowAreAskedForAgain) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    AgentPair pair(1, seed);
    pair.open(20u << 20, seed);               // 160 extents, and a window of 128
    pair.puller.ports[0]->model().drop_ppm = 300'000;
    pair.fetch_all(kBlock);
    ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(30)));
    EXPECT_TRUE(pair.errors.empty());
    expect_same(pair);
    pair.run_until([] { return false; }, base::milliseconds(20));
    EXPECT_EQ(pair.puller.channel->report().sessions[base::to_index(kSession)].extents_outstanding, 0u);
  }
}

TEST(Agents, APeerThatDeliversNothingEndsEveryFetchInTime) {
  AgentPair pair(1);
  pair.open(16u << 20, 17);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 5; }, base::seconds(5)));
  pair.server.disk.stuck = true;              // accepts all that is asked for, and sends none of it
  const base::Instant cut = pair.now;
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(30)));
  EXPECT_GT((pair.now - cut).ms(), 9'000);
  EXPECT_LT((pair.now - cut).ms(), 16'000);
  EXPECT_GT(pair.errors.size(), 60u);         // what it had read already came
}

TEST(Agents, NeverWriteABlockWhoseHashIsWrong) {
  AgentPair pair(1);
  pair.open(4u << 20, 5);
  pair.server.disk.files[5][300'000] ^= std::byte{1};   // the peer's file is not what its index says
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  ASSERT_EQ(pair.errors.size(), 1u);
  EXPECT_EQ(pair.errors[0], base::Errc::kCorrupt);
  const auto& got = pair.puller.disk.files.at(6);
  EXPECT_TRUE(std::all_of(got.begin() + 2 * kBlock, got.begin() + 3 * kBlock, [](std::byte b) { return b == std::byte{}; }));
}

TEST(Agents, TellTheReasonWhenTheDiskRefuses) {
  AgentPair pair(1);
  pair.open(1u << 20, 6);
  pair.puller.disk.write_error = -ENOSPC;
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  ASSERT_EQ(pair.errors.size(), pair.ordered);
  EXPECT_EQ(pair.errors[0], base::Errc::kNoSpace);
  pair.puller.disk.write_error = 0;
  pair.errors.clear();
  pair.ordered = pair.written = 0;
  pair.server.disk.read_error = -EIO;
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  EXPECT_EQ(pair.errors.size(), pair.ordered);
  EXPECT_EQ(pair.errors[0], base::Errc::kNotFound);
}

TEST(Agents, TellThatAFileHasShrunkSinceItWasGranted) {
  AgentPair pair(1);
  pair.open(1u << 20, 16);
  pair.server.disk.files.at(5).resize((512u << 10) + 1000);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(5)));
  EXPECT_EQ(pair.written, 4u);
  // Refused: a short read that was sent as a whole block would only be seen as corrupt here.
  EXPECT_EQ(pair.errors, std::vector<base::Errc>(4, base::Errc::kNotFound));
}

TEST(Agents, RefuseRequestsOutsideTheFileAndUnknownHandles) {
  AgentPair pair(1);
  pair.open(1u << 20, 7);
  pair.content.resize(2u << 20);      // asks beyond what was granted
  pair.fetch(1u << 20, kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(5)));
  ASSERT_EQ(pair.errors.size(), 1u);
  EXPECT_EQ(pair.errors[0], base::Errc::kNotFound);
  pair.handle ^= 1;                   // not granted
  pair.fetch(0, kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(5)));
  ASSERT_EQ(pair.errors.size(), 2u);
  EXPECT_EQ(pair.errors[1], base::Errc::kUnavailable);
  pair.run_until([] { return false; }, base::milliseconds(20));
  EXPECT_EQ(AgentPair::drops(pair.server, share::Drop::kUnknownHandle), 1u);
  EXPECT_GE(AgentPair::drops(pair.server, share::Drop::kBadRequest), 1u);
}

TEST(Agents, CountForgedTruncatedAndUnknownPacketsAndGoOn) {
  AgentPair pair(1);
  pair.open(2u << 20, 8);
  base::Prng prng(8);
  for (int i = 0; i < 500; ++i) {
    SimPort::Packet packet;
    packet.bytes.resize(1 + prng.below(200));
    for (auto& b : packet.bytes) b = static_cast<std::byte>(prng.next());
    if (i % 3 == 0 && packet.bytes.size() >= 16) {   // a true header, no true tag
      wire::encode_header(packet.bytes.data(), {.receiver_index = AgentPair::index(true, AgentPair::path(0)),
                                                .packet_number = static_cast<std::uint64_t>(i)});
    }
    pair.puller.ports[0]->inject(std::move(packet), pair.now);
  }
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  EXPECT_TRUE(pair.errors.empty());
  expect_same(pair);
  pair.run_until([] { return false; }, base::milliseconds(20));
  EXPECT_GT(AgentPair::drops(pair.puller, share::Drop::kTag), 100u);
  EXPECT_GT(AgentPair::drops(pair.puller, share::Drop::kShort), 10u);
  EXPECT_GT(AgentPair::drops(pair.puller, share::Drop::kType), 100u);
}

TEST(Agents, ACoreWhosePortTakesNothingRests) {
  AgentPair pair(1);
  pair.open(20u << 20, 18);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 20; }, base::seconds(5)));
  for (Side* side : {&pair.puller, &pair.server}) side->ports[0]->model().stuck = true;
  pair.run_until([] { return false; }, base::milliseconds(50));
  for (Side* side : {&pair.puller, &pair.server}) {
    const share::CoreReport before = side->channel->report();
    pair.run_until([] { return false; }, base::milliseconds(50));
    const share::CoreReport& after = side->channel->report();
    const std::uint64_t turns = after.turns - before.turns;
    EXPECT_GT(after.turns_idle - before.turns_idle, turns - turns / 20);
  }
  for (Side* side : {&pair.puller, &pair.server}) side->ports[0]->model().stuck = false;
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  expect_same(pair);
}

TEST(Agents, EndEveryFetchWhenToldTo) {
  AgentPair pair(1);
  pair.open(30u << 20, 9);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 5; }, base::seconds(5)));
  share::Command c;
  c.kind = share::Command::Kind::kDropRequests;
  c.session = kSession;
  pair.puller.channel->send(c);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(5)));
  EXPECT_GT(pair.errors.size(), 0u);
  for (const base::Errc code : pair.errors) EXPECT_EQ(code, base::Errc::kUnavailable);
  pair.close_all();
  pair.run_until([] { return false; }, base::milliseconds(20));
  EXPECT_EQ(pair.puller.channel->report().slots_free, Side::kFetch + Side::kServe);
}

TEST(Agents, GiveBackEverythingWhenTheSessionEnds) {
  AgentPair pair(2);
  pair.open(30u << 20, 10);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 20; }, base::seconds(5)));
  bool gone = false, dropped = false;
  pair.puller.channel->close_file(kSession, pair.file, [&] { gone = true; });
  pair.server.channel->close_file(kSession, pair.handle, [&] { dropped = true; });
  share::Command c;
  c.kind = share::Command::Kind::kRemoveSession;
  c.session = kSession;
  pair.puller.channel->send(c);
  pair.server.channel->send(c);
  ASSERT_TRUE(pair.run_until([&] { return gone && dropped && pair.ended(); }, base::seconds(5)));
  pair.run_until([] { return false; }, base::milliseconds(50));
  for (Side* side : {&pair.puller, &pair.server}) {
    EXPECT_EQ(side->channel->report().slots_free, Side::kFetch + Side::kServe);
    for (auto& port : side->ports) EXPECT_EQ(port->buffers_held(), 0);
  }
}

TEST(Agents, ChangeKeysUnderWayWithoutLosingAByte) {
  AgentPair pair(2, 11, {.packets_per_epoch = 300});
  for (auto* side : {&pair.puller, &pair.server})
    for (auto& port : side->ports) {
      port->model().drop_ppm = 5'000;
      port->model().jitter = base::microseconds(200);   // packets of two epochs mix
    }
  pair.open(12u << 20, 11);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { pair.supply_keys(); return pair.ended(); }, base::seconds(20)));
  EXPECT_TRUE(pair.errors.empty());
  expect_same(pair);
  pair.run_until([] { return false; }, base::milliseconds(20));
  EXPECT_GT(pair.lane(pair.server, 0).key_epoch, 5u);
  EXPECT_EQ(pair.lane(pair.puller, 0).peer_key_epoch, pair.lane(pair.server, 0).key_epoch);
  EXPECT_EQ(AgentPair::drops(pair.puller, share::Drop::kTag), 0u);
  EXPECT_EQ(AgentPair::drops(pair.puller, share::Drop::kEpoch), 0u);
}

TEST(Agents, ALaneKeepsItsKeyWhileNothingArrives) {
  AgentPair pair(1, 16, {.packets_per_epoch = 8});
  pair.open(4u << 20, 16);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { pair.supply_keys(); return pair.written > 3; }, base::seconds(20)));
  for (Side* side : {&pair.puller, &pair.server}) side->ports[0]->model().blackhole = true;
  // Probes alone use a key up so often that the peer, which hears none of them, would know none of the keys after.
  pair.run_until([&] { pair.supply_keys(); return false; }, base::seconds(8));
  for (Side* side : {&pair.puller, &pair.server}) side->ports[0]->model().blackhole = false;
  ASSERT_TRUE(pair.run_until([&] { pair.supply_keys(); return pair.ended(); }, base::seconds(20)));
  expect_same(pair);
}

TEST(Agents, ALaneThatOnlyAcknowledgesChangesItsKeyToo) {
  // Two paths: the requests go by the quicker one, the other brings the puller chunks and takes nothing but acks.
  AgentPair pair(2, 17, {.packets_per_epoch = 40});
  for (Side* side : {&pair.puller, &pair.server}) side->ports[1]->model().delay = base::milliseconds(3);
  pair.open(60u << 20, 17);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { pair.supply_keys(); return pair.ended(); }, base::seconds(40)));
  EXPECT_TRUE(pair.errors.empty());
  pair.run_until([] { return false; }, base::milliseconds(20));
  EXPECT_GT(pair.lane(pair.puller, 1).key_epoch, 1u);
}

TEST(Agents, WithoutTheNextKeyALaneGoesOnWithThePresentOne) {
  AgentPair pair(1, 12, {.packets_per_epoch = 300});
  pair.open(4u << 20, 12);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  EXPECT_TRUE(pair.errors.empty());
  expect_same(pair);
}

}  // namespace
}  // namespace weft::sim
