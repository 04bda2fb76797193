// Sessions of devices that come and go: kept as long as a device usually is away, bounded, the oldest given up first.
#include <map>

#include "engine/run/park_time.hh"
#include "engine/run/sessions.hh"
#include "tests/unit/run/two_sessions.hh"

namespace weft::run::test {
namespace {

using base::seconds;

TEST(ParkTime, FollowsTheDevicesHabitWithinItsBounds) {
  ParkTime park(seconds(600));
  EXPECT_EQ(park.now(), ParkTime::kFirst);
  park.on_gap(seconds(3));
  EXPECT_EQ(park.now(), ParkTime::kFirst) << "never less than at first";
  for (int i = 0; i < 50; ++i) park.on_gap(seconds(100));
  EXPECT_GT(park.now(), seconds(390));
  EXPECT_LE(park.now(), seconds(400));
  for (int i = 0; i < 20; ++i) park.on_gap(seconds(300));
  EXPECT_EQ(park.now(), seconds(600));
  for (int i = 0; i < 20; ++i) park.on_gap(seconds(8 * 3600));
  EXPECT_EQ(park.now(), ParkTime::kFirst) << "it would be waited for in vain";
}

TEST(ParkTime, OptionsBoundIt) {
  EXPECT_EQ(ParkTime(seconds(0)).now(), seconds(0));
  EXPECT_EQ(ParkTime(seconds(10)).now(), seconds(10));
}

// Our sessions with any number of devices, each of which says what we say.
class SessionPool : public testing::Test {
 protected:
  SessionPool() { base::configure_log(base::all_at(base::LogLevel::kError), base::LogFormat::kText); }

  static base::DeviceId id_of(std::uint8_t device) { return base::DeviceId{std::byte{device}}; }
  void come(std::uint8_t device) {
    auto& wire = wires_[device] = std::make_unique<Wire>(++links_);
    sessions_.on_link_up(id_of(device), std::make_unique<TestLink>(*wire, 0));
    if (const auto slot = slot_of(device)) core().deaf[*slot] = false;
    while (const auto message = wire->take(1)) offer(device, std::get<proto::Offer>(*message));
    run(seconds(1));
  }
  void offer(std::uint8_t device, proto::Offer ours) {
    for (proto::Offer::Port& port : ours.ports) port.address.bytes[3] = 99;
    const auto bytes = proto::encode_private(ours);
    const std::uint64_t link = wires_.at(device)->number;
    ASSERT_TRUE(sessions_.handle_private(id_of(device), link, static_cast<int>(proto::MessageType::kOffer), bytes));
  }
  void go(std::uint8_t device) {
    if (const auto slot = slot_of(device)) core().deaf[*slot] = true;
    sessions_.on_link_down(id_of(device));
    wires_.erase(device);
    run(seconds(2));
  }
  void run(base::Duration time) {
    for (const base::Instant end = now_ + time; now_ < end;) {
      now_ += base::milliseconds(20);
      sessions_.tick();
      end_.turn();
    }
  }
  // Its ports answer.
  void hear(std::uint8_t device) {
    core().deaf[slot_of(device).value()] = false;
    run(seconds(1));
  }
  std::optional<std::size_t> slot_of(std::uint8_t device) {
    for (const auto& shown : sessions_.shown())
      if (shown.peer == id_of(device)) return base::to_index(shown.slot);
    return std::nullopt;
  }
  ScriptedCore& core() { return end_.core(0); }
  SessionCounters counters_of(std::uint8_t device) {
    for (const auto& shown : sessions_.shown())
      if (shown.peer == id_of(device)) return shown.counters;
    return {};
  }

  base::Instant now_ = kStart;
  End end_{now_, {.ports = {port_of("p0", v4(0, 1))}, .cores = 1}, 1, 200};
  Sessions sessions_{end_.data, end_, id_of(1), share::Policy::kRate};
  std::map<std::uint8_t, std::unique_ptr<Wire>> wires_;
  std::uint64_t links_ = 0;
};

TEST_F(SessionPool, ADeviceThatComesBackFindsItsSession) {
  come(2);
  EXPECT_TRUE(sessions_.usable(id_of(2)));
  go(2);
  EXPECT_EQ(sessions_.pool().parked, 1u);
  EXPECT_GT(sessions_.pool().bytes, sizeof(WeftSession));
  run(seconds(30));
  come(2);
  EXPECT_TRUE(sessions_.usable(id_of(2)));
  EXPECT_EQ(sessions_.pool().parked, 0u);
  EXPECT_EQ(counters_of(2).begun.count, 1u);
  EXPECT_EQ(counters_of(2).resumed.count, 1u);
  EXPECT_GT(counters_of(2).begun.took.ns, 0);
}

TEST_F(SessionPool, ADeviceIsWaitedForAsLongAsItUsuallyIsAway) {
  come(2);
  go(2);
  run(seconds(100));
  EXPECT_EQ(sessions_.pool().parked, 0u) << "nothing was known of its habit";
  come(2);
  EXPECT_EQ(counters_of(2).begun.count, 2u);
  for (int i = 0; i < 3; ++i) {
    go(2);
    run(seconds(100));
    EXPECT_EQ(sessions_.pool().parked, 1u);
    come(2);
  }
  EXPECT_EQ(counters_of(2).resumed.count, 3u);
  EXPECT_EQ(counters_of(2).begun.count, 2u);
}

TEST_F(SessionPool, ANewcomerToAFullHouseTakesThePlaceOfTheOneLongestAway) {
  for (std::uint8_t device = 2; device < 2 + base::kSessionsMax; ++device) come(device);
  EXPECT_EQ(sessions_.pool().present, base::kSessionsMax);
  for (const int device : {7, 3, 9}) go(static_cast<std::uint8_t>(device));
  come(100);
  EXPECT_TRUE(sessions_.usable(id_of(100)));
  EXPECT_EQ(sessions_.pool().given_up, 1u);
  EXPECT_EQ(sessions_.pool().parked, 2u);
  come(3);
  EXPECT_EQ(counters_of(3).resumed.count, 1u);
  come(7);                                        // its place is gone: another's
  EXPECT_TRUE(sessions_.usable(id_of(7)));
  EXPECT_EQ(counters_of(7).resumed.count, 0u);
  EXPECT_EQ(sessions_.pool().given_up, 2u);
  EXPECT_EQ(sessions_.pool().parked, 0u);
}

// What a weft with one port says that sees others with one.
proto::Offer offer_of_another() {
  base::Instant now = kStart;
  End end(now, {.ports = {port_of("p0", v4(0, 1))}, .cores = 1}, 1, 200);
  Sessions sessions(end.data, end, base::DeviceId{std::byte{1}}, share::Policy::kRate);
  Wire wire(1);
  sessions.on_link_up(base::DeviceId{std::byte{2}}, std::make_unique<TestLink>(wire, 0));
  return std::get<proto::Offer>(wire.take(1).value());
}

TEST_F(SessionPool, InAHouseFullOfThosePresentOneWaitsForAnotherToGo) {
  for (std::uint8_t device = 2; device < 2 + base::kSessionsMax; ++device) come(device);
  const proto::Offer another = offer_of_another();
  for (std::uint8_t device = 100; device < 103; ++device) {
    come(device);                                    // and hears nothing
    for (int i = 0; i < 3; ++i) offer(device, another);
  }
  EXPECT_FALSE(sessions_.usable(id_of(100)));
  EXPECT_EQ(sessions_.pool().refused, 3u);
  EXPECT_EQ(sessions_.pool().given_up, 0u);
  for (std::uint8_t device = 2; device < 2 + base::kSessionsMax; ++device) EXPECT_TRUE(sessions_.usable(id_of(device)));

  go(101);                                           // it has waited enough
  go(5);
  hear(100);
  EXPECT_TRUE(sessions_.usable(id_of(100)));
  EXPECT_FALSE(sessions_.usable(id_of(102))) << "one went, one came";
  EXPECT_EQ(sessions_.pool().given_up, 1u);
  go(6);
  hear(102);
  EXPECT_TRUE(sessions_.usable(id_of(102)));
  EXPECT_FALSE(sessions_.usable(id_of(101)));
}

TEST_F(SessionPool, HoldsUnderChurn) {
  base::Prng dice(11);
  for (int step = 0; step < 600; ++step) {
    const auto device = static_cast<std::uint8_t>(2 + dice.below(40));
    if (wires_.contains(device)) go(device);
    else if (wires_.size() < base::kSessionsMax) come(device);
    else continue;
    const PoolCounters pool = sessions_.pool();
    ASSERT_LE(pool.present + pool.parked, base::kSessionsMax);
    ASSERT_EQ(pool.refused, 0u);
    for (const auto& [here, wire] : wires_) ASSERT_TRUE(sessions_.usable(id_of(here))) << step << ": " << int{here};
  }
  std::uint64_t begun = 0, resumed = 0;
  for (const auto& shown : sessions_.shown()) {
    begun += shown.counters.begun.count;
    resumed += shown.counters.resumed.count;
  }
  EXPECT_GT(begun, 0u);
  EXPECT_GT(resumed, 0u);
  EXPECT_GT(sessions_.pool().given_up, 0u);
}

}  // namespace
}  // namespace weft::run::test
