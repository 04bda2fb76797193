// Ports that come and go under a session: what both ends make of it, and what nobody may talk them into.
#include "engine/run/sessions.hh"
#include "tests/unit/run/two_sessions.hh"

namespace weft::run::test {
namespace {

using Kind = share::Command::Kind;
using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

End::Setup one_port(std::uint8_t host) { return {.ports = {port_of("p0", v4(0, host))}}; }

// The pairs (our number, theirs) that an end has paths of.
Pairs pairs_of(const End& end) {
  Pairs out;
  for (const PathShown& path : end.session.paths()) out.emplace_back(path.local_port, path.remote_port);
  std::sort(out.begin(), out.end());
  return out;
}

struct Ports : World {
  explicit Ports(const End::Setup& setup_a = two_ports(1), const End::Setup& setup_b = two_ports(2))
      : World(setup_a, setup_b) {}
  static constexpr base::Duration kSoon = WeftSession::kPortsEvery + base::milliseconds(100);
  void add(End& end, std::uint32_t number, const LocalPort& port) {
    end.data.add_port(number, port);
    end.session.on_ports_changed();
  }
  // As Sessions does it, when the session has let go of the port.
  void remove(End& end, std::uint32_t number) {
    end.data.ports[number].leaves = true;
    end.session.on_ports_changed();
    run(kSoon);
    EXPECT_FALSE(end.session.uses_port(number));
    end.data.close_port(number);
  }
  void expect_pairs(const Pairs& of_a) {
    EXPECT_EQ(pairs_of(a), of_a);
    Pairs of_b = of_a;
    for (auto& [ours, theirs] : of_b) std::swap(ours, theirs);
    std::sort(of_b.begin(), of_b.end());
    EXPECT_EQ(pairs_of(b), of_b);
  }
  void expect_all_active() {
    for (const End* end : {&a, &b})
      for (const PathShown& path : end->session.paths()) EXPECT_EQ(path.entry.state, share::PathState::kActive);
  }
};

TEST(SessionPorts, ANewPortIsOfferedAndItsPathsJoin) {
  Ports world(one_port(1), one_port(2));
  world.connect();
  world.open(1);
  const auto block = world.a.fetch(1);
  world.add(world.a, 1, port_of("p1", v4(1, 1)));
  world.run(Ports::kSoon);
  world.expect_pairs({{0, 0}, {1, 0}});
  world.add(world.b, 1, port_of("p1", v4(1, 2)));
  world.run(Ports::kSoon);
  world.expect_pairs({{0, 0}, {0, 1}, {1, 0}, {1, 1}});
  world.expect_all_active();
  EXPECT_EQ(block->count, 0);                     // still under way
  EXPECT_EQ(world.a.core().told(Kind::kAddSession).size(), 1u);
  EXPECT_TRUE(world.a.core().told(Kind::kRemoveSession).empty());
}

TEST(SessionPorts, BothEndsMayAddAtOnce) {
  Ports world(one_port(1), one_port(2));
  world.connect();
  world.add(world.a, 1, port_of("p1", v4(1, 1)));
  world.add(world.b, 1, port_of("p1", v4(1, 2)));
  world.run(Ports::kSoon);
  world.expect_pairs({{0, 0}, {0, 1}, {1, 0}, {1, 1}});
  world.expect_all_active();
}

TEST(SessionPorts, PathsOfAPortThatLeavesDrainAndGoAtBothEnds) {
  Ports world;
  world.connect();
  world.open(1);
  const auto block = world.a.fetch(1);
  share::LaneReport* lane = world.b.core().lane(world.b.session.slot(), base::PathId{0});
  lane->in_flight_bytes = 5000;
  world.a.data.ports[0].leaves = true;
  world.a.session.on_ports_changed();
  world.run(base::milliseconds(30));
  EXPECT_EQ(world.b.session.paths()[0].entry.state, share::PathState::kDraining);   // until they are settled
  lane = world.b.core().lane(world.b.session.slot(), base::PathId{0});
  lane->in_flight_bytes = 0;
  world.run(Ports::kSoon);
  world.expect_pairs({{1, 0}, {1, 1}});
  world.expect_all_active();
  EXPECT_FALSE(world.a.session.uses_port(0));
  for (End* end : {&world.a, &world.b}) {
    EXPECT_EQ(end->core().told(Kind::kRemoveLane).size(), 2u);
    EXPECT_EQ(end->core().lanes.size(), 2u);
  }
  EXPECT_EQ(block->count, 0);
}

TEST(SessionPorts, APortThatTakesANumberAgainHasOtherKeysTheSameAtBothEnds) {
  Ports world(one_port(1), one_port(2));
  world.connect();
  for (int round = 0; round < 3; ++round) {
    End& end = round % 2 == 0 ? world.a : world.b;
    world.remove(end, 0);
    EXPECT_TRUE(end.session.paths().empty());
    world.add(end, 0, port_of("again", v4(0, static_cast<std::uint8_t>(10 + round))));
    world.run(Ports::kSoon);
    world.expect_pairs({{0, 0}});
    world.expect_all_active();
  }
  const auto of_a = world.a.core().told(Kind::kAddLane), of_b = world.b.core().told(Kind::kAddLane);
  ASSERT_EQ(of_a.size(), 4u);
  ASSERT_EQ(of_b.size(), 4u);
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    EXPECT_EQ(of_a[i].body.add_lane.tx.key, of_b[i].body.add_lane.rx.key);
    EXPECT_EQ(of_b[i].body.add_lane.tx.key, of_a[i].body.add_lane.rx.key);
    for (std::size_t k = 0; k < i; ++k) EXPECT_NE(of_a[i].body.add_lane.tx.key, of_a[k].body.add_lane.tx.key);
  }
  EXPECT_EQ(world.a.core().told(Kind::kAddSession).size(), 1u);
}

TEST(SessionPorts, APeerThatOffersNewPortsAllTheTimeIsFollowedAtOurPace) {
  Ports world(one_port(1), one_port(2));
  world.connect();
  const std::size_t before = world.b.core().told(Kind::kAddLane).size();
  for (int i = 0; i < 100; ++i) {                 // of which no device tells b
    ++world.a.data.ports[0].here->generation;
    world.a.session.on_ports_changed();
    world.run(base::milliseconds(10));
  }
  EXPECT_LE(world.b.core().told(Kind::kAddLane).size(), before + 5);
  world.run(Ports::kSoon);
  world.expect_pairs({{0, 0}});
  world.expect_all_active();                       // the newest is the one that counts
}

TEST(SessionPorts, APortMayBeReplacedByOneOffer) {
  Ports world(one_port(1), one_port(2));
  world.connect();
  world.a.data.close_port(0);                     // as if it had gone and come while the peer heard nothing
  world.add(world.a, 0, port_of("other", v4(0, 9)));
  world.run(Ports::kSoon);
  world.expect_pairs({{0, 0}});
  world.expect_all_active();
  EXPECT_EQ(world.b.session.paths()[0].remote, v4(0, 9));
  EXPECT_EQ(world.b.session.paths()[0].remote_name, "other");
}

TEST(SessionPorts, WithoutPortsTheLinkTakesOverAndTheSessionWaitsForTheNextOne) {
  Ports world(one_port(1), one_port(2));
  world.connect();
  world.open(1);
  const auto block = world.a.fetch(1);
  world.remove(world.a, 0);
  world.run(WeftSession::kLinkTakesOverAfter);
  EXPECT_FALSE(world.a.session.usable());
  EXPECT_FALSE(world.b.session.usable());
  EXPECT_EQ(block->count, 1);
  EXPECT_EQ(block->status.error().code, base::Errc::kUnavailable);
  world.run(2 * WeftSession::kParkTime);          // it has its link: it is not given up
  EXPECT_TRUE(world.a.session.active());
  world.add(world.a, 0, port_of("p0", v4(0, 1)));
  world.run(Ports::kSoon);
  EXPECT_TRUE(world.a.session.usable());
  EXPECT_TRUE(world.b.session.usable());
  EXPECT_EQ(world.a.core().told(Kind::kAddSession).size(), 1u);
}

TEST(SessionPorts, ASessionBeginsWithTheFirstPort) {
  for (const bool ours : {true, false}) {
    Ports world(ours ? End::Setup{} : one_port(1), ours ? one_port(2) : End::Setup{});
    world.link_up();
    world.run(Ports::kSoon);
    EXPECT_FALSE(world.a.session.active());
    EXPECT_FALSE(world.b.session.active());
    End& end = ours ? world.a : world.b;
    world.add(end, 0, port_of("p0", v4(0, ours ? 1 : 2)));
    world.run(Ports::kSoon);
    world.expect_pairs({{0, 0}});
    world.expect_all_active();
    EXPECT_TRUE(world.a.session.usable());
  }
}

TEST(SessionPorts, OneEndMayBeginASessionThatTheOtherMeetsLater) {
  Ports world(one_port(1), End::Setup{});
  world.link_up();
  // The last port of one end leaves while the first of the other comes: each offer finds the other end without ports.
  world.a.data.ports[0].leaves = true;
  world.a.session.on_ports_changed();
  world.b.data.add_port(0, port_of("p0", v4(0, 2)));
  world.b.session.on_ports_changed();
  world.run(Ports::kSoon);
  world.a.data.close_port(0);
  EXPECT_NE(world.a.session.active(), world.b.session.active());
  world.add(world.a, 0, port_of("p0", v4(0, 1)));
  world.run(Ports::kSoon);
  world.expect_pairs({{0, 0}});
  world.expect_all_active();
  EXPECT_EQ(world.a.core().told(Kind::kAddLane).back().body.add_lane.tx.key,
            world.b.core().told(Kind::kAddLane).back().body.add_lane.rx.key);
}

TEST(SessionPorts, PortsMayChangeWhileTheLinkIsDown) {
  Ports world;
  world.connect();
  world.open(1);
  world.link_down();
  world.remove(world.a, 0);
  world.add(world.b, 2, port_of("p2", v4(2, 2)));
  world.run(Ports::kSoon);
  world.link_up();                                // resumes
  world.run(Ports::kSoon);
  world.expect_pairs({{1, 0}, {1, 1}, {1, 2}});
  world.expect_all_active();
  EXPECT_EQ(world.a.core().told(Kind::kAddSession).size(), 1u);
}

TEST(SessionPorts, BothEndsKeepToTheChunksOfTheirFirstOffers) {
  Ports world(one_port(1), one_port(2));
  world.wire = std::make_unique<Wire>(70);
  world.a.session.on_link_up(std::make_unique<TestLink>(*world.wire, 0));
  world.b.session.on_link_up(std::make_unique<TestLink>(*world.wire, 1));
  LocalPort narrow = port_of("p1", v4(1, 1));     // comes while the first offers are on their way
  narrow.mtu = 1280;
  world.add(world.a, 1, narrow);
  world.run(Ports::kSoon);
  world.expect_pairs({{0, 0}, {1, 0}});
  const auto of_a = world.a.core().told(Kind::kAddSession), of_b = world.b.core().told(Kind::kAddSession);
  ASSERT_EQ(of_a.size() + of_b.size(), 2u);
  EXPECT_EQ(of_a[0].body.add_session.chunk_bytes, of_b[0].body.add_session.chunk_bytes);
}

TEST(SessionPorts, APeerCannotBringBackAPortThatItTookAway) {
  Ports world;
  world.connect();
  const std::size_t lanes = world.a.core().told(Kind::kAddLane).size();
  proto::Offer with = world.a.heard_of<proto::Offer>().at(0), without = with;
  without.ports[0] = {};
  const std::uint64_t link = world.wire->number;
  world.a.session.handle_offer(link, without);
  world.run(Ports::kSoon);
  EXPECT_EQ(pairs_of(world.a), (Pairs{{0, 1}, {1, 1}}));
  for (int i = 0; i < 3; ++i) {                   // under the keys that it had: packet numbers would meet them again
    world.a.session.handle_offer(link, with);
    world.run(Ports::kSoon);
    world.a.session.handle_offer(link, without);
    world.run(Ports::kSoon);
  }
  EXPECT_EQ(world.a.core().told(Kind::kAddLane).size(), lanes);
  with.ports[0].generation = 5;
  world.a.session.handle_offer(link, with);
  world.run(Ports::kSoon);
  EXPECT_EQ(world.a.core().told(Kind::kAddLane).size(), lanes + 2);
  with.ports[0].generation = 4;                   // nor an older one
  world.a.session.handle_offer(link, with);
  world.run(Ports::kSoon);
  EXPECT_EQ(world.a.core().told(Kind::kAddLane).size(), lanes + 2);
}

TEST(SessionPorts, APortThatComesToFullPathsHasNoneUntilOthersGo) {
  Ports world(End::Setup{}, End::Setup{});
  for (std::uint8_t i = 0; i < 4; ++i) {
    world.a.data.add_port(i, port_of("p", v4(i, 1)));
    world.b.data.add_port(i, port_of("p", v4(i, 2)));
  }
  world.connect();
  world.add(world.a, 4, port_of("p4", v4(4, 1)));
  world.run(Ports::kSoon);
  EXPECT_EQ(pairs_of(world.a).size(), 16u);
  EXPECT_FALSE(world.a.session.uses_port(4));
  world.remove(world.a, 1);
  world.run(Ports::kSoon);
  EXPECT_EQ(pairs_of(world.a).size(), 16u);
  EXPECT_TRUE(world.a.session.uses_port(4));
  world.expect_all_active();
}

TEST(Sessions, APortIsClosedWhenEveryCoreHasAnsweredTwice) {
  base::Instant now = kStart;
  End end(now, {.ports = {port_of("p0", v4(0, 1)), port_of("p1", v4(1, 1))}, .cores = 2}, 1, 2);
  Sessions sessions(end.data, end, base::DeviceId{std::byte{1}}, share::Policy::kRate);
  const auto tick = [&](bool second_core) {
    now += Sessions::kHealthEvery;
    sessions.tick();
    end.core(0).poll(now);
    if (second_core) end.core(1).poll(now);
  };
  const auto told = [&](Kind kind) { return end.core(0).told(kind).size(); };
  end.data.ports[1].leaves = true;
  sessions.on_ports_changed();
  for (int i = 0; i < 5; ++i) tick(false);
  EXPECT_EQ(told(Kind::kQuietPort), 1u);
  EXPECT_EQ(told(Kind::kForgetPort), 0u);         // the other core may still hand packets of it over
  for (int i = 0; i < 3; ++i) tick(true);
  EXPECT_EQ(told(Kind::kForgetPort), 1u);
  tick(true);
  EXPECT_FALSE(end.data.ports[1].here || end.data.leaving(1));
  EXPECT_TRUE(end.data.local_port(0));
  for (int i = 0; i < 5; ++i) tick(true);
  EXPECT_EQ(told(Kind::kQuietPort) + told(Kind::kForgetPort), 2u);
}

}  // namespace
}  // namespace weft::run::test
