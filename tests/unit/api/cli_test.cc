// The weft command as a user types it, but for `serve` (tests/e2e).
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "bep/model/config_xml.hh"
#include "bep/proto/device_id.hh"
#include "engine/base/must.hh"
#include "engine/cli/app.hh"
#include "engine/cli/status_text.hh"
#include "engine/cli/table_text.hh"
#include "engine/nic/drop.hh"
#include "tests/unit/api/rig.hh"

namespace weft::cli {
namespace {

struct Ran {
  int code = 0;
  std::string out, err;
};

Ran weft(std::vector<std::string> words) {
  words.insert(words.begin(), "weft");
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  std::ostringstream out, err;
  const int code = run_app(static_cast<int>(argv.size()), argv.data(), {out, err});
  return {code, out.str(), err.str()};
}

class Cli : public ::testing::Test {
 protected:
  Cli() {
    std::string name = (std::filesystem::temp_directory_path() / "weft_cli_XXXXXX").string();
    MUST(::mkdtemp(name.data()) != nullptr);
    root = name;
    home = (root / "home").string();
  }
  ~Cli() override { std::filesystem::remove_all(root); }

  Ran init() { return weft({"init", "--home", home, "--name", "here", "--listen", "tcp://127.0.0.1:0"}); }
  std::string id() {
    const Ran ran = weft({"id", "--home", home});
    return ran.out.substr(0, ran.out.find('\n'));
  }
  static void expect_one_sentence(const Ran& ran, int code) {
    EXPECT_EQ(ran.code, code) << ran.err;
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err.substr(0, 6), "weft: ");
    EXPECT_EQ(ran.err.find('\n'), ran.err.size() - 1) << ran.err;
  }
  std::filesystem::path root;
  std::string home;
};

TEST_F(Cli, HelpNamesEveryCommand) {
  const Ran ran = weft({"--help"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err, "");
  for (const char* command : {"init", "id", "serve", "status", "policy", "port", "device", "folder"}) {
    EXPECT_NE(ran.out.find(command), std::string::npos) << command;
    EXPECT_NE(weft({command, "--help"}).out.find("Usage"), std::string::npos) << command;
  }
  EXPECT_EQ(weft({"--version"}).out.substr(0, 6), "weft v");
}

TEST_F(Cli, WrongUseIsOneSentenceAndCodeTwo) {
  expect_one_sentence(weft({}), kWrong);
  expect_one_sentence(weft({"fly"}), kWrong);
  expect_one_sentence(weft({"id", "--nosuch"}), kWrong);
  expect_one_sentence(weft({"serve", "--log-level", "loud"}), kWrong);
  expect_one_sentence(weft({"folder", "add", "x", "/x", "--type", "sideways"}), kWrong);
}

TEST_F(Cli, InitMakesAHomeOnce) {
  const Ran first = init();
  ASSERT_EQ(first.code, kDone) << first.err;
  for (const char* name : {"config.xml", "cert.pem", "key.pem", "weft.toml"})
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(home) / name)) << name;
  struct stat status{};
  ASSERT_EQ(::stat((home + "/key.pem").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const std::string made = id();
  EXPECT_NE(first.out.find(made), std::string::npos);
  expect_one_sentence(init(), kWrong);
  EXPECT_EQ(id(), made);                               // the identity is still the same
}

TEST_F(Cli, InitKeepsAnIdentityThatIsThere) {
  ASSERT_EQ(init().code, kDone);
  const std::string made = id();
  std::filesystem::remove(home + "/config.xml");
  ASSERT_EQ(init().code, kDone);
  EXPECT_EQ(id(), made);
}

TEST_F(Cli, InitRefusesWrongAddressesAndMakesNothing) {
  expect_one_sentence(weft({"init", "--home", home, "--listen", "quic://x"}), kWrong);
  expect_one_sentence(weft({"init", "--home", home, "--gui-address", "8384"}), kWrong);
  EXPECT_FALSE(std::filesystem::exists(home));
}

TEST_F(Cli, IdIsWhatSyncthingSays) {
  if (std::system("command -v syncthing >/dev/null 2>&1") != 0) GTEST_SKIP() << "no syncthing on this machine";
  ASSERT_EQ(init().code, kDone);
  const std::string command = "syncthing --home=" + home + " --device-id 2>/dev/null";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::array<char, 128> line{};
  const char* const read = std::fgets(line.data(), static_cast<int>(line.size()), pipe);
  ::pclose(pipe);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(std::string(line.data()), id() + "\n");
}

TEST_F(Cli, IdParses) {
  ASSERT_EQ(init().code, kDone);
  EXPECT_EQ(id().size(), 63u);
  EXPECT_TRUE(proto::parse_device_id(id()).has_value());
  expect_one_sentence(weft({"id", "--home", (root / "nowhere").string()}), kWrong);
}

TEST_F(Cli, AddsDevicesAndFolders) {
  ASSERT_EQ(init().code, kDone);
  const std::string other = proto::to_text(api::test::kPeer);
  // Options before the positional word must not swallow it.
  ASSERT_EQ(weft({"device", "add", "--name", "nas", "--address", "tcp://192.0.2.7", "--address", "tcp://192.0.2.8:1",
                  "--home", home, other}).code, kDone);
  const std::string data = (root / "data").string();
  const Ran added = weft({"folder", "add", "docs", data, "--home", home, "--type", "sendonly", "--device", "nas"});
  ASSERT_EQ(added.code, kDone) << added.err;
  const auto config = model::load_config(home);
  ASSERT_TRUE(config.has_value()) << config.error();
  ASSERT_NE(config->device(api::test::kPeer), nullptr);
  EXPECT_EQ(config->device(api::test::kPeer)->name, "nas");
  EXPECT_EQ(config->device(api::test::kPeer)->addresses.size(), 2u);
  ASSERT_NE(config->folder("docs"), nullptr);
  EXPECT_EQ(config->folder("docs")->type, model::FolderType::kSendOnly);
  EXPECT_EQ(config->folder("docs")->path, data);
  const auto& devices = config->folder("docs")->devices;
  EXPECT_NE(std::find(devices.begin(), devices.end(), api::test::kPeer), devices.end());

  expect_one_sentence(weft({"device", "add", other, "--home", home}), kWrong);             // there already
  expect_one_sentence(weft({"device", "add", "nonsense", "--home", home}), kWrong);
  expect_one_sentence(weft({"folder", "add", "docs", data + "2", "--home", home}), kWrong);
  expect_one_sentence(weft({"folder", "add", "more", data + "2", "--home", home, "--device", "who"}), kWrong);
  expect_one_sentence(weft({"folder", "share", "none", "--home", home, "--device", "nas"}), kWrong);
  ASSERT_EQ(weft({"folder", "share", "docs", "--home", home, "--device", other}).code, kDone);
}

TEST_F(Cli, RelativeFolderPathsBecomeAbsolute) {
  ASSERT_EQ(init().code, kDone);
  ASSERT_EQ(weft({"folder", "add", "docs", "some/../where", "--home", home}).code, kDone);
  EXPECT_EQ(model::load_config(home)->folder("docs")->path, std::filesystem::current_path() / "where");
}

TEST_F(Cli, ServeRefusesAWrongConfiguration) {
  expect_one_sentence(weft({"serve", "--home", home}), kWrong);      // no home at all
  ASSERT_EQ(init().code, kDone);
  std::ofstream(home + "/weft.toml") << "[engine]\ncoers = 2\n";
  const Ran typo = weft({"serve", "--home", home});
  expect_one_sentence(typo, kWrong);
  EXPECT_NE(typo.err.find("weft.toml:2"), std::string::npos) << typo.err;
  EXPECT_NE(typo.err.find("coers"), std::string::npos) << typo.err;
  std::ofstream(home + "/config.xml") << "<configuration version=\"36\"><folder id=\"\"/></configuration>";
  const Ran xml = weft({"serve", "--home", home});
  expect_one_sentence(xml, kWrong);
  EXPECT_NE(xml.err.find("config.xml"), std::string::npos) << xml.err;
}

TEST_F(Cli, StatusSaysWhenNobodyListens) {
  ASSERT_EQ(weft({"init", "--home", home, "--gui-address", "127.0.0.1:1"}).code, kDone);
  const Ran ran = weft({"status", "--home", home});
  expect_one_sentence(ran, kFailed);
  EXPECT_NE(ran.err.find("weft serve"), std::string::npos);
}

TEST_F(Cli, StatusShowsADaemonAndWhatIsAmiss) {
  api::test::FakeDaemon daemon;
  daemon.datapath_value.ports[0].impairment.blackhole = true;
  ASSERT_EQ(init().code, kDone);
  api::ServerConfig server = api::test::Rig::quick_config();
  server.api_key = model::load_config(home)->gui.api_key;
  api::test::Rig rig(daemon, server);
  ASSERT_EQ(::setenv("STGUIADDRESS", ("127.0.0.1:" + rig.port()).c_str(), 1), 0);
  const Ran ran = weft({"status", "--home", home}), json = weft({"status", "--json", "--home", home});
  ::unsetenv("STGUIADDRESS");
  ASSERT_EQ(ran.code, kDone) << ran.err;
  for (const char* words : {"connected 10.0.0.2:22000 and 1 more", "1 of 1 usable", "docs", "syncing", "75.0 %", "10.1.0.2:22200",
                            "200 us", "listener tcp://0.0.0.0:1: permission denied", "device away: no link",
                            "connection refused", "port right: link is down", "port left: impaired on purpose",
                            "1 items could not be fetched"})
    EXPECT_NE(ran.out.find(words), std::string::npos) << words << "\n" << ran.out;
  EXPECT_EQ(json.out.substr(0, 2), "{\n");
}

TEST_F(Cli, StatusSaysWhyAPortIsNotOpen) {
  api::test::FakeDaemon daemon;
  daemon.datapath_value.ports[0].report.udp.drops[static_cast<std::size_t>(nic::NicDrop::kAddressClash)] = 1;
  daemon.datapath_value.ports[1].error = "port 'right': MTU 9000 is above that of interface eth1";
  ASSERT_EQ(init().code, kDone);
  api::ServerConfig server = api::test::Rig::quick_config();
  server.api_key = model::load_config(home)->gui.api_key;
  api::test::Rig rig(daemon, server);
  ASSERT_EQ(::setenv("STGUIADDRESS", ("127.0.0.1:" + rig.port()).c_str(), 1), 0);
  const Ran ran = weft({"status", "--home", home});
  ::unsetenv("STGUIADDRESS");
  EXPECT_NE(ran.out.find("port 'right': MTU 9000 is above that of interface eth1"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.out.find("port right: link is down"), std::string::npos) << "said twice";
  EXPECT_NE(ran.out.find("port left: another station on its network has the same address"), std::string::npos) << ran.out;
}

TEST_F(Cli, PathsAreShownAndWishedOtherwise) {
  api::test::FakeDaemon daemon;
  run::SteeringShown shown;
  const base::PathId left{0};
  shown.next.why = migrate::MoveReason::kDegraded;
  shown.next.from.add(left);
  shown.paths = {{.path = left, .name = "left:links", .entry = {.state = share::PathState::kActive, .score = 20},
                  .standing = migrate::Standing::kUnfit, .srtt = base::microseconds(250)}};
  daemon.steering_value = shown;
  ASSERT_EQ(init().code, kDone);
  api::ServerConfig server = api::test::Rig::quick_config();
  server.api_key = model::load_config(home)->gui.api_key;
  api::test::Rig rig(daemon, server);
  ASSERT_EQ(::setenv("STGUIADDRESS", ("127.0.0.1:" + rig.port()).c_str(), 1), 0);
  const auto in_home = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--home", home});
    return weft(words);
  };
  const Ran list = in_home({"paths"});
  EXPECT_EQ(list.code, kDone) << list.err;
  EXPECT_NE(list.out.find("several paths at once"), std::string::npos) << list.out;
  EXPECT_NE(list.out.find("left:links"), std::string::npos) << list.out;
  const Ran explained = in_home({"migrate", "--explain"});
  EXPECT_NE(explained.out.find("Now: leave left:links (degraded)"), std::string::npos) << explained.out;
  EXPECT_EQ(in_home({"paths", "switch", "left:links"}).code, kDone);
  EXPECT_EQ(in_home({"migrate", "--from", "left:links", "--to", "slow"}).code, kDone);
  EXPECT_EQ(in_home({"migrate", "--auto"}).code, kDone);
  EXPECT_EQ(in_home({"paths", "probe", "left:links"}).out, "left:links answers: 730 us\n");
  EXPECT_EQ(daemon.orders(), (std::vector<std::string>{"switch left:links", "from left:links", "to slow", "unpin all",
                                                       "probe left:links"}));
  const Ran late = in_home({"paths", "probe", "slow", "--deadline-ms", "10"});
  expect_one_sentence(late, kWrong);
  EXPECT_NE(late.err.find("deadline-exceeded"), std::string::npos) << late.err;
  for (const auto& wrong : std::vector<std::vector<std::string>>{
           {"paths", "close", "left:links"}, {"paths", "switch", "gone"}, {"paths", "fly", "left:links"}, {"paths", "switch"},
           {"migrate"}, {"migrate", "--from", "left:links"}, {"migrate", "--explain", "--auto"},
           {"paths", "probe", "x", "--deadline-ms", "0"}})
    expect_one_sentence(in_home(wrong), kWrong);
  daemon.steering_value.reset();
  EXPECT_NE(in_home({"paths"}).out.find("no paths"), std::string::npos);
  ::unsetenv("STGUIADDRESS");
}

TEST_F(Cli, PolicyShowsAndSets) {
  api::test::FakeDaemon daemon;
  ASSERT_EQ(init().code, kDone);
  api::ServerConfig server = api::test::Rig::quick_config();
  server.api_key = model::load_config(home)->gui.api_key;
  api::test::Rig rig(daemon, server);
  ASSERT_EQ(::setenv("STGUIADDRESS", ("127.0.0.1:" + rig.port()).c_str(), 1), 0);
  EXPECT_EQ(weft({"policy", "--home", home}).out, "rate\n");
  EXPECT_EQ(weft({"policy", "ecf", "--home", home}).out, "ecf\n");
  EXPECT_EQ(weft({"policy", "--home", home}).out, "ecf\n");
  const Ran unknown = weft({"policy", "fastest", "--home", home});
  expect_one_sentence(unknown, kWrong);
  EXPECT_NE(unknown.err.find("min-rtt"), std::string::npos) << unknown.err;
  daemon.datapath_value.running = false;
  const Ran without = weft({"policy", "rate", "--home", home});
  ::unsetenv("STGUIADDRESS");
  expect_one_sentence(without, kWrong);
  EXPECT_NE(without.err.find("[[port]]"), std::string::npos) << without.err;
}

TEST_F(Cli, PortsAreAddedAndRemoved) {
  ASSERT_EQ(init().code, kDone);
  api::test::FakeDaemon daemon;
  auto server = api::test::Rig::quick_config();
  server.api_key = model::load_config(home)->gui.api_key;
  api::test::Rig rig(daemon, server);
  ::setenv("STGUIADDRESS", ("127.0.0.1:" + rig.port()).c_str(), 1);
  const Ran added = weft({"port", "add", "east", "--device", "net_memif1", "--address", "10.2.0.1/24", "--address",
                          "fd00::1/64", "--mtu", "9000", "--to", "left", "--home", home});
  EXPECT_EQ(added.code, kDone) << added.err;
  EXPECT_NE(added.out.find("weft.toml:\n\n[[port]]\n"), std::string::npos) << added.out;
  EXPECT_EQ(daemon.last_port().mtu, 9000);
  EXPECT_TRUE(daemon.last_port().v4 && daemon.last_port().v6);
  EXPECT_EQ(daemon.last_port().to, std::vector<std::string>{"left"});
  const Ran again = weft({"port", "add", "broken", "--home", home});
  EXPECT_EQ(again.out, "port broken is open\n");
  const Ran removed = weft({"port", "remove", "left", "--home", home});
  EXPECT_EQ(removed.code, kDone) << removed.err;
  const Ran clash = weft({"port", "add", "x", "--device", "net_memif1", "--address", "10.1.0.1/24", "--home", home});
  const Ran no_such = weft({"port", "remove", "no/such", "--home", home});
  ::unsetenv("STGUIADDRESS");
  expect_one_sentence(clash, kWrong);
  EXPECT_NE(clash.err.find("give each port its own"), std::string::npos) << clash.err;
  expect_one_sentence(no_such, kWrong);
  EXPECT_NE(no_such.err.find("no such port"), std::string::npos) << no_such.err;
  expect_one_sentence(weft({"port", "add", "--home", home}), kWrong);
  EXPECT_EQ(daemon.orders(), (std::vector<std::string>{"add east", "reopen broken", "remove left"}));
}

TEST(StatusText, RefusesForeignAnswers) {
  EXPECT_FALSE(status_text({"", "", ""}).has_value());
  EXPECT_FALSE(status_text({"{}", "{\"paths\":[]}", "{}"}).has_value());
  EXPECT_FALSE(status_text({"[1]", "{\"paths\":3}", "null"}).has_value());
}

TEST(TableText, AlignsByCharactersAndMakesNamesSafe) {
  EXPECT_EQ(table_text({{"A", "B"}, {"äö", "x"}}), "  A   B\n  äö  x\n");
  EXPECT_EQ(safe_text("a\x1b[31m\nb"), "a?[31m?b");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(rate_text(112'300'000), "112.3 MB/s");
  EXPECT_EQ(micros_text(0), "-");
  EXPECT_EQ(duration_text(3 * 86400 + 7200), "3 d 2 h");
}

}  // namespace
}  // namespace weft::cli
