// Homes shared with stock Syncthing, both ways. Skipped where it is not installed.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bep/model/config_xml.hh"
#include "bep/proto/device_id.hh"
#include "tests/unit/model/temp_home.hh"

namespace weft::model {
namespace {

struct Ran {
  int status = -1;
  std::string output;
};
// `command` is made of our own words and temporary paths only.
Ran run(const std::string& command) {
  Ran ran;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    ran.output.append(buffer.data(), n);
  ran.status = ::pclose(pipe);
  return ran;
}

class ConfigStock : public testing::Test {
 protected:
  void SetUp() override {
    if (run("command -v syncthing").status != 0) GTEST_SKIP() << "syncthing is not installed";
  }
  // Makes certificate and configuration as stock does; returns our device ID.
  base::DeviceId generate() {
    const Ran made = run("HOME=" + home.path().string() +
                         " STNOUPGRADE=1 syncthing generate --home " + home.path().string());
    EXPECT_EQ(made.status, 0) << made.output;
    const Ran shown = run("HOME=" + home.path().string() + " syncthing --device-id --home " +
                          home.path().string());
    const auto id = proto::parse_device_id(shown.output.substr(0, shown.output.find('\n')));
    EXPECT_TRUE(id) << shown.output;
    return id ? *id : base::DeviceId{};
  }
  TempHome home;
};

TEST_F(ConfigStock, AGeneratedHomeLoadsAsItIs) {
  const base::DeviceId id = generate();
  auto config = load_config(home.path());
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->version, 36);
  ASSERT_EQ(config->devices.size(), 1u);
  EXPECT_EQ(config->devices[0].id, id);
  ASSERT_EQ(config->folders.size(), 1u);
  EXPECT_EQ(config->folders[0].id, "default");
  EXPECT_EQ(config->folders[0].path, home.path() / "Sync");
  EXPECT_TRUE(config->folders[0].refusal.empty()) << config->folders[0].refusal;
  EXPECT_EQ(config->gui.api_key.size(), 32u);
  EXPECT_EQ(config->options.listen_addresses, std::vector<std::string>{"tcp://0.0.0.0:22000"});
  EXPECT_TRUE(config->notices.empty());
  EXPECT_TRUE(prepare(*config, id, "me"));
  EXPECT_EQ(config->devices.size(), 1u);
}

// Stock reads our file and writes it anew while starting its command line tool on a running
// instance's behalf, so serve it for a moment and ask: it must know the folder, the device and each
// explicit value.
TEST_F(ConfigStock, StockServesAHomeOfOurs) {
  const base::DeviceId id = generate();
  std::filesystem::remove(home.path() / "config.xml");
  NewHome wanted;
  wanted.self = id;
  wanted.name = "ours";
  wanted.listen = {};
  wanted.gui_address = (home.path() / "gui.sock").string();
  ASSERT_TRUE(create_config(home.path(), wanted));
  // The socket keeps the test off all ports. weft itself refuses it, so it is put in after our
  // edits.
  const std::string socket = home.read("config.xml");
  std::string tcp = socket;
  tcp.replace(tcp.find(wanted.gui_address), wanted.gui_address.size(), "127.0.0.1:8384");
  home.write("config.xml", tcp);
  base::DeviceId peer{};
  peer.fill(std::byte{7});
  ASSERT_TRUE(add_device(home.path(), {peer, "peer", {"tcp://127.0.0.1:9"}, Compression::kAlways}));
  NewFolder folder;
  folder.id = "docs";
  folder.path = (home.path() / "docs").string();
  folder.type = FolderType::kSendOnly;
  folder.devices = {id, peer};
  ASSERT_TRUE(add_folder(home.path(), folder));
  std::string text = home.read("config.xml");
  text.replace(text.find("127.0.0.1:8384"), 14, wanted.gui_address);
  home.write("config.xml", text);

  const std::string dir = home.path().string();
  const std::string script = "cd " + dir + " && export HOME=" + dir +
                             " STNOUPGRADE=1 STNORESTART=1 && "
                             "{ syncthing serve --home " +
                             dir +
                             " --no-browser --no-restart > log 2>&1 & pid=$!; "
                             "i=0; while [ $i -lt 200 ] && ! [ -S gui.sock ] && kill -0 $pid; do "
                             "i=$((i+1)); sleep 0.1; done; "
                             "curl -s --max-time 20 --retry 20 --retry-all-errors --retry-delay 1 "
                             "--unix-socket gui.sock -H 'X-API-Key: '$(sed -n "
                             "'s/.*<apikey>\\(.*\\)<.apikey>.*/\\1/p' config.xml) "
                             "http://localhost/rest/config; kill $pid; wait $pid; }";
  if (run("command -v curl").status != 0) GTEST_SKIP() << "curl is not installed";
  const Ran ran = run(script);
  for (const char* part :
       {"\"version\": 36", "\"docs\"", "\"sendonly\"", "\"maxConflicts\": 10", "\"always\"",
        "\"tcp://127.0.0.1:9\"", "\"fsWatcherEnabled\": true", "\"globalAnnounceEnabled\": false",
        "\"crashReportingEnabled\": false", "\"ours\""})
    EXPECT_NE(ran.output.find(part), std::string::npos) << part << "\n"
                                                        << ran.output << home.read("log");
}

}  // namespace
}  // namespace weft::model
