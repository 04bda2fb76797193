// POST and DELETE of ports: what is taken, and a sentence for all that is not.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/api/rig.hh"

namespace weft::api {
namespace {

constexpr const char* kTarget = "/rest/weft/ports";

struct Ports : ::testing::Test {
  test::FakeDaemon daemon;
  test::Rig rig{daemon};
  void expect_refused(const std::string& body, unsigned status, const std::string& words) {
    const cli::HttpReply reply = rig.post(kTarget, body);
    EXPECT_EQ(reply.status, status) << body;
    EXPECT_NE(reply.body.find(words), std::string::npos) << body << " -> " << reply.body;
    EXPECT_EQ(reply.body.find('\n'), reply.body.size() - 1) << reply.body;
  }
};

TEST_F(Ports, TakesTheKeysOfAPortTableAndAnswersTheTable) {
  const cli::HttpReply reply = rig.post(
      kTarget, R"({"name": "east", "device": "net_memif1,role=client,id=0,socket=e", "address": ["10.2.0.1/24", "fd00::1/64"],
                   "gateway": "10.2.0.254", "udp_port": 4000, "mtu": 9000, "role": "backup", "vlan": 7,
                   "exception": "weft0", "to": ["left", "right"], "weight": 30, "congestion": "bbr", "rate_mbit": 2500})");
  ASSERT_EQ(reply.status, 200u) << reply.body;
  const model::PortConfig port = daemon.last_port();
  EXPECT_EQ(port.name, "east");
  EXPECT_EQ(port.device, "net_memif1,role=client,id=0,socket=e");
  EXPECT_TRUE(port.v4 && port.v6 && port.gateway_v4);
  EXPECT_EQ(port.udp_port, 4000);
  EXPECT_EQ(port.mtu, 9000);
  EXPECT_EQ(port.role, share::PathRole::kBackup);
  EXPECT_EQ(port.vlan, 7);
  EXPECT_EQ(port.exception, "weft0");
  EXPECT_EQ(port.to.size(), 2u);
  EXPECT_EQ(port.weight, 30u);
  EXPECT_EQ(port.congestion, share::Congestion::kBbr);
  EXPECT_EQ(port.rate_mbit, 2500u);
  const auto table = nlohmann::json::parse(reply.body)["weft_toml"].get<std::string>();
  const auto again = model::parse_weft_toml("[engine]\ncores = 2\n" + table, "weft.toml");
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(again->ports.at(0).device, port.device);
}

TEST_F(Ports, ANameAloneTriesAgainWhatCouldNotBeOpened) {
  const cli::HttpReply reply = rig.post(kTarget, R"({"name": "broken"})");
  ASSERT_EQ(reply.status, 200u) << reply.body;
  EXPECT_TRUE(nlohmann::json::parse(reply.body)["weft_toml"].is_null());
  EXPECT_EQ(daemon.orders(), std::vector<std::string>{"reopen broken"});
  expect_refused(R"({"name": "nosuch"})", 404, "give its device and address too");
}

TEST_F(Ports, SaysWhatIsWrong) {
  const auto with = [](const std::string& more) {
    return R"({"name": "east", "device": "net_memif1", "address": "10.2.0.1/24", )" + more + "}";
  };
  expect_refused("", 400, "not a JSON object");
  expect_refused("[]", 400, "not a JSON object");
  expect_refused("{}", 400, "port.name is missing");
  expect_refused(R"({"name": "east", "device": "net_memif1"})", 400, "port.address is missing");
  expect_refused(R"({"name": "e a", "device": "x", "address": "10.2.0.1/24"})", 400, "port.name must be at most 32 letters");
  expect_refused(R"({"name": "east", "device": "x", "address": "10.2.0.1"})", 400, "write an address with its prefix length");
  expect_refused(R"({"name": "left", "device": "x", "address": "10.2.0.1/24"})", 400, "is already that of an earlier port");
  expect_refused(R"({"name": "east", "device": "net_memif0,id=4", "address": "10.2.0.1/24"})", 400,
                 "has the name of port \"left\"");
  expect_refused(R"({"name": "east", "device": "x", "address": "10.1.0.1/24"})", 400, "give each port its own");
  expect_refused(R"({"name": "east", "device": "x", "address": "10.1.0.9/24"})", 400, "is in the network of port \"left\"");
  expect_refused(R"({"name": "east", "device": "x\u0000y", "address": "10.2.0.1/24"})", 400, "control character");
  expect_refused(with(R"("mtu": 1279)"), 400, "port.mtu");
  expect_refused(with(R"("mtu": "1500")"), 400, "port.mtu");
  expect_refused(with(R"("mtu": 1500.5)"), 400, "port.mtu");
  expect_refused(with(R"("mtu": 18446744073709551615)"), 400, "mtu: a text, a number");
  expect_refused(with(R"("mtu": null)"), 400, "mtu: a text, a number");
  expect_refused(with(R"("to": [1])"), 400, "to: a text, a number");
  expect_refused(with(R"("udp_port": 65535)"), 400, "leaves no room for 2 data cores");
  expect_refused(with(R"("role": "spare")"), 400, "port.role");
  expect_refused(with(R"("colour": "red")"), 400, "port.colour");
  expect_refused(R"({"name": "east", "device": "net_tap9", "address": "10.2.0.1/24"})", 409, "no memory");
  EXPECT_TRUE(daemon.orders().empty());
}

TEST_F(Ports, AreRemovedByName) {
  EXPECT_EQ(rig.remove("/rest/weft/ports/left").status, 200u);
  EXPECT_EQ(rig.remove("/rest/weft/ports/nosuch").status, 404u);
  EXPECT_EQ(rig.remove("/rest/weft/ports/going").status, 409u);
  EXPECT_EQ(rig.remove("/rest/weft/ports").status, 405u);
  EXPECT_EQ(rig.get(kTarget).status, 405u);
  EXPECT_EQ(daemon.orders(), std::vector<std::string>{"remove left"});
}

TEST_F(Ports, NeedADatapath) {
  daemon.datapath_value.running = false;
  expect_refused(R"({"name": "east", "device": "net_memif1", "address": "10.2.0.1/24"})", 409, "[[port]]");
}

}  // namespace
}  // namespace weft::api
