// What paths are used for, over two shipped sessions: wishes at either end, the plan on the link, what is told of it.
#include <array>
#include <map>
#include <set>

#include "engine/run/path_wishes.hh"
#include "engine/run/sessions.hh"
#include "tests/unit/run/two_sessions.hh"

namespace weft::run::test {
namespace {

using migrate::MigrationState;
using migrate::PathError;
using share::PathState;

struct Moves : testing::Test {
  void SetUp() override { world.connect(); }
  static const PathShown* find(const End& end, std::uint32_t ours, std::uint32_t theirs) {
    static std::vector<PathShown> shown;
    shown = end.session.paths();
    for (const PathShown& path : shown)
      if (path.local_port == ours && path.remote_port == theirs) return &path;
    return nullptr;
  }
  // Of a's numbers; the other end has them turned round.
  static base::PathId id_of(const End& end, std::uint32_t ours, std::uint32_t theirs) {
    const PathShown* const path = find(end, ours, theirs);
    return path == nullptr ? base::PathId{63} : path->id;
  }
  static std::size_t in(const End& end, PathState state) {
    const auto paths = end.session.paths();
    return static_cast<std::size_t>(std::ranges::count(paths, state, [](const PathShown& path) { return path.entry.state; }));
  }
  void expect_only(std::uint32_t of_a, std::uint32_t of_b) {
    EXPECT_EQ(in(world.a, PathState::kActive), 1u);
    EXPECT_EQ(in(world.b, PathState::kActive), 1u);
    ASSERT_NE(find(world.a, of_a, of_b), nullptr);
    EXPECT_EQ(find(world.a, of_a, of_b)->entry.state, PathState::kActive);
    ASSERT_NE(find(world.b, of_b, of_a), nullptr);
    EXPECT_EQ(find(world.b, of_b, of_a)->entry.state, PathState::kActive);
  }
  static std::vector<std::string> types(const End& end) {
    std::vector<std::string> out;
    for (const Event& event : end.events.events())
      if (std::string_view(event.type).starts_with("PathMigration")) out.emplace_back(event.type);
    return out;
  }
  World world;
};

TEST_F(Moves, ASwitchAtEitherEndIsFollowedByBothAndTransfersGoOn) {
  world.open(1);
  const auto block = world.a.fetch(1);
  ASSERT_EQ(world.b.session.switch_to(id_of(world.b, 1, 0)), PathError::kNone);
  world.run(base::seconds(3));
  expect_only(0, 1);
  EXPECT_TRUE(block->count == 0 || block->status.has_value());
  EXPECT_EQ(world.b.session.steering().state, MigrationState::kCompleted);
  EXPECT_TRUE(world.a.session.steering().pinned);
  EXPECT_EQ(types(world.b), (std::vector<std::string>{"PathMigrationStarted", "PathMigrationCompleted"}));
  EXPECT_TRUE(types(world.a).empty()) << "the end that decides tells";
  const Event& done = world.b.events.events().back();
  EXPECT_EQ(std::get<std::vector<std::string>>(done.data[2].second), (std::vector<std::string>{"p1:p0"}))
      << "it was in use before, and goes on";
  ASSERT_EQ(world.a.session.unpin(), PathError::kNone);
  world.run(base::seconds(5));
  EXPECT_EQ(in(world.a, PathState::kActive), 4u) << "the low end takes all into use again";
  EXPECT_EQ(in(world.b, PathState::kActive), 4u);
}

TEST_F(Moves, TwoAtOnceEndInOneResult) {
  world.settle(&world.a);
  ASSERT_EQ(world.a.session.switch_to(id_of(world.a, 0, 0)), PathError::kNone);
  ASSERT_EQ(world.b.session.switch_to(id_of(world.b, 1, 1)), PathError::kNone);
  world.run(base::seconds(5));
  EXPECT_EQ(in(world.a, PathState::kActive), 1u);
  EXPECT_EQ(in(world.b, PathState::kActive), 1u);
  for (const PathShown& path : world.a.session.paths()) {
    if (path.entry.state != PathState::kActive) continue;
    EXPECT_EQ(find(world.b, path.remote_port, path.local_port)->entry.state, PathState::kActive);
  }
}

TEST_F(Moves, AClosedPathIsGoneAtBothEndsUntilItIsOpened) {
  ASSERT_EQ(world.a.session.close_path(id_of(world.a, 1, 1)), PathError::kNone);
  world.run(base::seconds(2));
  for (End* end : {&world.a, &world.b}) {
    EXPECT_EQ(end->session.paths().size(), 3u);
    const auto shown = end->session.steering().paths;
    ASSERT_EQ(shown.size(), 4u);
    EXPECT_EQ(shown[3].name, "p1:p1");
    EXPECT_EQ(shown[3].standing, migrate::Standing::kClosed);
  }
  EXPECT_EQ(world.b.session.open_path("p1", "p7"), PathError::kUnknownPath);
  EXPECT_EQ(world.b.session.open_path("p0", "p0"), PathError::kPathExists);
  ASSERT_EQ(world.b.session.open_path("p1", "p1"), PathError::kNone);
  world.run(base::seconds(2));
  for (End* end : {&world.a, &world.b}) EXPECT_EQ(in(*end, PathState::kActive), 4u);
}

// Close and open at once by one end, and at both ends different paths of which one closing is overruled: whatever path is made
// again has keys that never served, and the same at both ends.
TEST_F(Moves, APathThatIsMadeAgainHasNewKeysAtBothEnds) {
  using Kind = share::Command::Kind;
  ASSERT_EQ(world.a.session.close_path(id_of(world.a, 0, 0)), PathError::kNone);
  ASSERT_EQ(world.b.session.close_path(id_of(world.b, 1, 1)), PathError::kNone);
  world.run(base::seconds(3));
  ASSERT_EQ(world.a.session.open_path("p0", "p0"), PathError::kNone);
  world.run(base::seconds(3));
  world.link_down();
  ASSERT_EQ(world.b.session.close_path(id_of(world.b, 0, 1)), PathError::kNone);
  world.run(base::seconds(1));
  ASSERT_EQ(world.b.session.open_path("p0", "p1"), PathError::kNone);
  world.run(base::seconds(1));
  world.link_up();
  world.run(base::seconds(3));
  for (End* end : {&world.a, &world.b}) EXPECT_EQ(in(*end, PathState::kActive), 4u);

  std::map<base::PathId, share::PacketKey> newest[2][2];   // by end, direction
  std::set<std::array<std::byte, 16>> keys;
  int which = 0;
  for (End* end : {&world.a, &world.b}) {
    for (const share::Command& command : end->core().told(Kind::kAddLane)) {
      const auto& lane = command.body.add_lane;
      EXPECT_TRUE(keys.insert(lane.tx.key).second) << "a key served before";
      newest[which][0][command.path] = lane.tx;
      newest[which][1][command.path] = lane.rx;
    }
    ++which;
  }
  for (const auto& [path, key] : newest[0][0]) {
    EXPECT_EQ(key.key, newest[1][1].at(path).key);
    EXPECT_EQ(newest[0][1].at(path).key, newest[1][0].at(path).key);
  }
}

TEST_F(Moves, TheLastPathIsNotClosed) {
  for (const auto& [ours, theirs] : {std::pair{0u, 0u}, {0u, 1u}, {1u, 0u}})
    ASSERT_EQ(world.a.session.close_path(id_of(world.a, ours, theirs)), PathError::kNone);
  world.run(base::seconds(2));
  EXPECT_EQ(world.a.session.close_path(id_of(world.a, 1, 1)), PathError::kLastPath);
  EXPECT_EQ(world.b.session.close_path(id_of(world.b, 1, 1)), PathError::kLastPath);
  EXPECT_TRUE(world.a.session.usable());
}

TEST_F(Moves, AWishWithoutALinkIsFollowedWhenItIsBack) {
  world.link_down();
  ASSERT_EQ(world.a.session.switch_to(id_of(world.a, 0, 1)), PathError::kNone);
  world.run(base::seconds(3));
  EXPECT_EQ(in(world.a, PathState::kActive), 1u);
  EXPECT_EQ(in(world.b, PathState::kActive), 4u) << "it knows nothing of it";
  world.link_up();
  world.run(base::seconds(1));
  expect_only(0, 1);
}

TEST_F(Moves, ANewSessionKnowsNothingOfTheOldOnesPlan) {
  ASSERT_EQ(world.a.session.close_path(id_of(world.a, 1, 1)), PathError::kNone);
  world.run(base::seconds(1));
  world.a.session.give_up("the test wants it");
  world.link_down();
  world.link_up();
  world.run(base::seconds(1));
  EXPECT_EQ(in(world.a, PathState::kActive), 4u);
  EXPECT_EQ(in(world.b, PathState::kActive), 4u);
}

TEST_F(Moves, AProbeTellsTheRoundTripOrThatNoneCame) {
  struct Heard {
    int count = 0;
    PathError error{};
    base::Duration rtt{};
  } heard;
  const auto hear = [&](PathError error, base::Duration rtt) { heard = {heard.count + 1, error, rtt}; };
  world.a.session.probe_path(id_of(world.a, 0, 0), base::seconds(1), hear);
  world.run(base::milliseconds(100));
  EXPECT_EQ(heard.count, 1);
  EXPECT_EQ(heard.error, PathError::kNone);
  EXPECT_EQ(heard.rtt, base::microseconds(200));
  world.a.session.probe_path(base::PathId{63}, base::seconds(1), hear);
  EXPECT_EQ(heard.count, 1) << "never from inside the call";
  world.settle();
  EXPECT_EQ(heard.error, PathError::kUnknownPath);
  world.set_answering(false);
  world.a.session.probe_path(id_of(world.a, 0, 0), base::milliseconds(50), hear);
  world.run(base::milliseconds(100));
  EXPECT_EQ(heard.error, PathError::kDeadlineExceeded);
  world.a.session.probe_path(id_of(world.a, 0, 0), base::seconds(10), hear);
  world.a.session.give_up("the test wants it");
  EXPECT_EQ(heard.count, 4) << "nobody waits for a session that is gone";
}

TEST_F(Moves, PathsThatComeAndGoAreTold) {
  const auto count = [&](const char* type) {
    return std::ranges::count_if(world.a.events.events(), [&](const Event& e) { return std::string_view(e.type) == type; });
  };
  EXPECT_EQ(count("PathAdded"), 4);
  ASSERT_EQ(world.a.session.close_path(id_of(world.a, 1, 1)), PathError::kNone);
  world.run(base::seconds(2));
  EXPECT_EQ(count("PathRemoved"), 1);
}

TEST(MovesByPorts, CostAndMeteredPortsDecideWhoStandsBy) {
  End::Setup a = two_ports(1), b = two_ports(2);
  a.ports[1].cost = 5;
  World world(a, b);
  world.connect();
  world.run(base::seconds(5));
  for (const PathShown& path : world.a.session.paths())
    EXPECT_EQ(path.entry.state, path.local_port == 0 ? PathState::kActive : PathState::kStandby);
  EXPECT_EQ(Moves::in(world.b, PathState::kActive), 2u);

  b.ports[0].metered = true;
  World metered(two_ports(1), b);
  metered.connect();
  for (const PathShown& path : metered.a.session.paths())
    EXPECT_EQ(path.entry.state, path.remote_port == 1 ? PathState::kActive : PathState::kStandby) << "from the first moment";
}

TEST(PathWishes, FindPathsByTheirNames) {
  base::configure_log(base::all_at(base::LogLevel::kError), base::LogFormat::kText);
  SessionWishes none(nullptr);
  EXPECT_EQ(none.switch_to({.path = "p0"}), PathError::kNotEnabled);
  EXPECT_EQ(none.open({.path = "p0:p1"}), PathError::kNotEnabled);
  EXPECT_EQ(none.unpin({}), PathError::kNotEnabled);
  base::Instant now = kStart;
  End end(now, two_ports(1), 1, 2);
  Sessions sessions(end.data, end, base::DeviceId{std::byte{1}}, share::Policy::kRate);
  SessionWishes wishes(&sessions);
  EXPECT_EQ(wishes.switch_to({.path = "p0"}), PathError::kNotSupported) << "nobody is there";
  const base::DeviceId peer{std::byte{2}};
  Wire wire(1);
  sessions.on_link_up(peer, std::make_unique<TestLink>(wire, 0));
  auto offer = std::get<proto::Offer>(wire.take(1).value());
  for (proto::Offer::Port& port : offer.ports) port.address.bytes[3] = 2;
  ASSERT_TRUE(sessions.handle_private(peer, 1, static_cast<int>(proto::MessageType::kOffer), proto::encode_private(offer)));
  for (int i = 0; i < 20; ++i) {
    now += base::milliseconds(20);
    sessions.tick();
    end.turn();
  }
  EXPECT_EQ(wishes.switch_to({.path = "p0"}), PathError::kAmbiguous) << "to p0 and to p1";
  EXPECT_EQ(wishes.switch_to({.path = "p0:p1"}), PathError::kNone);
  EXPECT_EQ(wishes.switch_to({.path = "p7"}), PathError::kUnknownPath);
  EXPECT_EQ(wishes.switch_to({.path = "9", .device = peer}), PathError::kNone);
  EXPECT_EQ(wishes.switch_to({.path = "p0:p1", .device = base::DeviceId{std::byte{7}}}), PathError::kNotSupported);
  EXPECT_EQ(wishes.open({.path = "p0"}), PathError::kPathExists);
  EXPECT_EQ(wishes.open({.path = "p0:p0"}), PathError::kPathExists);
  EXPECT_EQ(wishes.open({.path = "p0:p9"}), PathError::kUnknownPath);
  EXPECT_EQ(wishes.unpin({}), PathError::kNone);
  EXPECT_EQ(wishes.unpin({}), PathError::kNothingToDo);
  EXPECT_EQ(wishes.close({.path = "p1:p1"}), PathError::kNone);
  EXPECT_EQ(wishes.move({.path = "p0:p0"}, {.path = "nothing"}), PathError::kUnknownPath);
}

}  // namespace
}  // namespace weft::run::test
