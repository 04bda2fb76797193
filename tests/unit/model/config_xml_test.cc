#include "bep/model/config_xml.hh"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "bep/proto/device_id.hh"
#include "tests/unit/model/temp_home.hh"

namespace weft::model {
namespace {

base::DeviceId device(int number) {
  base::DeviceId id{};
  for (std::size_t i = 0; i < id.size(); ++i)
    id[i] = static_cast<std::byte>(i * 7 + static_cast<std::size_t>(number));
  return id;
}
std::string id_text(int number) {
  return proto::to_text(device(number));
}

std::string with_version(const std::string& body) {
  return "<configuration version=\"36\">\n" + body + "</configuration>\n";
}
std::string device_xml(int number, const std::string& inside = "",
                       const std::string& attributes = "") {
  return "<device id=\"" + id_text(number) + "\" name=\"d" + std::to_string(number) + "\" " +
         attributes + ">" + inside + "</device>\n";
}
std::string folder_xml(const std::string& attributes, const std::string& inside = "") {
  return "<folder id=\"f\" path=\"/srv/f\" " + attributes + ">" + inside + "</folder>\n";
}

std::string error_of(const std::string& text) {
  const TempHome home;
  home.write("config.xml", text);
  const auto config = load_config(home.path());
  return config ? "no error" : config.error();
}
Config load(const std::string& text) {
  const TempHome home;
  home.write("config.xml", text);
  auto config = load_config(home.path());
  EXPECT_TRUE(config) << config.error();
  return config ? *config : Config{};
}

TEST(ConfigXml, MissingElementsHaveDefaults) {
  const Config config = load(with_version(device_xml(1) + folder_xml("")));
  EXPECT_EQ(config.version, 36);
  ASSERT_EQ(config.devices.size(), 1u);
  const DeviceConfig& d = config.devices[0];
  EXPECT_EQ(d.id, device(1));
  EXPECT_EQ(d.name, "d1");
  EXPECT_EQ(d.addresses, std::vector<std::string>{"dynamic"});
  EXPECT_EQ(d.compression, Compression::kMetadata);
  EXPECT_FALSE(d.paused);
  ASSERT_EQ(config.folders.size(), 1u);
  const FolderConfig& f = config.folders[0];
  EXPECT_EQ(f.path, "/srv/f");
  EXPECT_EQ(f.type, FolderType::kSendReceive);
  EXPECT_EQ(f.rescan_interval_s, 3600);
  EXPECT_TRUE(f.fs_watcher_enabled);
  EXPECT_EQ(f.marker_name, ".stfolder");
  EXPECT_EQ(f.conflicts_max, 10);
  EXPECT_TRUE(f.fsync);
  EXPECT_EQ(f.order, PullOrder::kRandom);
  EXPECT_TRUE(f.refusal.empty());
  EXPECT_TRUE(config.gui.enabled);
  EXPECT_EQ(config.gui.address, "127.0.0.1:8384");
  EXPECT_EQ(config.options.listen_addresses, std::vector<std::string>{"tcp://0.0.0.0:22000"});
  EXPECT_EQ(config.options.reconnection_interval_s, 60);
  EXPECT_TRUE(config.options.multipath_enabled);
  EXPECT_EQ(config.options.adaptive_keep_alive_max_s, 120);
}

TEST(ConfigXml, ReadsWhatIsThere) {
  const Config config = load(with_version(
      device_xml(
          1,
          "<address> tcp://10.0.0.1:1 </address><address>dynamic</address><paused>true</paused>"
          "<maxRequestKiB>64</maxRequestKiB>",
          "compression=\"always\" certName=\"other\"") +
      device_xml(2) +
      "<folder id=\"zz\" path=\"/srv/z/../y/\" type=\"receiveonly\" label=\"L\" "
      "rescanIntervalS=\"60\" "
      "fsWatcherEnabled=\"false\" ignorePerms=\"1\"><device id=\"" +
      id_text(2) + "\"/><device id=\"" + id_text(1) + "\"/><device id=\"" + id_text(2) +
      "\"/><paused>true</paused><maxConflicts>-1</maxConflicts>"
      "<disableFsync>true</disableFsync><order>newestFirst</order><markerName>.mark</markerName></"
      "folder>\n"
      "<folder id=\"aa\" path=\"~/a\" type=\"readonly\" fsWatcherDelayS=\"0.5\"/>"
      "<gui enabled=\"false\"><address>127.0.0.1:1</address><apikey>secret</apikey></gui>"
      "<options><listenAddress>tcp://127.0.0.1:5</listenAddress><listenAddress>default</"
      "listenAddress>"
      "<reconnectionIntervalS>1</reconnectionIntervalS><multipathEnabled>false</multipathEnabled></"
      "options>"));
  EXPECT_EQ(config.devices[0].addresses, (std::vector<std::string>{"tcp://10.0.0.1:1", "dynamic"}));
  EXPECT_EQ(config.devices[0].compression, Compression::kAlways);
  EXPECT_EQ(config.devices[0].cert_name, "other");
  EXPECT_TRUE(config.devices[0].paused);
  EXPECT_EQ(config.devices[0].request_kib_max, 64);
  ASSERT_EQ(config.folders.size(), 2u);
  EXPECT_EQ(config.folders[0].id, "aa") << "sorted by id";
  EXPECT_EQ(config.folders[0].path, std::filesystem::path(getenv("HOME")) / "a");
  EXPECT_EQ(config.folders[0].type, FolderType::kSendOnly);
  EXPECT_EQ(config.folders[0].fs_watcher_delay_s, 1);
  const FolderConfig& z = config.folders[1];
  EXPECT_EQ(z.path, "/srv/y");
  EXPECT_EQ(z.type, FolderType::kReceiveOnly);
  EXPECT_EQ(z.label, "L");
  EXPECT_EQ(z.rescan_interval_s, 60);
  EXPECT_FALSE(z.fs_watcher_enabled);
  EXPECT_TRUE(z.ignore_perms);
  EXPECT_TRUE(z.paused);
  EXPECT_EQ(z.conflicts_max, -1);
  EXPECT_FALSE(z.fsync);
  EXPECT_EQ(z.order, PullOrder::kNewestFirst);
  EXPECT_EQ(z.marker_name, ".mark");
  EXPECT_EQ(z.devices.size(), 2u);
  EXPECT_TRUE(std::is_sorted(z.devices.begin(), z.devices.end()));
  EXPECT_FALSE(config.gui.enabled);
  EXPECT_EQ(config.gui.api_key, "secret");
  EXPECT_EQ(config.options.listen_addresses,
            (std::vector<std::string>{"tcp://127.0.0.1:5", "tcp://0.0.0.0:22000"}));
  EXPECT_EQ(config.options.reconnection_interval_s, 5) << "at least 5, as stock";
  EXPECT_FALSE(config.options.multipath_enabled);
}

TEST(ConfigXml, AnEmptyListenAddressMeansNone) {
  EXPECT_TRUE(load(with_version("<options><listenAddress></listenAddress></options>"))
                  .options.listen_addresses.empty());
}

struct Wrong {
  std::string text;
  const char* names;  // the element
  const char* remedy;
};

TEST(ConfigXml, RefusesInOneSentence) {
  const std::string d1 = device_xml(1);
  const Wrong cases[] = {
      {"<configuration version=\"36\"><folder>", "config.xml:1: not well-formed",
       "correct this line"},
      {"<config/>", "<configuration>", "backup"},
      {"", "config.xml:1: ", "backup"},
      {"<configuration/>", "version 0", "version=\"36\""},
      {"<configuration version=\"53\"/>", "version 53", "newer weft"},
      {"<configuration version=\"x\"/>", "version", "whole number"},
      {with_version("<device id=\"abc\"/>"), "config.xml:2: <device id=\"abc\">", "weft id"},
      {with_version("<device id=\"\"/>"), "<device id=\"\">", "not a device ID"},
      {with_version("<device/>"), "<device>", "not a device ID"},
      {with_version(d1 + d1), "config.xml:3: <device", "remove one"},
      {with_version(device_xml(1, "<paused>maybe</paused>")), "<paused> is \"maybe\"",
       "true or false"},
      {with_version(device_xml(1, "", "compression=\"zip\"")), "compression is \"zip\"",
       "metadata, always or never"},
      {with_version(device_xml(1, "<maxRequestKiB>x</maxRequestKiB>")), "<maxRequestKiB> is \"x\"",
       "whole number"},
      {with_version(device_xml(1, "<numConnections>129</numConnections>")), "<numConnections>",
       "to 128"},
      {with_version(device_xml(1, "<allowedNetwork>10.0.0.0/8</allowedNetwork>")),
       "<allowedNetwork>", "firewall"},
      {with_version("<folder id=\"\" path=\"/a\"/>"), "<folder id=\"\">", "give the folder an id"},
      {with_version("<folder path=\"/a\"/>"), "<folder>", "give the folder an id"},
      {with_version("<folder id=\"a\" path=\"\"/>"), "<folder id=\"a\">: path is empty",
       "directory"},
      {with_version("<folder id=\"a\"/>"), "<folder id=\"a\">: path is empty", "directory"},
      {with_version("<folder id=\"a\" path=\"/a\"/>\n<folder id=\"a\" path=\"/b\"/>"),
       "config.xml:3: <folder id=\"a\">", "another id"},
      {with_version("<folder id=\"a\" path=\"/a\"/>\n<folder id=\"b\" path=\"/c/../a/\"/>"),
       "folder \"a\"", "another path"},
      {with_version(folder_xml("type=\"receiveencrypted\"")), "receiveencrypted", "another type"},
      {with_version(folder_xml("type=\"both\"")), "type is \"both\"", "sendreceive"},
      {with_version(folder_xml("rescanIntervalS=\"often\"")), "rescanIntervalS is \"often\"",
       "whole number"},
      {with_version(folder_xml("rescanIntervalS=\"-1\"")), "rescanIntervalS", "from 0"},
      {with_version(folder_xml("fsWatcherDelayS=\"soon\"")), "fsWatcherDelayS", "seconds"},
      {with_version(folder_xml("ignorePerms=\"yes\"")), "ignorePerms is \"yes\"", "true or false"},
      {with_version(folder_xml("", "<order>mine</order>")), "<order> is \"mine\"", "alphabetic"},
      {with_version(folder_xml("", "<maxConflicts>1e9</maxConflicts>")), "<maxConflicts>",
       "whole number"},
      {with_version(folder_xml("", "<maxConflicts>99999999999999999999</maxConflicts>")),
       "<maxConflicts>", "whole number"},
      {with_version(folder_xml("", "<device id=\"nobody\"/>")),
       "<folder id=\"f\"> <device id=\"nobody\">", "device ID"},
      {with_version("<gui tls=\"true\"/>"), "<gui>: tls", "false"},
      {with_version("<gui><address>/run/gui.sock</address></gui>"), "<gui>: <address>",
       "HOST:PORT"},
      {with_version("<options><reconnectionIntervalS>x</reconnectionIntervalS></options>"),
       "<options>: <reconnectionIntervalS>", "whole"},
      {with_version(
           "<options><connectionStabilityMinScore>101</connectionStabilityMinScore></options>"),
       "connectionStabilityMinScore", "100"},
      {with_version("<options><randomPortRangeStart>9</randomPortRangeStart><randomPortRangeEnd>8</"
                    "randomPortRangeEnd></options>"),
       "randomPortRangeStart", "smaller"},
      {with_version("<options><adaptiveKeepAliveMinS>300</adaptiveKeepAliveMinS></options>"),
       "adaptiveKeepAliveMinS", "smaller"},
  };
  for (const Wrong& wrong : cases) {
    const std::string error = error_of(wrong.text);
    EXPECT_NE(error.find("config.xml"), std::string::npos) << wrong.text << "\n" << error;
    EXPECT_NE(error.find(wrong.names), std::string::npos) << wrong.text << "\n" << error;
    EXPECT_NE(error.find(wrong.remedy), std::string::npos) << wrong.text << "\n" << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

TEST(ConfigXml, MissingFileSaysHowToMakeOne) {
  const TempHome home;
  const auto config = load_config(home.path());
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().find("weft init"), std::string::npos) << config.error();
}

TEST(ConfigXml, FoldersThatWouldCostDataOrSecrecyDoNotStart) {
  const auto refusal = [](const std::string& inside, const std::string& device_inside = "") {
    const Config config = load(with_version(device_xml(1, device_inside) + folder_xml("", inside)));
    return config.folders.empty() ? "" : config.folders[0].refusal;
  };
  const std::string shared = "<device id=\"" + id_text(1) + "\">";
  EXPECT_EQ(refusal("<versioning><cleanupIntervalS>3600</cleanupIntervalS></versioning>"), "");
  EXPECT_NE(refusal("<versioning type=\"simple\"/>").find("\"simple\""), std::string::npos);
  EXPECT_EQ(refusal("<ignoreDelete>false</ignoreDelete>"), "");
  EXPECT_NE(refusal("<ignoreDelete>true</ignoreDelete>").find("ignoreDelete"), std::string::npos);
  EXPECT_EQ(refusal("<modTimeWindowS>0</modTimeWindowS>"), "");
  EXPECT_NE(refusal("<modTimeWindowS>2</modTimeWindowS>").find("modTimeWindowS"),
            std::string::npos);
  EXPECT_NE(refusal("<filesystemType>fake</filesystemType>").find("basic"), std::string::npos);
  EXPECT_EQ(refusal(shared + "<encryptionPassword></encryptionPassword></device>"), "");
  EXPECT_NE(refusal(shared + "<encryptionPassword>pw</encryptionPassword></device>").find("d1"),
            std::string::npos);
  EXPECT_EQ(refusal(shared + "<encryptionPassword>pw</encryptionPassword></device>").find("pw"),
            std::string::npos);
  EXPECT_NE(refusal(shared + "</device>", "<untrusted>true</untrusted>").find("d1"),
            std::string::npos);
}

TEST(ConfigXml, WhatHasNoEffectYetIsNamed) {
  const auto notices = [](const std::string& body) {
    std::string all;
    for (const std::string& notice : load(with_version(body)).notices) all += notice + "\n";
    return all;
  };
  EXPECT_EQ(notices(device_xml(1) + folder_xml("")), "");
  EXPECT_NE(notices("<options><connectionPriorityQuicLan>5</connectionPriorityQuicLan></options>").find("QUIC"),
            std::string::npos);
  EXPECT_EQ(notices("<options><connectionPriorityQuicLan>20</connectionPriorityQuicLan></options>"), "");
  EXPECT_NE(notices("<options><maxSendKbps>6</maxSendKbps></options>").find("rate limit"),
            std::string::npos);
  EXPECT_NE(
      notices("<options><listenAddress>quic://0.0.0.0:1</listenAddress></options>").find("quic"),
      std::string::npos);
  for (const char* usual : {"<minDiskFree unit=\"%\">1</minDiskFree>",
                            "<minDiskFree unit=\"\">0</minDiskFree>"})
    EXPECT_EQ(notices(device_xml(1) + folder_xml("", usual)), "") << usual;
  for (const char* wanted : {"<minDiskFree unit=\"%\">5</minDiskFree>",
                             "<minDiskFree unit=\"GB\">1</minDiskFree>"})
    EXPECT_NE(notices(folder_xml("", wanted)).find("minDiskFree"), std::string::npos) << wanted;
  EXPECT_NE(notices("<gui><user>me</user></gui>").find("API key"), std::string::npos);
  EXPECT_NE(notices(device_xml(1, "", "introducer=\"true\"")).find("introducer"),
            std::string::npos);
  EXPECT_NE(notices(device_xml(1, "<maxRecvKbps>5</maxRecvKbps>")).find("rate limit"),
            std::string::npos);
  EXPECT_NE(notices(folder_xml("", "<device id=\"" + id_text(3) + "\"/>")).find("left out"),
            std::string::npos);
}

TEST(ConfigXml, NumConnectionsIsSyncthings) {
  const auto connections = [](const std::string& inside) {
    return load(with_version(device_xml(1, inside))).devices.at(0).connections;
  };
  EXPECT_EQ(connections(""), 3);
  EXPECT_EQ(connections("<numConnections>0</numConnections>"), 3);
  EXPECT_EQ(connections("<numConnections>-1</numConnections>"), 1);
  EXPECT_EQ(connections("<numConnections>1</numConnections>"), 1);
  EXPECT_EQ(connections("<numConnections>128</numConnections>"), 128);
}

TEST(ConfigXml, CreatesOnceAndReadsBack) {
  const TempHome home;
  NewHome wanted;
  wanted.self = device(1);
  wanted.name = "me & you";
  wanted.listen = {"tcp://127.0.0.1:7"};
  wanted.gui_address = "127.0.0.1:8";
  ASSERT_TRUE(create_config(home.path(), wanted));
  struct stat info {};
  ASSERT_EQ(::stat((home.path() / "config.xml").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u) << "it holds the API key";
  const auto config = load_config(home.path());
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->version, 36);
  EXPECT_EQ(config->gui.address, "127.0.0.1:8");
  EXPECT_EQ(config->gui.api_key.size(), 32u);
  EXPECT_EQ(config->options.listen_addresses, std::vector<std::string>{"tcp://127.0.0.1:7"});
  ASSERT_NE(config->device(device(1)), nullptr);
  EXPECT_EQ(config->device(device(1))->name, "me & you");
  EXPECT_TRUE(config->notices.empty());
  const auto again = create_config(home.path(), wanted);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().find("exists already"), std::string::npos);
  const TempHome other;
  ASSERT_TRUE(create_config(other.path(), wanted));
  EXPECT_NE(load_config(other.path())->gui.api_key, config->gui.api_key);
}

TEST(ConfigXml, EditsKeepWhatWeDoNotKnow) {
  const TempHome home;
  home.write("config.xml",
             with_version("    <!-- mine -->\n" + device_xml(1, "<future a=\"1\">x</future>") +
                          "<mystery><inner/></mystery>\n"));
  ASSERT_TRUE(
      add_device(home.path(), {device(2), "two", {"tcp://10.0.0.2:22000"}, Compression::kNever}));
  NewFolder folder;
  folder.id = "docs";
  folder.label = "Docs";
  folder.path = "/srv/docs";
  folder.type = FolderType::kReceiveOnly;
  folder.devices = {device(1)};
  ASSERT_TRUE(add_folder(home.path(), folder));
  ASSERT_TRUE(share_folder(home.path(), "docs", device(2)));
  const std::string once = home.read("config.xml");
  ASSERT_TRUE(share_folder(home.path(), "docs", device(2)));
  EXPECT_EQ(home.read("config.xml"), once);
  for (const char* kept : {"<!-- mine -->", "<future a=\"1\">x</future>", "<mystery>", "<inner"})
    EXPECT_NE(once.find(kept), std::string::npos) << kept << "\n" << once;
  const auto config = load_config(home.path());
  ASSERT_TRUE(config) << config.error();
  ASSERT_EQ(config->devices.size(), 2u);
  EXPECT_EQ(config->device(device(2))->compression, Compression::kNever);
  EXPECT_EQ(config->device(device(2))->addresses, std::vector<std::string>{"tcp://10.0.0.2:22000"});
  ASSERT_EQ(config->folders.size(), 1u);
  EXPECT_EQ(config->folders[0].devices.size(), 2u);
  EXPECT_EQ(config->folders[0].type, FolderType::kReceiveOnly);
  EXPECT_EQ(config->folders[0].conflicts_max, 10);
}

TEST(ConfigXml, EditsThatCannotBeLeaveTheFileAlone) {
  const TempHome home;
  home.write("config.xml", with_version(device_xml(1) + folder_xml("")));
  const std::string before = home.read("config.xml");
  EXPECT_FALSE(add_device(home.path(), {device(1), "again", {}, Compression::kMetadata}));
  NewFolder folder;
  folder.id = "f";
  folder.path = "/elsewhere";
  EXPECT_FALSE(add_folder(home.path(), folder)) << "id in use";
  folder.id = "g";
  folder.path = "/srv/x/../f/";
  EXPECT_FALSE(add_folder(home.path(), folder)) << "path in use";
  folder.path = "";
  EXPECT_FALSE(add_folder(home.path(), folder));
  folder.path = "/srv/g";
  folder.devices = {device(2)};
  EXPECT_FALSE(add_folder(home.path(), folder)) << "unknown device";
  folder.id = "";
  EXPECT_FALSE(add_folder(home.path(), folder));
  EXPECT_FALSE(share_folder(home.path(), "g", device(1)));
  EXPECT_FALSE(share_folder(home.path(), "f", device(2)));
  EXPECT_EQ(home.read("config.xml"), before);
}

}  // namespace
}  // namespace weft::model
