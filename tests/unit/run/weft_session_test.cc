// A session's lanes, keys and life, as its cores, its link and its peer see them.
#include "engine/run/weft_session.hh"

#include "tests/unit/run/two_sessions.hh"

namespace weft::run::test {
namespace {

using Kind = share::Command::Kind;

TEST(WeftSession, BothEndsMakeTheSameLanesOfTwoOffers) {
  World world(two_ports(1, 2), two_ports(2, 3));
  world.connect();
  EXPECT_TRUE(world.b.core(2).seen.empty());      // only the cores that both have
  for (std::uint32_t core = 0; core < 2; ++core) {
    const auto ours = world.a.core(core).told(Kind::kAddLane);
    const auto theirs = world.b.core(core).told(Kind::kAddLane);
    ASSERT_EQ(ours.size(), 4u);                   // 2 x 2 ports
    ASSERT_EQ(theirs.size(), 4u);
    for (const auto& lane : ours) {
      const auto twin = std::find_if(theirs.begin(), theirs.end(), [&](const auto& l) { return l.path == lane.path; });
      ASSERT_NE(twin, theirs.end());
      const share::AddLane &l = lane.body.add_lane, &t = twin->body.add_lane;
      EXPECT_EQ(l.receiver_index_local, t.receiver_index_remote);
      EXPECT_EQ(l.receiver_index_remote, t.receiver_index_local);
      EXPECT_EQ(l.tx.key, t.rx.key);
      EXPECT_EQ(l.rx.key, t.tx.key);
      EXPECT_NE(l.tx.key, l.rx.key);
      EXPECT_EQ(l.flow.src, t.flow.dst);
      EXPECT_EQ(l.flow.src_udp, 22100 + core);
      EXPECT_EQ(l.flow.dst_udp, t.flow.src_udp);
    }
    const auto sessions = world.a.core(core).told(Kind::kAddSession);
    ASSERT_EQ(sessions.size(), 1u);
    EXPECT_EQ(sessions[0].body.add_session.chunk_bytes,
              world.b.core(core).told(Kind::kAddSession)[0].body.add_session.chunk_bytes);
    EXPECT_EQ(sessions[0].body.add_session.requests_max, kRequestsMax);
  }
  EXPECT_EQ(world.a.session.paths().size(), 4u);
}

TEST(WeftSession, KeysOfAllLanesDiffer) {
  World world(two_ports(1, 2), two_ports(2, 2));
  world.connect();
  std::vector<std::array<std::byte, 16>> keys;
  for (std::uint32_t core = 0; core < 2; ++core)
    for (const auto& lane : world.a.core(core).told(Kind::kAddLane)) {
      keys.push_back(lane.body.add_lane.tx.key);
      keys.push_back(lane.body.add_lane.rx.key);
    }
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
}

TEST(WeftSession, TheSameSessionGoesOnOverANewLink) {
  World world;
  world.connect();
  const auto a_before = world.a.core().seen.size(), b_before = world.b.core().seen.size();
  world.link_down();
  world.run(base::seconds(2));
  EXPECT_TRUE(world.a.session.usable());          // paths need no link
  world.link_up();
  world.run(base::milliseconds(50));
  EXPECT_EQ(world.a.core().seen.size(), a_before);
  EXPECT_EQ(world.b.core().seen.size(), b_before);
  const auto offers = world.a.heard_of<proto::Offer>();
  ASSERT_EQ(offers.size(), 2u);
  EXPECT_EQ(offers[0].session_id_previous, (std::array<std::byte, 16>{}));
  EXPECT_NE(offers[1].session_id_previous, offers[0].session_id_previous);
}

TEST(WeftSession, ALinkThatGoesDownTakesItsPathsWithinOneTickAndNoOthers) {
  World world;
  world.connect();
  const auto state = [&](std::uint32_t local) {
    share::PathState worst = share::PathState::kActive;
    for (const PathShown& path : world.a.session.paths())
      if (path.local_port == local && path.entry.state != share::PathState::kActive) worst = path.entry.state;
    return worst;
  };
  ASSERT_EQ(state(1), share::PathState::kActive);
  world.a.data.ports[1].up = false;
  world.run(base::milliseconds(10));                // one tick; the cores' reports still say that all is well
  EXPECT_EQ(state(0), share::PathState::kActive);
  for (const PathShown& path : world.a.session.paths()) {
    if (path.local_port != 1) continue;
    EXPECT_EQ(path.entry.state, share::PathState::kDown);
    // What the core has been given: it hands the lanes' data back when it adopts this.
    const auto& table = world.a.core().rings.table.current();
    EXPECT_EQ(table.paths[base::to_index(world.a.session.slot())][base::to_index(path.id)].state, share::PathState::kDown);
  }
  world.a.data.ports[1].up = true;
  world.run(base::milliseconds(200));
  EXPECT_EQ(state(1), share::PathState::kActive);
}

TEST(WeftSession, EachEpochsKeyIsSuppliedOnceAndFitsTheOtherEnd) {
  World world;
  world.connect();
  const auto keys = [](End& end, bool tx) {
    std::vector<share::SetKey> out;
    for (const auto& c : end.core().told(Kind::kSetKey))
      if (c.path == base::PathId{0} && c.body.set_key.tx == tx) out.push_back(c.body.set_key);
    return out;
  };
  for (std::uint32_t epoch = 0; epoch < 5; ++epoch) {
    for (End* end : {&world.a, &world.b})
      for (share::LaneReport& lane : end->core().lanes) lane.key_epoch = lane.peer_key_epoch = epoch;
    world.run(base::milliseconds(100));           // many ticks
    for (const bool tx : {true, false}) {
      const auto ours = keys(world.a, tx), theirs = keys(world.b, !tx);
      ASSERT_EQ(ours.size(), epoch + 1);
      ASSERT_EQ(theirs.size(), epoch + 1);
      EXPECT_EQ(ours.back().epoch, epoch + 1);
      EXPECT_EQ(ours.back().key.key, theirs.back().key.key);
      EXPECT_EQ(ours.back().key.iv, theirs.back().key.iv);
      for (std::uint32_t i = 0; i < epoch; ++i) EXPECT_NE(ours.back().key.key, ours[i].key.key);
    }
  }
}

// The simulator's seed 1960: the report of the old lane had a higher epoch, the new one was sent a key that it could not use
// yet, and never again.
TEST(WeftSession, ReportsOfEarlierLanesSupplyNoKeysAndAreNotShown) {
  World world;
  world.connect();
  world.run(base::milliseconds(50));
  auto& lanes = world.a.core().lanes;
  const auto before = world.a.core().told(Kind::kSetKey).size();
  for (share::LaneReport& lane : lanes) {
    lane.key_epoch = lane.peer_key_epoch = 1;
    --lane.lane_epoch;
  }
  world.run(base::milliseconds(50));
  EXPECT_EQ(world.a.core().told(Kind::kSetKey).size(), before);
  for (const PathShown& path : world.a.session.paths()) EXPECT_TRUE(path.lanes.empty());
  for (share::LaneReport& lane : lanes) ++lane.lane_epoch;
  world.run(base::milliseconds(50));
  EXPECT_EQ(world.a.core().told(Kind::kSetKey).size(), before + 2 * lanes.size());
}

TEST(WeftSession, APathWhosePortIsDownCarriesNothingAndComesBack) {
  World world({.ports = {port_of("p0", v4(0, 1))}, .cores = 1}, {.ports = {port_of("p0", v4(0, 2))}, .cores = 1});
  world.connect();
  const int before = world.a.paths_changed;
  world.a.data.ports[0].up = false;
  world.run(base::milliseconds(20));
  EXPECT_EQ(world.a.session.paths().at(0).entry.state, share::PathState::kDown);
  world.run(WeftSession::kLinkTakesOverAfter);
  EXPECT_FALSE(world.a.session.usable());
  EXPECT_EQ(world.a.paths_changed, before + 1);
  world.run(base::seconds(20));
  EXPECT_FALSE(world.a.session.usable());
  world.a.data.ports[0].up = true;
  world.run(base::milliseconds(500));
  EXPECT_TRUE(world.a.session.usable());
  EXPECT_EQ(world.a.paths_changed, before + 2);
}

TEST(WeftSession, ASessionWithoutLinkAndPathsEndsAfterTheParkTimeAndNotBefore) {
  World world;
  world.connect();
  world.link_down();
  world.set_answering(false);
  world.run(WeftSession::kParkTime - base::seconds(1));
  EXPECT_TRUE(world.a.session.active());
  world.run(base::seconds(3));
  EXPECT_FALSE(world.a.session.active());
  EXPECT_FALSE(world.b.session.active());
  EXPECT_EQ(world.a.core().told(Kind::kRemoveSession).size(), 1u);
  EXPECT_TRUE(world.a.session.paths().empty());
  for (const auto& row : world.a.table.paths[1]) EXPECT_EQ(row.state, share::PathState::kAbsent);
  world.set_answering(true);
  world.connect();                                // and a new one begins
  EXPECT_EQ(world.a.heard_of<proto::Offer>().back().session_id_previous, (std::array<std::byte, 16>{}));
}

TEST(WeftSession, EitherALinkOrAPathKeepsASession) {
  World world;
  world.connect();
  world.link_down();
  world.run(2 * WeftSession::kParkTime);          // paths alone
  EXPECT_TRUE(world.a.session.usable());
  world.link_up();
  world.set_answering(false);
  world.run(2 * WeftSession::kParkTime);          // the link alone
  EXPECT_TRUE(world.a.session.active());
  EXPECT_FALSE(world.a.session.usable());
  world.set_answering(true);
  world.run(base::seconds(10));
  EXPECT_TRUE(world.a.session.usable());
  EXPECT_TRUE(world.a.core().told(Kind::kRemoveSession).empty());
}

}  // namespace
}  // namespace weft::run::test
