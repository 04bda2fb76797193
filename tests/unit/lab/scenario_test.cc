// Scenarios that are right: what a file means, what a file of ports lays over it, and that the shipped ones are read.
#include "engine/lab/scenario.hh"

#include <gtest/gtest.h>

#include "bep/model/weft_toml.hh"
#include "engine/lab/homes.hh"

namespace weft::lab {
namespace {

constexpr const char* kTwoLinks = R"(
title = "two"
seed = 7
[weft]
cores = 2
policy = "min-rtt"
[measure]
from_percent = 10
to_percent = 90
[[link]]
name = "left"
rate_mbit = 400
delay_ms = 0.25
queue_ms = 5
[[link]]
name = "right"
mtu = 9000
loss_percent = 1.5
[[transfer]]
size_mb = 20
files = 3
[[transfer]]
size_mb = 10
direction = "b-to-a"
[[run]]
name = "left-alone"
links = ["left"]
scale = 0.5
[[run]]
name = "right-alone"
links = "right"
[[run]]
name = "both"
  [[run.event]]
  at_percent = 40
  do = "silence"
  links = ["right"]
  [[run.event]]
  at_s = 2.5
  do = "flaps"
  count = 10
  seconds = 20
  by_link_down = true
  [run.expect]
  of_sum_min = 0.985
  of_shares = { left = 1, right = 0.8 }
  stall_ms_max = 20
)";

TEST(Scenario, IsReadWhole) {
  const auto scenario = parse_scenario(kTwoLinks, "two.toml");
  ASSERT_TRUE(scenario) << scenario.error();
  EXPECT_EQ(scenario->title, "two");
  EXPECT_EQ(scenario->seed, 7u);
  EXPECT_EQ(scenario->cores, 2u);
  EXPECT_EQ(scenario->policy, "min-rtt");
  EXPECT_DOUBLE_EQ(scenario->from_percent, 10);
  ASSERT_EQ(scenario->links.size(), 2u);
  EXPECT_EQ(scenario->links[0].shape, (Shape{.rate_mbit = 400, .delay_ms = 0.25, .queue_ms = 5}));
  EXPECT_EQ(scenario->links[1].shape, (Shape{.loss_percent = 1.5}));
  EXPECT_EQ(scenario->links[1].mtu, 9000u);
  ASSERT_EQ(scenario->transfers.size(), 2u);
  EXPECT_TRUE(scenario->transfers[0].from_a);
  EXPECT_FALSE(scenario->transfers[1].from_a);
  ASSERT_EQ(scenario->runs.size(), 3u);
  EXPECT_DOUBLE_EQ(scenario->payload_bytes(scenario->runs[0]), 15e6);
  EXPECT_EQ(scenario->alone(1), &scenario->runs[1]);
  const lab::Run& both = scenario->runs[2];
  EXPECT_EQ(both.links, (std::vector<std::size_t>{0, 1}));
  ASSERT_EQ(both.events.size(), 2u);
  EXPECT_EQ(both.events[0].what, Event::Do::kSilence);
  EXPECT_EQ(both.events[0].at_percent, 40);
  EXPECT_FALSE(both.events[0].at_s);
  EXPECT_EQ(both.events[0].links, std::vector<std::size_t>{1});
  EXPECT_EQ(both.events[1].links, both.links);
  EXPECT_TRUE(both.events[1].by_link_down);
  EXPECT_EQ(both.expect.of_sum_min, 0.985);
  EXPECT_EQ(both.expect.of_shares, (std::map<std::size_t, double>{{0, 1}, {1, 0.8}}));
  EXPECT_EQ(both.expect.stall_ms_max, 20);
  EXPECT_FALSE(both.expect.of_best_min);
}

TEST(Scenario, PortsAreLaidOver) {
  auto scenario = parse_scenario(kTwoLinks, "two.toml");
  ASSERT_TRUE(scenario) << scenario.error();
  const auto laid = parse_ports(R"(
[[link]]
name = "right"
mtu = 1500
rate_mbit = 0
a = { device = "0000:17:00.0", address = "10.1.0.1/24" }
b = { device = "0000:65:00.0", address = ["10.1.0.2/24", "fd00::2/64"] }
)", "cards.toml", *scenario);
  ASSERT_TRUE(laid) << laid.error();
  EXPECT_EQ(scenario->links[0].shape.rate_mbit, 400);            // not named: as it was
  EXPECT_EQ(scenario->links[1].a.device, "0000:17:00.0");
  EXPECT_EQ(scenario->links[1].b.address.size(), 2u);
  EXPECT_EQ(scenario->links[1].mtu, 1500u);
  EXPECT_EQ(scenario->links[1].shape.loss_percent, 1.5);         // what the file does not say stays
}

TEST(Scenario, AttachedSidesHavePorts) {
  auto scenario = parse_scenario(kTwoLinks, "two.toml");
  ASSERT_TRUE(scenario) << scenario.error();
  const auto laid = parse_ports(R"(
[a]
url = "http://127.0.0.1:8384"
api_key = "one"
[b]
url = "http://192.0.2.7:8384"
api_key = "two"
folder = "tests"
[[link]]
name = "left"
a = { port = "east" }
)", "lab.toml", *scenario);
  ASSERT_TRUE(laid) << laid.error();
  EXPECT_TRUE(scenario->a.attached());
  EXPECT_EQ(scenario->a.folder, "lab");
  EXPECT_EQ(scenario->b.folder, "tests");
  EXPECT_EQ(scenario->links[0].a.port, "east");
}

// What a weft is given is what its own reader takes.
TEST(Scenario, MakesAWeftToml) {
  auto scenario = parse_scenario(kTwoLinks, "two.toml");
  ASSERT_TRUE(scenario) << scenario.error();
  scenario->links[1].a = {.device = "0000:17:00.0", .address = {"10.9.0.1/24", "fd00::1/64"}};
  scenario->links[1].b = {.device = "net_af_packet0,iface=eth\\1", .address = {"10.9.0.2/24"}};
  const auto a = model::parse_weft_toml(weft_toml_of(*scenario, Which::kA, "lab-1"), "a");
  const auto b = model::parse_weft_toml(weft_toml_of(*scenario, Which::kB, "lab-1"), "b");
  ASSERT_TRUE(a) << a.error();
  ASSERT_TRUE(b) << b.error();
  EXPECT_TRUE(a->impair_allowed);
  EXPECT_EQ(a->engine.cores, 2u);
  EXPECT_EQ(a->policy, share::Policy::kMinRtt);
  ASSERT_EQ(a->ports.size(), 2u);
  EXPECT_EQ(a->ports[0].device, "net_memif0,role=server,id=0,socket=lab-1-0");
  EXPECT_EQ(b->ports[0].device, "net_memif0,role=client,id=0,socket=lab-1-0");
  EXPECT_EQ(a->ports[1].mtu, 9000);
  EXPECT_TRUE(a->ports[1].v6);
  EXPECT_EQ(b->ports[1].device, "net_af_packet0,iface=eth\\1");
}

TEST(Scenario, TheShippedOnesAreRead) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(WEFT_SCENARIOS)) {
    if (entry.path().extension() != ".toml") continue;
    const auto scenario = read_scenario(entry.path());
    EXPECT_TRUE(scenario) << scenario.error();
    ++count;
  }
  EXPECT_GE(count, 8u);
}

}  // namespace
}  // namespace weft::lab
