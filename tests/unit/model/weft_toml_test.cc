#include "bep/model/weft_toml.hh"

#include <gtest/gtest.h>

#include <regex>

#include "engine/base/prng.hh"
#include "tests/unit/model/temp_home.hh"

namespace weft::model {
namespace {

std::string error_of(std::string_view text) {
  const auto config = parse_weft_toml(text, "weft.toml");
  return config ? "no error" : config.error();
}

constexpr std::string_view kOnePort = R"([[port]]
name = "left"
device = "net_ring0"
address = "10.1.0.1/24"
)";

TEST(WeftToml, MissingFileIsPlainBep) {
  const TempHome home;
  const auto config = load_weft_toml(home.path());
  ASSERT_TRUE(config) << config.error();
  EXPECT_TRUE(config->ports.empty());
  EXPECT_EQ(config->engine.cores, 1u);
  EXPECT_EQ(config->engine.slots, 384u);
  EXPECT_EQ(config->disk.depth, 32u);
  EXPECT_TRUE(config->disk.fsync);
  EXPECT_FALSE(config->impair_allowed);
}

TEST(WeftToml, EveryKey) {
  const auto config = parse_weft_toml(R"(
[engine]
cores = 2
cpus = [2, 3]
memory_mb = 512
slots = 100
aead = "ipsec-mb"
eal_args = ["--log-level=8", "-n4"]
[scheduler]
policy = "active-backup"
[disk]
direct = "never"
depth = 8
fsync = false
[lab]
impair = true
[[port]]
name = "left"
device = "net_memif0,role=server,id=0,socket=/tmp/x/left.sock"
address = ["10.1.0.1/24", "fd00::1/64"]
gateway = ["10.1.0.254", "fd00::fe"]
udp_port = 4000
mtu = 9000
role = "backup"
weight = 30
congestion = "bbr"
rate_mbit = 2500
[[port]]
name = "right"
device = "0000:01:00.0"
address = "10.2.0.2/24"
vlan = 4094
exception = "weft0"
to = ["left", "right"]
)",
                                      "weft.toml");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->engine.cores, 2u);
  EXPECT_EQ(config->engine.cpus, (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(config->engine.memory_mb, 512u);
  EXPECT_EQ(config->engine.aead, AeadChoice::kIpsecMb);
  EXPECT_EQ(config->engine.eal_args, (std::vector<std::string>{"--log-level=8", "-n4"}));
  EXPECT_EQ(config->policy, share::Policy::kActiveBackup);
  EXPECT_EQ(config->disk.direct, DirectIo::kNever);
  EXPECT_EQ(config->disk.depth, 8u);
  EXPECT_FALSE(config->disk.fsync);
  EXPECT_TRUE(config->impair_allowed);
  ASSERT_EQ(config->ports.size(), 2u);
  const PortConfig& left = config->ports[0];
  EXPECT_EQ(left.name, "left");
  EXPECT_EQ(left.device, "net_memif0,role=server,id=0,socket=/tmp/x/left.sock");
  ASSERT_TRUE(left.v4 && left.v6);
  EXPECT_EQ(left.v4->prefix_length, 24);
  EXPECT_EQ(left.v4->address.bytes[0], 10);
  EXPECT_FALSE(left.v4->address.v6);
  EXPECT_EQ(left.v6->prefix_length, 64);
  EXPECT_EQ(left.v6->address.bytes[0], 0xFD);
  EXPECT_TRUE(left.v6->address.v6);
  ASSERT_TRUE(left.gateway_v4 && left.gateway_v6);
  EXPECT_EQ(left.gateway_v4->bytes[3], 254);
  EXPECT_EQ(left.udp_port, 4000);
  EXPECT_EQ(left.mtu, 9000);
  EXPECT_EQ(left.role, share::PathRole::kBackup);
  EXPECT_EQ(left.weight, 30u);
  EXPECT_EQ(left.congestion, share::Congestion::kBbr);
  EXPECT_EQ(left.rate_mbit, 2500u);
  const PortConfig& right = config->ports[1];
  EXPECT_FALSE(right.v6);
  EXPECT_EQ(right.udp_port, 22100);
  EXPECT_EQ(right.mtu, 1500);
  EXPECT_EQ(right.role, share::PathRole::kPrimary);
  EXPECT_EQ(left.vlan, 0);
  EXPECT_EQ(left.exception, "");
  EXPECT_TRUE(left.to.empty());
  EXPECT_EQ(right.vlan, 4094);
  EXPECT_EQ(right.exception, "weft0");
  EXPECT_EQ(right.to, (std::vector<std::string>{"left", "right"}));
  EXPECT_EQ(right.weight, share::kWeightDefault);
  EXPECT_EQ(right.congestion, share::Congestion::kCubic);
  EXPECT_EQ(right.rate_mbit, 0u);
}

TEST(WeftToml, PoliciesInTheOrderOfTheEnum) {
  const std::pair<const char*, share::Policy> cases[] = {
      {"rate", share::Policy::kRate},
      {"min-rtt", share::Policy::kMinRtt},
      {"ecf", share::Policy::kEcf},
      {"redundant", share::Policy::kRedundant},
      {"round-robin", share::Policy::kRoundRobin},
      {"weighted", share::Policy::kWeighted},
      {"health", share::Policy::kHealth},
      {"active-backup", share::Policy::kActiveBackup}};
  for (const auto& [name, policy] : cases) {
    const auto config =
        parse_weft_toml(std::string("[scheduler]\npolicy = \"") + name + "\"\n", "weft.toml");
    ASSERT_TRUE(config) << config.error();
    EXPECT_EQ(config->policy, policy) << name;
  }
}

TEST(WeftToml, Links) {
  const auto config = parse_weft_toml(
      "[links]\nfrom = [\"eth0\", \"10.2.0.1\", \"fd00::1\"]\nstrategy = \"least-used\"\n", "weft.toml");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->links.from, (std::vector<std::string>{"eth0", "10.2.0.1", "fd00::1"}));
  EXPECT_EQ(config->links.strategy, LinkStrategy::kLeastUsed);
  EXPECT_TRUE(parse_weft_toml("", "weft.toml")->links.from.empty());
}

struct Wrong {
  const char* text;    // appended to kOnePort where it begins with '+'
  const char* place;   // file and line that the sentence must begin with
  const char* names;   // the key
  const char* remedy;  // a part of the sentence
};

TEST(WeftToml, RefusesInOneSentence) {
  const Wrong cases[] = {
      {"[engine\ncores = 1\n", "weft.toml:1: ", "", "correct this line"},
      {"[engine]\ncores = 0\n", "weft.toml:2: ", "engine.cores", "from 1 to 16"},
      {"[engine]\ncores = 17\n", "weft.toml:2: ", "engine.cores", "from 1 to 16"},
      {"[engine]\ncores = \"2\"\n", "weft.toml:2: ", "engine.cores", "whole number"},
      {"[engine]\ncores = 1.5\n", "weft.toml:2: ", "engine.cores", "whole number"},
      {"[engine]\n\ncore = 2\n", "weft.toml:3: ", "engine.core", "did you mean \"cores\"?"},
      {"[engine]\nzebra = 2\n", "weft.toml:2: ", "engine.zebra", "remove it"},
      {"[engine]\ncores = 2\ncpus = [1]\n", "weft.toml:3: ", "engine.cpus", "one per core"},
      {"[engine]\ncpus = 1\n", "weft.toml:2: ", "engine.cpus", "list of numbers"},
      {"[engine]\ncpus = [\"a\"]\n", "weft.toml:2: ", "engine.cpus", "whole number"},
      {"[engine]\nslots = 7\n", "weft.toml:2: ", "engine.slots", "from 8 to"},
      {"[engine]\nmemory_mb = -5\n", "weft.toml:2: ", "engine.memory_mb", "from 32 to"},
      {"[engine]\naead = \"rot13\"\n", "weft.toml:2: ", "engine.aead", "\"openssl\""},
      {"[engine]\neal_args = [1]\n", "weft.toml:2: ", "engine.eal_args", "texts in quotes"},
      {"[engine]\neal_args = 1\n", "weft.toml:2: ", "engine.eal_args", "list"},
      {"[scheduler]\npolicy = \"fast\"\n", "weft.toml:2: ", "scheduler.policy", "\"min-rtt\""},
      {"[health]\nloss = 1001\n", "weft.toml:2: ", "health.loss", "1000"},
      {"[health]\nlatency = 0\njitter = 0\nloss = 0\ngoodput = 0\nstability = 0\n", "weft.toml:2: ", "health.latency", "all 0"},
      {"[health]\nsmooth_keep_alive = 1\n", "weft.toml:2: ", "health.smooth_keep_alive", "true or false"},
      {"[links]\nstrategy = \"fast\"\n", "weft.toml:2: ", "links.strategy", "\"least-used\""},
      {"[links]\nfrom = [\"eth0\", \"a b\"]\n", "weft.toml:2: ", "links.from", "name of an interface"},
      {"[links]\nfrom = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\"]\n", "weft.toml:2: ", "links.from",
       "more than 8"},
      {"[links]\nto = 1\n", "weft.toml:2: ", "links.to", "remove it"},
      {"[scheduler]\npolicy = 1\n", "weft.toml:2: ", "scheduler.policy", "in quotes"},
      {"[disk]\ndirect = true\n", "weft.toml:2: ", "disk.direct", "in quotes"},
      {"[disk]\nfsync = \"yes\"\n", "weft.toml:2: ", "disk.fsync", "true or false"},
      {"[disk]\ndepth = 0\n", "weft.toml:2: ", "disk.depth", "from 1 to"},
      {"[lab]\nimpair = 1\n", "weft.toml:2: ", "lab.impair", "true or false"},
      {"[lab]\nbench = \"yes\"\n", "weft.toml:2: ", "lab.bench", "true or false"},
      {"[Engine]\n", "weft.toml:1: ", "Engine", "did you mean \"engine\"?"},
      {"[network]\n", "weft.toml:1: ", "network", "[[port]]"},
      {"engine = 3\n", "weft.toml:1: ", "engine", "[engine]"},
      {"[port]\nname = \"a\"\n", "weft.toml:1: ", "port", "[[port]]"},
      {"[[port]]\ndevice = \"x\"\naddress = \"10.0.0.1/8\"\n", "weft.toml:1: ", "port.name",
       "give the port a name"},
      {"[[port]]\nname = \"a b\"\n", "weft.toml:2: ", "port.name", "letters"},
      {"[[port]]\nname = \"a\"\naddress = \"10.0.0.1/8\"\n", "weft.toml:1: ", "port.device",
       "DPDK device"},
      {"[[port]]\nname = \"a\"\ndevice = \"x\"\n", "weft.toml:1: ", "port.address", "10.1.0.1/24"},
      {"+congestion = \"reno\"\n", "weft.toml:5: ", "port.congestion", "\"cubic\""},
      {"+weight = 0\n", "weft.toml:5: ", "port.weight", "from 1 to 100"},
      {"+mtu = 100\n", "weft.toml:5: ", "port.mtu", "from 1280 to 9216"},
      {"+role = \"spare\"\n", "weft.toml:5: ", "port.role", "\"backup\""},
      {"+udp_port = 65536\n", "weft.toml:5: ", "port.udp_port", "from 1 to 65535"},
      {"+udp_ports = 1\n", "weft.toml:5: ", "port.udp_ports", "did you mean \"udp_port\"?"},
      {"+gateway = \"10.2.0.1\"\n", "weft.toml:5: ", "port.gateway", "not a neighbour"},
      {"+gateway = \"10.1.0.1\"\n", "weft.toml:5: ", "port.gateway", "not a neighbour"},
      {"+gateway = \"fd00::1\"\n", "weft.toml:5: ", "port.gateway", "not a neighbour"},
      {"+gateway = \"10.1.0.254/24\"\n", "weft.toml:5: ", "port.gateway", "without prefix length"},
      {"+gateway = [\"10.1.0.3\", \"10.1.0.4\"]\n", "weft.toml:5: ", "port.gateway", "write one"},
      {"+[[port]]\nname = \"left\"\ndevice = \"y\"\naddress = \"10.2.0.1/24\"\n",
       "weft.toml:6: ", "port.name", "choose another"},
      {"+[[port]]\nname = \"b\"\ndevice = \"net_ring0\"\naddress = \"10.2.0.1/24\"\n",
       "weft.toml:7: ", "port.device", "left"},
      {"+vlan = 4095\n", "weft.toml:5: ", "port.vlan", "from 1 to 4094"},
      {"+vlan = 0\n", "weft.toml:5: ", "port.vlan", "from 1 to 4094"},
      {"+exception = \"\"\n", "weft.toml:5: ", "port.exception", "\"weft0\""},
      {"+exception = \"an-interface-of-16\"\n", "weft.toml:5: ", "port.exception", "at most 15"},
      {"+exception = \"w\"\n[[port]]\nname = \"b\"\ndevice = \"y\"\naddress = \"10.2.0.1/24\"\nexception = \"w\"\n",
       "weft.toml:10: ", "port.exception", "choose another"},
      {"+to = [\"a b\"]\n", "weft.toml:5: ", "port.to", "[\"left\"]"},
      {"+[[port]]\nname = \"b\"\ndevice = \"y\"\naddress = \"10.1.0.2/16\"\n",
       "weft.toml:8: ", "port.address is in the network of port \"left\"", "to = [\"NAME\"]"},
      {"+to = [\"x\"]\n[[port]]\nname = \"b\"\ndevice = \"y\"\naddress = \"10.1.0.2/25\"\n",
       "weft.toml:9: ", "port.address is in the network of port \"left\"", "a network of its own"},
      {"+[[port]]\nname = \"b\"\ndevice = \"y\"\naddress = \"10.1.0.1/16\"\n",
       "weft.toml:8: ", "port.address", "left"},
  };
  for (const Wrong& wrong : cases) {
    const bool more = wrong.text[0] == '+';
    const std::string text = (more ? std::string(kOnePort) : "") + (wrong.text + (more ? 1 : 0));
    const std::string error = error_of(text);
    EXPECT_TRUE(error.starts_with(wrong.place)) << error << "\nfor\n" << text;
    EXPECT_NE(error.find(wrong.names), std::string::npos) << error;
    EXPECT_NE(error.find(wrong.remedy), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

TEST(WeftToml, RefusesAddresses) {
  for (const char* address :
       {"10.1.0.1", "10.1.0.1/33", "10.1.0.1/0", "10.1.0.1/x", "10.1.0.1/", "10.1.0/24",
        "fe::1/129", "0.0.0.0/8", "224.0.0.1/8", "ff02::1/64", "::/64", "left/24", ""}) {
    const std::string error = error_of(
        std::string("[[port]]\nname = \"a\"\ndevice = \"x\"\naddress = \"") + address + "\"\n");
    EXPECT_TRUE(error.starts_with("weft.toml:4: port.address")) << address << ": " << error;
  }
  const std::string twice =
      error_of("[[port]]\nname=\"a\"\ndevice=\"x\"\naddress=[\"10.0.0.1/8\",\"11.0.0.1/8\"]\n");
  EXPECT_NE(twice.find("one IPv4"), std::string::npos) << twice;
}

TEST(WeftToml, PortsMayShareANetworkWhenEachSaysWithWhom) {
  const std::string text = std::string(kOnePort) + "to = [\"east\"]\n[[port]]\nname = \"b\"\ndevice = \"y\"\n"
                           "address = \"10.1.0.2/24\"\nto = \"west\"\n";
  EXPECT_EQ(error_of(text), "no error");
}
TEST(WeftToml, CoresTakeOneUdpPortEach) {
  const std::string port = std::string(kOnePort) + "udp_port = 65534\n";
  EXPECT_EQ(error_of("[engine]\ncores = 2\n" + port), "no error");
  const std::string error = error_of("[engine]\ncores = 3\n" + port);
  EXPECT_NE(error.find("port.udp_port leaves no room for 3 data cores"), std::string::npos)
      << error;
}

TEST(WeftToml, AtMostEightPorts) {
  std::string text;
  for (int i = 0; i < 9; ++i) {
    const std::string n = std::to_string(i);
    text += "[[port]]\nname = \"p" + n + "\"\ndevice = \"net_ring" + n + "\"\naddress = \"10." + n +
            ".0.1/24\"\n";
    if (i == 7) {
      EXPECT_EQ(error_of(text), "no error");
    }
  }
  EXPECT_TRUE(error_of(text).starts_with("weft.toml:33: [[port]]")) << error_of(text);
}

TEST(WeftToml, ExampleLoadsAsItStandsAndWithItsComments) {
  const auto plain = parse_weft_toml(weft_toml_example(), "weft.toml");
  ASSERT_TRUE(plain) << plain.error();
  EXPECT_TRUE(plain->ports.empty());
  // Comment signs without a space after them stand before configuration.
  const std::string full =
      std::regex_replace(std::string(weft_toml_example()), std::regex("\n#([a-z\\[])"), "\n$1");
  const auto config = parse_weft_toml(full, "weft.toml");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->ports.size(), 2u);
  EXPECT_TRUE(config->ports[0].gateway_v4);
}

TEST(WeftToml, DamagedTextGivesOneSentence) {
  base::Prng random(7);
  const std::string whole(weft_toml_example());
  for (int round = 0; round < 300; ++round) {
    std::string text = whole;
    for (int i = 0; i < 8; ++i)
      text[random.below(static_cast<std::uint32_t>(text.size()))] =
          static_cast<char>(random.below(256));
    const auto config = parse_weft_toml(text, "weft.toml");
    if (!config) {
      EXPECT_TRUE(config.error().starts_with("weft.toml")) << config.error();
    }
  }
}

TEST(WeftToml, OnePortAloneIsCheckedAsInTheFile) {
  const auto first = parse_port("name = \"left\"\ndevice = \"net_ring0\"\naddress = \"10.1.0.1/24\"\n", 2, {});
  ASSERT_TRUE(first) << first.error();
  EXPECT_EQ(first->name, "left");
  const auto refusal = [&](const std::string& lines) {
    const auto port = parse_port(lines, 2, {*first});
    EXPECT_FALSE(port) << lines;
    return port ? "" : port.error();
  };
  const std::string right = "name = \"right\"\ndevice = \"net_ring1\"\n";
  EXPECT_EQ(refusal(right).substr(0, 13), "port.address ");   // neither file nor line
  EXPECT_EQ(refusal(right + "address = \"10.1.0.9/24\"\n").substr(0, 49), "port.address is in the network of port \"left\"; wr");
  EXPECT_NE(refusal(right + "address = \"10.2.0.1/24\"\nudp_port = 65535").find("2 data cores"), std::string::npos);
  EXPECT_NE(refusal("name = \"x\"\ndevice = \"net_ring0,a=b\"\naddress = \"10.2.0.1/24\"").find("name of port \"left\""),
            std::string::npos);
  EXPECT_EQ(refusal("name = ").substr(0, 14), "not valid TOML");
  EXPECT_EQ(refusal("[[port]]\nname = \"x\"").substr(0, 10), "port.name ");
  EXPECT_TRUE(parse_port(right + "address = \"10.2.0.1/24\"\n", 2, {*first}));
}

}  // namespace
}  // namespace weft::model
