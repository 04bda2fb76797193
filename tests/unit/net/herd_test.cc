// Fifty devices that lose their server at one moment, and come back to it: spread over time, and all of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <vector>

#include "bep/net/backoff.hh"
#include "tests/unit/net/support.hh"

namespace weft::net::test {
namespace {

constexpr std::size_t kDevices = 50;

// The most dials in any stretch of this length.
std::size_t densest(std::vector<std::int64_t> times_ms, std::int64_t stretch_ms) {
  std::ranges::sort(times_ms);
  std::size_t most = 0;
  for (std::size_t first = 0, last = 0; last < times_ms.size(); ++last) {
    while (times_ms[last] - times_ms[first] >= stretch_ms) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

TEST(Herd, DialsOfFiftyDevicesSpread) {
  const LinkManagerConfig config;
  std::vector<std::vector<std::int64_t>> rounds(8);   // when each device dials, by round
  for (std::size_t device = 0; device < kDevices; ++device) {
    Backoff backoff(config.redial, 1000 + device);
    std::int64_t at_ms = 0;
    for (std::vector<std::int64_t>& round : rounds) round.push_back(at_ms += backoff.next().ms());
  }
  RecordProperty("first_round_in_100ms", static_cast<int>(densest(rounds[0], 100)));
  RecordProperty("fifth_round_in_100ms", static_cast<int>(densest(rounds[4], 100)));
  // 1 s waits differ by half a second, 4 s ones by two, 16 s ones by eight, and the differences add up.
  EXPECT_LE(densest(rounds[1], 100), kDevices / 2);
  EXPECT_LE(densest(rounds[2], 100), kDevices / 5);
  EXPECT_LE(densest(rounds[3], 100), kDevices / 10);
  EXPECT_LE(densest(rounds[7], 100), 3u);
}

TEST(Herd, FiftyDevicesComeBackAndNobodyIsLeftOut) {
  boost::asio::io_context io;
  const Identity server = new_identity();
  std::deque<Identity> identities;
  std::vector<LinkDevice> devices;
  for (std::size_t i = 0; i < kDevices; ++i) devices.push_back(device(identities.emplace_back(new_identity())));
  LinkManagerConfig config = quick_config(server);
  config.devices = devices;
  std::optional<Node> node(std::in_place, io, config);
  config.listen = {node->address()};
  std::deque<Node> clients;
  for (const Identity& identity : identities) {
    LinkManagerConfig of = quick_config(identity);
    of.seed = clients.size() + 1;
    of.devices = {device(server, {node->address()})};
    clients.emplace_back(io, std::move(of));
  }
  const auto linked = [&] {
    return static_cast<std::size_t>(std::ranges::count_if(
        clients, [&](const Node& client) { return client.manager->link_of(server.id()) != nullptr; }));
  };
  ASSERT_TRUE(run_until(io, [&] { return linked() == kDevices && node->manager->links().size() == kDevices; }));
  node.reset();
  ASSERT_TRUE(run_until(io, [&] { return linked() == 0; }));
  node.emplace(io, config);
  std::size_t most = 0;
  ASSERT_TRUE(run_until(io, [&] {
    most = std::max(most, node->manager->handshaking());
    return linked() == kDevices && node->manager->links().size() == kDevices;
  }));
  RecordProperty("handshakes_at_once", static_cast<int>(most));
  EXPECT_LE(most, config.handshakes_per_ip_max) << "they all come from one address";
}

}  // namespace
}  // namespace weft::net::test
