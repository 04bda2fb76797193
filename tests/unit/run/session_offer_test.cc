// What a session makes of a peer's OFFER, good and bad.
#include "engine/nic/rss.hh"
#include "tests/unit/run/two_sessions.hh"

namespace weft::run::test {
namespace {

using Kind = share::Command::Kind;

// What the peer of `world.a` might say instead of its own offer.
proto::Offer good_offer() {
  proto::Offer offer;
  offer.ports = {{.address = v4(0, 2), .prefix_len = 24, .mtu = 1500, .speed_bps = 0, .udp_port_base = 22100, .role = 0,
                  .name = "p0"}};
  offer.cores = 1;
  offer.aeads = {"aes-128-gcm"};
  offer.receiver_index_base = 0x12340000;
  offer.chunk_bytes_max = 1395;
  offer.requests_max = 100;
  return offer;
}

// `a` with a link to a peer that the test speaks for.
struct Alone : World {
  explicit Alone(const proto::Offer& offer, const End::Setup& setup = two_ports(1)) : World(setup) { hear(offer); }
  // On a new link. Returns the offer that we made.
  proto::Offer dial() {
    auto next = std::make_unique<Wire>(++link_number);
    a.session.on_link_up(std::make_unique<TestLink>(*next, 0));
    link = std::move(next);
    const auto said = link->take(1);
    EXPECT_TRUE(said.has_value());
    return std::get<proto::Offer>(said.value());
  }
  void hear(const proto::Offer& offer) {
    (void)dial();
    say(offer);
  }
  void say(const proto::Offer& offer) {
    a.session.handle_offer(link->number, offer);
    settle();
  }
  [[nodiscard]] std::size_t lanes() { return a.core().lanes.size(); }
  std::unique_ptr<Wire> link;
  std::uint64_t link_number = 100;
};

TEST(SessionOffer, AnOfferWithNothingInCommonBeginsNoSession) {
  const auto spoil = [](auto change) {
    proto::Offer offer = good_offer();
    change(offer);
    return offer;
  };
  for (const proto::Offer& offer : {spoil([](auto& o) { o.version = 1; }), spoil([](auto& o) { o.ports.clear(); }),
                                    spoil([](auto& o) { o.cores = 0; }), spoil([](auto& o) { o.aeads = {"rot13"}; }),
                                    spoil([](auto& o) { o.aeads.clear(); }),
                                    spoil([](auto& o) { o.chunk_bytes_max = base::kChunkBytesMin - 1; })}) {
    Alone world(offer);
    EXPECT_FALSE(world.a.session.active());
    EXPECT_TRUE(world.a.core().seen.empty());
    world.hear(good_offer());                     // and a better word on the next link is heard
    EXPECT_TRUE(world.a.session.active());
  }
}

TEST(SessionOffer, WithoutTheLinksSecretThereIsNoSession) {
  Alone world(good_offer());
  (void)world.dial();
  world.link->exporter_broken = true;
  world.say(good_offer());                        // the peer has lost the session, and no new one can be made
  EXPECT_FALSE(world.a.session.active());
  EXPECT_EQ(world.lanes(), 0u);
  EXPECT_EQ(world.dial().session_id_previous, (std::array<std::byte, 16>{}));
}

TEST(SessionOffer, MorePortsThanThereMayBeAreLeftOut) {
  proto::Offer offer = good_offer();
  for (std::uint8_t i = 1; i < 50; ++i) {
    offer.ports.push_back(offer.ports[0]);
    offer.ports.back().address = v4(0, static_cast<std::uint8_t>(i + 2));
  }
  Alone world(offer);
  EXPECT_EQ(world.lanes(), 16u);                  // 2 of ours x 8 of theirs
  for (const PathShown& path : world.a.session.paths()) EXPECT_LT(path.remote_port, base::kPortsMax);
}

TEST(SessionOffer, EveryPortHasAPathBeforeAnyHasMoreThanItsPart) {
  End::Setup eight;
  proto::Offer offer = good_offer();
  offer.ports.clear();
  for (std::uint8_t i = 0; i < 8; ++i) {
    eight.ports.push_back(port_of("p", v4(i, 1)));
    offer.ports.push_back(good_offer().ports[0]);
    offer.ports.back().address = v4(i, 2);
  }
  Alone world(offer, eight);
  EXPECT_EQ(world.lanes(), 16u);                  // of 64
  std::array<int, 8> local{}, remote{};
  for (const PathShown& path : world.a.session.paths()) ++local[path.local_port], ++remote[path.remote_port];
  for (int i = 0; i < 8; ++i) EXPECT_EQ(local[i], 2);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(remote[i], 2);
}

// The pairs of ports that end `a` has made paths of.
std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs_of(const End& end) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
  for (const PathShown& path : end.session.paths()) out.emplace_back(path.local_port, path.remote_port);
  std::sort(out.begin(), out.end());
  return out;
}

End::Setup ports(std::uint8_t count, std::uint8_t host) {
  End::Setup setup;
  for (std::uint8_t i = 0; i < count; ++i)
    setup.ports.push_back(port_of(("p" + std::to_string(i)).c_str(), v4(i, host)));
  return setup;
}

TEST(SessionOffer, UnevenNumbersOfPortsPairTheSameAtBothEndsAndLeaveNoneOut) {
  for (std::uint8_t ours = 1; ours <= 8; ++ours)
    for (std::uint8_t theirs = 1; theirs <= 8; ++theirs) {
      World world(ports(ours, 1), ports(theirs, 2));
      world.connect();
      const auto pairs = pairs_of(world.a);
      ASSERT_EQ(pairs.size(), std::min(16u, unsigned{ours} * theirs));
      auto seen_by_b = pairs_of(world.b);
      for (auto& [local, remote] : seen_by_b) std::swap(local, remote);
      std::sort(seen_by_b.begin(), seen_by_b.end());
      EXPECT_EQ(pairs, seen_by_b) << int{ours} << " x " << int{theirs};
      std::array<int, 8> local{}, remote{};
      for (const auto& [one, other] : pairs) ++local[one], ++remote[other];
      // Ports of the end with more take turns; of the end with fewer some may be met once or twice more than others.
      const auto fair = [](const std::array<int, 8>& of, std::uint8_t count, bool more) {
        const auto [least, most] = std::minmax_element(of.begin(), of.begin() + count);
        return *least >= 1 && *most <= *least + (more ? 1 : 2);
      };
      EXPECT_TRUE(fair(local, ours, ours >= theirs) && fair(remote, theirs, theirs >= ours)) << int{ours} << " x " << int{theirs};
    }
}

TEST(SessionOffer, APortSpeaksWithThoseItNamesAndThoseThatNameIt) {
  End::Setup a = ports(2, 1), b = ports(3, 2);
  a.ports[0].to = {"p1", "p2"};
  b.ports[2].to = {"p1"};
  World world(a, b);
  world.connect();
  using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  EXPECT_EQ(pairs_of(world.a), (Pairs{{0, 1}, {1, 0}, {1, 1}, {1, 2}}));
  EXPECT_EQ(pairs_of(world.b), (Pairs{{0, 1}, {1, 0}, {1, 1}, {2, 1}}));
}

TEST(SessionOffer, APortsWeightAndCongestionControlReachItsPaths) {
  End::Setup setup = two_ports(1);
  setup.ports[1].weight = 30;
  setup.ports[1].congestion = share::Congestion::kBbr;
  Alone world(good_offer(), setup);
  const auto lanes = world.a.core().told(Kind::kAddLane);
  ASSERT_EQ(lanes.size(), 2u);
  for (const auto& lane : lanes) {
    const bool second = base::to_index(lane.body.add_lane.port) == 1;
    EXPECT_EQ(lane.body.add_lane.congestion, second ? share::Congestion::kBbr : share::Congestion::kCubic);
  }
  for (const PathShown& path : world.a.session.paths())
    EXPECT_EQ(path.entry.weight, path.local_port == 1 ? 30 : share::kWeightDefault);
}

TEST(SessionOffer, ACardThatHashesIsSentFromPortsThatReachItsCores) {
  End::Setup card = two_ports(2, 4);
  card.ports[1].rss_entries = 128;
  World world(two_ports(1, 2), card);
  world.connect();
  for (std::uint32_t core = 0; core < 2; ++core)
    for (const auto& lane : world.a.core(core).told(Kind::kAddLane)) {
      const share::Flow& flow = lane.body.add_lane.flow;
      EXPECT_EQ(flow.dst_udp, 22100 + core);
      if (flow.dst == v4(1, 2)) EXPECT_EQ(nic::rss_hash(flow) % 128 % 4, core);
      else EXPECT_EQ(flow.src_udp, 22100 + core);
    }
  for (const auto& lane : world.b.core(1).told(Kind::kAddLane)) EXPECT_EQ(lane.body.add_lane.flow.src_udp, 22101);
}

TEST(SessionOffer, ATableThatNoCardHasIsNone) {
  for (const std::uint32_t entries : {3u, 1u << 31, UINT32_MAX}) {
    proto::Offer offer = good_offer();
    offer.ports[0].rss_entries = entries;
    Alone world(offer);
    for (const auto& lane : world.a.core().told(Kind::kAddLane)) EXPECT_EQ(lane.body.add_lane.flow.src_udp, 22100);
  }
}

TEST(SessionOffer, PortsThatCannotBeReachedMakeNoPath) {
  const auto lanes_of = [](auto change) {
    proto::Offer offer = good_offer();
    change(offer.ports[0]);
    Alone world(offer);
    EXPECT_TRUE(world.a.session.active());        // the link still says who the peer is; other ports may come
    EXPECT_FALSE(world.a.session.usable());
    return world.lanes();
  };
  EXPECT_EQ(lanes_of([](auto& port) { port.address = v6(2); }), 0u);          // a family that we have no address of
  EXPECT_EQ(lanes_of([](auto& port) { port.udp_port_base = 65536; }), 0u);
  EXPECT_EQ(lanes_of([](auto& port) { port.mtu = 1300; }), 2u);               // a narrower path carries fewer chunks
  EXPECT_EQ(lanes_of([](auto&) {}), 2u);
}

TEST(SessionOffer, AMemifNeedsTheSameCoresAndMtu) {
  End::Setup setup = two_ports(1);
  setup.ports[0].shares_rings = true;
  proto::Offer offer = good_offer();
  EXPECT_EQ(Alone(offer, setup).lanes(), 2u);
  offer.cores = 2;
  EXPECT_EQ(Alone(offer, setup).lanes(), 1u);     // by the other port
  offer.cores = 1;
  offer.ports[0].mtu = 9000;
  EXPECT_EQ(Alone(offer, setup).lanes(), 1u);
}

TEST(SessionOffer, APeerWithEverNewAddressesTakesNoMoreNextHops) {
  Alone world(good_offer());
  for (std::uint8_t i = 10; i < 40; ++i) {
    proto::Offer offer = good_offer();
    offer.ports[0].address = v4(0, i);
    world.hear(offer);
    EXPECT_EQ(world.lanes(), i < 10 + 15 ? 2u : 0u) << int{i};   // 16 with the first
  }
  world.hear(good_offer());                       // a known one is as good as ever
  EXPECT_EQ(world.lanes(), 2u);
}

TEST(SessionOffer, OnlyOneOfferCountsOnALink) {
  Alone world(good_offer());
  const auto before = world.a.core().seen.size();
  world.a.session.handle_offer(world.link->number, good_offer());       // would repeat keys and packet numbers
  world.settle();
  EXPECT_EQ(world.a.core().seen.size(), before);
  world.a.session.handle_offer(7, good_offer());                        // not the link that we speak on
  world.settle();
  EXPECT_EQ(world.a.core().seen.size(), before);
}

TEST(SessionOffer, OnlyTheSessionsOwnIdResumesIt) {
  Alone world(good_offer());
  const auto told = [&](Kind kind) { return world.a.core().told(kind); };
  proto::Offer resuming = good_offer();
  resuming.session_id_previous = world.dial().session_id_previous;
  world.say(resuming);
  EXPECT_TRUE(told(Kind::kRemoveSession).empty());
  proto::Offer wrong = resuming;
  wrong.session_id_previous[15] ^= std::byte{1};
  for (const proto::Offer& offer : {wrong, good_offer()}) {   // a session that is none of ours; none at all
    const std::size_t ended = told(Kind::kRemoveSession).size();
    const auto old = told(Kind::kAddLane);
    world.hear(offer);
    EXPECT_EQ(told(Kind::kRemoveSession).size(), ended + 1);
    const auto lanes = told(Kind::kAddLane);
    ASSERT_EQ(lanes.size(), old.size() + 2);
    for (const auto& before : old)
      for (std::size_t i = old.size(); i < lanes.size(); ++i)
        EXPECT_NE(lanes[i].body.add_lane.tx.key, before.body.add_lane.tx.key);
  }
  world.hear(resuming);                                       // that one is over
  EXPECT_EQ(told(Kind::kRemoveSession).size(), 3u);
}

}  // namespace
}  // namespace weft::run::test
