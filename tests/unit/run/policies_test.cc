// Policies, second copies, congestion control and port ceilings through two shipped data agents over virtual links.
#include <gtest/gtest.h>

#include "tests/unit/run/agent_pair.hh"

namespace weft::sim {
namespace {

using share::Policy;

constexpr std::uint32_t kBlock = 128u << 10;

void set_policy(AgentPair& pair, Policy policy) {
  for (Side* side : {&pair.puller, &pair.server}) {
    side->rows.policy = policy;
    while (!side->table.try_publish(side->rows)) pair.step();
  }
}
void set_rates(AgentPair& pair, std::uint64_t rate_Bps) {
  for (auto* side : {&pair.puller, &pair.server})
    for (auto& port : side->ports) port->model().rate_Bps = rate_Bps;
}
// What the server has sent a second time unasked, when the last reports are there.
std::uint64_t copied_bytes(AgentPair& pair) {
  pair.run_until([] { return false; }, base::milliseconds(200));
  const share::CoreReport& report = pair.server.channel->report();
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < report.lane_count; ++i) sum += report.lanes[i].chunk_bytes_redundant;
  return sum;
}
// A quick path and a slow one that at the end of a transfer still has something on its way.
void set_unequal(AgentPair& pair) {
  for (auto* side : {&pair.puller, &pair.server}) {
    side->ports[0]->model() = {.delay = base::milliseconds(1), .rate_Bps = 25'000'000};
    side->ports[1]->model() = {.delay = base::milliseconds(60), .rate_Bps = 5'000'000};
  }
}
void expect_whole(const AgentPair& pair) {
  EXPECT_TRUE(pair.errors.empty());
  EXPECT_TRUE(pair.puller.disk.files.at(6) == pair.content);
}

TEST(Policies, EachCarriesAFileOverPathsThatLose) {
  for (std::size_t i = 0; i < share::kPolicyNames.size(); ++i) {
    SCOPED_TRACE(share::kPolicyNames[i]);
    AgentPair pair(2, i + 1);
    set_policy(pair, static_cast<Policy>(i));
    for (auto* side : {&pair.puller, &pair.server})
      for (auto& port : side->ports) port->model().drop_ppm = 5'000;
    pair.open(4u << 20, i);
    pair.fetch_all(kBlock);
    ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(30)));
    expect_whole(pair);
    pair.close_all();
  }
}

TEST(Policies, ChangeUnderWayAndNothingStops) {
  AgentPair pair(2);
  set_rates(pair, 50'000'000);
  set_policy(pair, Policy::kActiveBackup);
  pair.open(20u << 20, 2);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 30; }, base::seconds(5)));
  EXPECT_EQ(pair.server.ports[1]->bytes_sent() / (1u << 20), 0u);     // acks and challenges
  set_policy(pair, Policy::kRate);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  expect_whole(pair);
  EXPECT_GT(pair.server.ports[1]->bytes_sent(), 5u << 20);
}

TEST(Policies, WeightsDecideWhatLinksLeaveOpen) {
  AgentPair pair(2);
  for (Side* side : {&pair.puller, &pair.server})
    side->rows.paths[base::to_index(kSession)][base::to_index(AgentPair::path(0))].weight = 4;
  set_policy(pair, Policy::kWeighted);
  pair.open(1u << 20, 3);
  for (std::uint64_t at = 0; at < pair.content.size(); at += 4096) {   // one at a time: windows never fill
    pair.fetch(at, 4096);
    ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(1)));
  }
  pair.run_until([] { return false; }, base::milliseconds(20));
  const double first = static_cast<double>(pair.lane(pair.server, 0).chunk_bytes_out);
  EXPECT_NEAR(first / static_cast<double>(pair.content.size()), 0.8, 0.03);
}

TEST(Policies, RedundantSendsEveryChunkOnTwoPortsAndCountsTheSecondAsRedundant) {
  AgentPair pair(2);
  set_policy(pair, Policy::kRedundant);
  pair.open(2u << 20, 4);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  expect_whole(pair);
  pair.run_until([] { return false; }, base::milliseconds(20));
  const share::LaneReport &a = pair.lane(pair.server, 0), &b = pair.lane(pair.server, 1);
  EXPECT_GE(a.chunk_bytes_redundant + b.chunk_bytes_redundant, pair.content.size() * 9 / 10);
  EXPECT_LE(a.chunk_bytes_redundant + b.chunk_bytes_redundant, pair.content.size());
  EXPECT_EQ(a.chunk_bytes_again + b.chunk_bytes_again, 0u);
  const share::LaneReport &in_a = pair.lane(pair.puller, 0), &in_b = pair.lane(pair.puller, 1);
  EXPECT_EQ(in_a.chunk_bytes_in + in_b.chunk_bytes_in, pair.content.size());
}

// One small piece at a time, so that there is always room: each chunk goes twice, not as often as it could.
TEST(Policies, RedundantSendsNoChunkAThirdTime) {
  AgentPair pair(3);
  set_policy(pair, Policy::kRedundant);
  pair.open(128u << 10, 4);
  for (std::uint64_t at = 0; at < pair.content.size(); at += 4096) {
    pair.fetch(at, 4096);
    ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(1)));
  }
  EXPECT_EQ(copied_bytes(pair), pair.content.size());
}

TEST(Policies, ALaneThatDiesUnderRedundantCostsNoTimeout) {
  AgentPair pair(2);
  set_rates(pair, 20'000'000);
  set_policy(pair, Policy::kRedundant);
  pair.open(4u << 20, 5);
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.written > 5; }, base::seconds(5)));
  pair.server.ports[0]->model().blackhole = true;
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  expect_whole(pair);
}

// What the slow one still has on its way at the end goes again by the quick one: at 22 MiB more than there is budget for.
TEST(Policies, TheTailIsSentTwiceWithinItsBudget) {
  for (const std::uint32_t megabytes : {16, 22}) {
    SCOPED_TRACE(megabytes);
    AgentPair pair(2);
    set_unequal(pair);
    pair.open(megabytes << 20, 6);
    pair.fetch_all(kBlock);
    ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
    expect_whole(pair);
    const std::uint64_t copies = copied_bytes(pair);
    EXPECT_GT(copies, 0u);
    EXPECT_LE(copies, pair.content.size() / 50);
  }
}

TEST(Policies, NoOtherSendsTheTailTwice) {
  for (const Policy policy : {Policy::kMinRtt, Policy::kEcf, Policy::kRoundRobin, Policy::kWeighted, Policy::kHealth}) {
    SCOPED_TRACE(share::name_of(policy));
    AgentPair pair(2);
    set_unequal(pair);
    set_policy(pair, policy);
    pair.open(6u << 20, 6);
    pair.fetch_all(kBlock);
    ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
    expect_whole(pair);
    EXPECT_EQ(copied_bytes(pair), 0u);
  }
}

// With the memory that a core has: what a bad path still owes must not keep the good one waiting for slots.
TEST(Policies, ABadSecondPathCostsNoTimeEither) {
  const auto time_of = [](std::uint32_t paths) {
    AgentPair pair(paths);
    for (auto* side : {&pair.puller, &pair.server}) {
      side->ports[0]->model() = {.delay = base::milliseconds(5), .rate_Bps = 12'500'000, .queue_bytes = 128 << 10};
      if (paths > 1)
        side->ports[1]->model() = {.delay = base::milliseconds(100), .rate_Bps = 1'250'000, .queue_bytes = 256 << 10,
                                   .drop_ppm = 50'000};
    }
    pair.open(16u << 20, 9);
    const base::Instant from = pair.now;
    pair.fetch_all(kBlock);
    EXPECT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(20)));
    expect_whole(pair);
    return (pair.now - from).us();
  };
  const std::int64_t alone = time_of(1), both = time_of(2);
  RecordProperty("alone_us", static_cast<int>(alone));
  RecordProperty("both_us", static_cast<int>(both));
  EXPECT_LE(98 * both, 100 * alone) << alone << " us alone, " << both << " us beside a bad path";
}

TEST(Policies, ALaneUnderBbrCarriesAFile) {
  AgentPair pair(1, 1, {}, {.congestion = share::Congestion::kBbr});
  set_rates(pair, 50'000'000);
  for (auto* side : {&pair.puller, &pair.server}) {
    side->ports[0]->model().delay = base::milliseconds(5);
    side->ports[0]->model().drop_ppm = 10'000;       // where CUBIC's window stays at some ten packets: 1.5 MB/s
  }
  pair.open(30u << 20, 7);
  const base::Instant from = pair.now;
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(30)));
  expect_whole(pair);
  EXPECT_LT(pair.now - from, base::seconds(2));
}

// Four lanes of one port: together no faster than the port may.
TEST(Policies, LanesOfOnePortKeepToItsCeilingTogether) {
  constexpr std::uint64_t kCeiling = 10'000'000;
  AgentPair pair(1, 1, {}, {.lanes_on_port = 4, .port_rate_Bps = kCeiling});
  pair.open(10u << 20, 8);
  const base::Instant from = pair.now;
  const std::uint64_t before = pair.server.ports[0]->bytes_sent();
  pair.fetch_all(kBlock);
  ASSERT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
  expect_whole(pair);
  const double seconds = static_cast<double>((pair.now - from).us()) / 1e6;
  const double rate = static_cast<double>(pair.server.ports[0]->bytes_sent() - before) / seconds;
  EXPECT_LE(rate, 1.03 * static_cast<double>(kCeiling));
  EXPECT_GE(rate, 0.90 * static_cast<double>(kCeiling));
}

}  // namespace
}  // namespace weft::sim
