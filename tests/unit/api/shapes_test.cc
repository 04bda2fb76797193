// The shapes that clients of Syncthing count on: every key is there and of its type; and weft's own.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bep/proto/device_id.hh"
#include "engine/api/url.hh"
#include "engine/base/log.hh"
#include "tests/unit/api/rig.hh"

namespace weft::api {
namespace {

using Json = nlohmann::json;
using test::kAway, test::kPeer, test::kSelf;

class Shapes : public ::testing::Test {
 protected:
  Json get(const std::string& target) {
    const cli::HttpReply reply = rig.get(target);
    EXPECT_EQ(reply.status, 200u) << target << ": " << reply.body;
    EXPECT_EQ(reply.body.substr(0, 2), "{\n");
    EXPECT_EQ(reply.body.back(), '\n');
    return Json::parse(reply.body, nullptr, false);
  }
  static void expect_types(const Json& json, const Json& example) {
    for (const auto& [key, value] : example.items()) {
      ASSERT_TRUE(json.contains(key)) << key;
      EXPECT_STREQ(json[key].type_name(), value.type_name()) << key << ": " << json[key];
      EXPECT_EQ(json[key].is_number_float(), value.is_number_float()) << key << ": " << json[key];
    }
  }
  const std::string peer = proto::to_text(kPeer), self = proto::to_text(kSelf), away = proto::to_text(kAway);
  test::FakeDaemon daemon;
  test::Rig rig{daemon};
};

TEST_F(Shapes, Ping) {
  EXPECT_EQ(get("/rest/system/ping"), Json({{"ping", "pong"}}));
  EXPECT_EQ(Json::parse(rig.post("/rest/system/ping").body), Json({{"ping", "pong"}}));
  EXPECT_EQ(get("/rest/noauth/health"), Json({{"status", "OK"}}));
}

TEST_F(Shapes, SystemStatus) {
  const Json json = get("/rest/system/status");
  expect_types(json, {{"alloc", 1}, {"sys", 1}, {"goroutines", 1}, {"cpuPercent", 1}, {"myID", ""},
                      {"pathSeparator", ""}, {"startTime", ""}, {"uptime", 1}, {"tilde", ""}, {"urVersionMax", 1},
                      {"guiAddressUsed", ""}, {"guiAddressOverridden", false},
                      {"connectionServiceStatus", Json::object()}, {"lastDialStatus", Json::object()}});
  EXPECT_EQ(json["myID"], self);
  EXPECT_EQ(json["startTime"], "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(json["uptime"], 61);
  EXPECT_GT(json["alloc"], 0);
  EXPECT_EQ(json["guiAddressUsed"], "127.0.0.1:" + rig.port());
  EXPECT_TRUE(json["connectionServiceStatus"]["tcp://0.0.0.0:22000"]["error"].is_null());
  EXPECT_TRUE(json["connectionServiceStatus"]["tcp://0.0.0.0:22000"]["lanAddresses"].is_array());
  EXPECT_EQ(json["connectionServiceStatus"]["tcp://0.0.0.0:1"]["error"], "permission denied");
  EXPECT_EQ(json["lastDialStatus"]["tcp://192.0.2.1:22000"]["error"], "connection refused");
}

TEST_F(Shapes, Version) {
  expect_types(get("/rest/system/version"),
               {{"arch", ""}, {"codename", ""}, {"date", ""}, {"isBeta", true}, {"isCandidate", true},
                {"isRelease", true}, {"longVersion", ""}, {"os", ""}, {"stamp", ""}, {"tags", Json::array()},
                {"user", ""}, {"version", ""}});
}

TEST_F(Shapes, Connections) {
  const Json json = get("/rest/system/connections");
  ASSERT_EQ(json["connections"].size(), 3u);
  for (const auto& [id, connection] : json["connections"].items())
    expect_types(connection, {{"at", ""}, {"startedAt", ""}, {"inBytesTotal", 1}, {"outBytesTotal", 1},
                              {"connected", true}, {"paused", true}, {"clientVersion", ""}, {"address", ""},
                              {"type", ""}, {"crypto", ""}});
  EXPECT_EQ(json["connections"][peer]["connected"], true);
  EXPECT_EQ(json["connections"][peer]["type"], "tcp-client");
  EXPECT_EQ(json["connections"][peer]["clientVersion"], "v1.19.2");
  EXPECT_EQ(json["connections"][peer]["startedAt"], "2023-11-14T22:13:23.000Z");
  EXPECT_EQ(json["connections"][peer]["inBytesTotal"], 10) << "of both links";
  const Json link{{"at", ""}, {"startedAt", ""}, {"inBytesTotal", 1}, {"outBytesTotal", 1}, {"address", ""}, {"type", ""},
                  {"crypto", ""}};
  expect_types(json["connections"][peer]["primary"], link);
  ASSERT_EQ(json["connections"][peer]["secondary"].size(), 1u);
  expect_types(json["connections"][peer]["secondary"][0], link);
  EXPECT_FALSE(json["connections"][away].contains("primary"));
  EXPECT_EQ(json["connections"][away]["at"], "0001-01-01T00:00:00Z");
  EXPECT_EQ(json["connections"][self]["connected"], false);
  EXPECT_EQ(json["total"]["inBytesTotal"], 77);
  EXPECT_EQ(json["total"]["outBytesTotal"], 88);
}

TEST_F(Shapes, FolderStatus) {
  const Json json = get("/rest/db/status?folder=docs");
  Json example{{"errors", 1}, {"pullErrors", 1}, {"invalid", ""}, {"version", 1}, {"sequence", 1},
               {"globalDeleted", 1}, {"localDeleted", 1}, {"needDeletes", 1}, {"inSyncFiles", 1}, {"inSyncBytes", 1},
               {"state", ""}, {"stateChanged", ""}, {"ignorePatterns", true}};
  for (const std::string scope : {"global", "local", "need"})
    for (const char* what : {"Files", "Directories", "Symlinks", "Bytes", "TotalItems"}) example[scope + what] = 1;
  expect_types(json, example);
  EXPECT_EQ(json["state"], "syncing");
  EXPECT_EQ(json["globalFiles"], 10);
  EXPECT_EQ(json["globalTotalItems"], 16);     // with the deleted ones
  EXPECT_EQ(json["needDeletes"], 1);
  EXPECT_EQ(json["inSyncFiles"], 7);
  EXPECT_EQ(json["inSyncBytes"], 3000);
  EXPECT_FALSE(json.contains("receiveOnlyTotalItems"));
}

TEST(ReceiveOnly, ShowsWhatWasChangedHere) {
  test::FakeDaemon daemon;
  daemon.config_value.folders[0].type = model::FolderType::kReceiveOnly;
  daemon.docs.counts.receive_only_changed = {.files = 2, .directories = 1, .deleted = 1, .bytes = 9};
  test::Rig rig(daemon);
  const Json json = Json::parse(rig.get("/rest/db/status?folder=docs").body);
  EXPECT_EQ(json["receiveOnlyChangedFiles"], 2);
  EXPECT_EQ(json["receiveOnlyChangedDirectories"], 1);
  EXPECT_EQ(json["receiveOnlyChangedSymlinks"], 0);
  EXPECT_EQ(json["receiveOnlyChangedDeletes"], 1);
  EXPECT_EQ(json["receiveOnlyChangedBytes"], 9);
  EXPECT_EQ(json["receiveOnlyTotalItems"], 4);
}

TEST_F(Shapes, PausedAndUnknownFolders) {
  const Json json = get("/rest/db/status?folder=" + percent_encode("paused one"));
  EXPECT_EQ(json["state"], "");
  EXPECT_EQ(json["globalFiles"], 0);
  for (const char* target : {"/rest/db/status?folder=none", "/rest/db/status", "/rest/db/completion?folder=none",
                             "/rest/folder/errors?folder=none"}) {
    EXPECT_EQ(rig.get(target).status, 404u) << target;
    EXPECT_EQ(rig.get(target).body, "no such folder\n") << target;
  }
}

TEST_F(Shapes, Completion) {
  const Json ours = get("/rest/db/completion?folder=docs");
  expect_types(ours, {{"globalBytes", 1}, {"needBytes", 1}, {"globalItems", 1}, {"needItems", 1}, {"needDeletes", 1},
                      {"sequence", 1}, {"remoteState", ""}});
  EXPECT_DOUBLE_EQ(ours["completion"], 75);
  const Json theirs = get("/rest/db/completion?folder=docs&device=" + peer);
  EXPECT_DOUBLE_EQ(theirs["completion"], 100);
  EXPECT_EQ(theirs["remoteState"], "valid");
  EXPECT_EQ(get("/rest/db/completion?folder=docs&device=" + away)["remoteState"], "notSharing");
  EXPECT_EQ(get("/rest/db/completion?device=" + peer)["globalBytes"], 4000);   // over its folders
  EXPECT_EQ(get("/rest/db/completion")["needBytes"], 1000);
  EXPECT_EQ(rig.get("/rest/db/completion?folder=docs&device=nonsense").status, 400u);
  EXPECT_EQ(rig.get("/rest/db/completion?folder=docs&device=" + proto::to_text(test::device_of(9))).status, 404u);
}

TEST_F(Shapes, ErrorsOfItemsWithAnyName) {
  const Json json = get("/rest/folder/errors?folder=docs");
  ASSERT_EQ(json["errors"].size(), 1u);
  EXPECT_EQ(json["errors"][0]["path"], "bad\uFFFDname");   // JSON knows no bytes
  EXPECT_EQ(json["errors"][0]["error"], "no space left on device");
  EXPECT_TRUE(get("/rest/folder/errors?folder=paused%20one")["errors"].is_null());
}

TEST_F(Shapes, ScanIsOrdered) {
  EXPECT_EQ(rig.post("/rest/db/scan?folder=docs&sub=a").status, 200u);
  EXPECT_EQ(rig.post("/rest/db/scan").status, 200u);
  EXPECT_EQ(rig.post("/rest/db/scan?folder=none").status, 404u);
  EXPECT_EQ(rig.post("/rest/db/scan?folder=paused+one").body, "folder is paused\n");
  EXPECT_EQ(daemon.orders(), (std::vector<std::string>{"scan docs", "scan all"}));
}

TEST_F(Shapes, Paths) {
  const Json json = get("/rest/weft/paths");
  ASSERT_EQ(json["paths"].size(), 1u);
  const Json path = json["paths"][0];
  EXPECT_EQ(path["device"], peer);
  EXPECT_EQ(path["path"], 9);
  EXPECT_EQ(path["port"], "left");
  EXPECT_EQ(path["remote_port"], "links");
  EXPECT_EQ(path["local"], "10.1.0.1:22100");
  EXPECT_EQ(path["remote"], "10.1.0.2:22200");
  EXPECT_EQ(path["role"], "primary");
  EXPECT_EQ(path["state"], "active");
  EXPECT_EQ(path["score"], 97);
  EXPECT_EQ(path["score_reason"], "");
  EXPECT_EQ(path["degrading"], false);
  EXPECT_EQ(path["rtt_us"], 200);              // of the quicker lane
  EXPECT_EQ(path["rttvar_us"], 50);
  EXPECT_EQ(path["rate_Bps"], 1500);           // of both
  EXPECT_EQ(path["packets_lost"], 20);         // without the spurious ones
  EXPECT_DOUBLE_EQ(path["loss_permille"], 10);
  EXPECT_EQ(path["silent_ms"], 100);
  EXPECT_EQ(path["bytes_in"], 100'000);
  EXPECT_EQ(path["bytes_out"], 2'000'000);
  EXPECT_EQ(path["retransmitted_bytes"], 1400);
  EXPECT_EQ(path["redundant_bytes"], 200);
  ASSERT_EQ(path["lanes"].size(), 2u);
  EXPECT_EQ(path["lanes"][1]["core"], 1);
}

TEST_F(Shapes, Health) {
  const Json json = get("/rest/weft/health");
  ASSERT_EQ(json["paths"].size(), 1u);
  const Json path = json["paths"][0];
  EXPECT_EQ(path["device"], peer);
  EXPECT_EQ(path["connectionType"], "weft-path");
  EXPECT_EQ(path["state"], "active");
  EXPECT_EQ(path["activity"], "inactive");
  EXPECT_EQ(path["healthScore"], 97);
  EXPECT_EQ(path["reason"], "");
  EXPECT_EQ(path["degrading"], false);
  EXPECT_DOUBLE_EQ(path["latency"], 0.2);      // milliseconds
  EXPECT_DOUBLE_EQ(path["jitter"], 0.05);
  EXPECT_TRUE(path["latencyFloor"].is_null()); // not measured
  EXPECT_DOUBLE_EQ(path["packetLoss"], 1);     // percent
  EXPECT_DOUBLE_EQ(path["keepAliveS"], 2.5);
  EXPECT_NE(path["lastCheck"], "0001-01-01T00:00:00Z");
  ASSERT_EQ(json["links"].size(), 3u);
  EXPECT_EQ(json["links"][1]["primary"], false);
  EXPECT_EQ(json["links"][1]["local"], "10.0.1.1:40000");
  EXPECT_EQ(json["links"][1]["healthScore"], 99);
  const Json link = json["links"][0];
  EXPECT_EQ(link["primary"], true);
  EXPECT_EQ(link["device"], peer);
  EXPECT_EQ(link["connectionType"], "tcp-client");
  EXPECT_EQ(link["state"], "connected");
  EXPECT_EQ(link["healthScore"], 61);
  EXPECT_EQ(link["reason"], "latency 5.0× its floor");
  EXPECT_EQ(link["degrading"], true);
  EXPECT_DOUBLE_EQ(link["latency"], 2.5);
  EXPECT_DOUBLE_EQ(link["latencyFloor"], 0.5);
  EXPECT_DOUBLE_EQ(link["jitter"], 0.3);
  EXPECT_DOUBLE_EQ(link["packetLoss"], 0.4);
  EXPECT_DOUBLE_EQ(link["keepAliveS"], 60);
  const Json gone = json["links"][2];
  EXPECT_EQ(gone["state"], "disconnected");
  EXPECT_EQ(gone["healthScore"], 0);
  EXPECT_EQ(gone["reason"], "no link");
  EXPECT_EQ(gone["lastCheck"], "0001-01-01T00:00:00Z");
  for (const char* figure : {"latency", "latencyFloor", "jitter", "packetLoss", "keepAliveS"})
    EXPECT_TRUE(gone[figure].is_null()) << figure;
}

TEST_F(Shapes, Meter) {
  const Json json = get("/rest/weft/meter");
  EXPECT_EQ(json["now_us"], 5'000'000);
  EXPECT_EQ(json["bytes_verified"], 3000);
  EXPECT_EQ(json["bytes_via_link"], 100);
  EXPECT_EQ(json["last_block_us"], 4'900'000);
  ASSERT_EQ(json["paths"].size(), 1u);
  EXPECT_EQ(json["paths"][0]["port"], "left");
  EXPECT_EQ(json["paths"][0]["state"], "active");
  EXPECT_EQ(json["paths"][0]["retransmitted_bytes"], 1400);
  ASSERT_EQ(json["stalls"].size(), 2u);                    // 1 ms between two blocks is none
  EXPECT_EQ(json["stalls"][0], Json({{"number", 1}, {"began_us", 4'000'000}, {"lasted_us", 34'000}}));
  const Json rest = get("/rest/weft/meter?since=1");
  ASSERT_EQ(rest["stalls"].size(), 1u);
  EXPECT_EQ(rest["stalls"][0]["lasted_us"], 865'000);
  EXPECT_TRUE(get("/rest/weft/meter?since=9")["stalls"].empty());
  EXPECT_EQ(json["gaps"], Json::array({{{"number", 1}, {"began_us", 4'000'000}, {"lasted_us", 7'000}, {"away_us", 5'000}}}));
  EXPECT_TRUE(get("/rest/weft/meter?gaps_since=1")["gaps"].empty());
  EXPECT_EQ(rig.get("/rest/weft/meter?gaps_since=-1").status, 400u);
  EXPECT_EQ(rig.get("/rest/weft/meter?since=one").status, 400u);
}

TEST_F(Shapes, WeftStatus) {
  const Json json = get("/rest/weft/status");
  EXPECT_EQ(json["totals"]["bytes_verified"], 3000);
  EXPECT_EQ(json["totals"]["bytes_via_paths"], 2900);
  EXPECT_EQ(json["totals"]["longest_stall_ms"], 34);
  EXPECT_EQ(json["drops"]["packets"]["tag"], 7);           // summed over cores
  EXPECT_EQ(json["refusals"]["links_closed"][net::name_of(net::CloseReason::kUnknownDevice)], 9);
  EXPECT_EQ(json["cores"].size(), 2u);
  EXPECT_EQ(json["ports"][1]["link_up"], false);
  EXPECT_EQ(json["folders"][0]["completion"], 75.0);
  EXPECT_EQ(json["folders"][0]["devices"][0]["device"], peer);
  EXPECT_EQ(json["transfers"][0],
            Json({{"folder", "docs"}, {"name", "big.bin"}, {"way", "paths"}, {"bytes_total", 900}, {"bytes_done", 300},
                  {"block_bytes", 100}, {"blocks_total", 9}, {"blocks_done", 3}, {"blocks_asked", 2}, {"next_block", 5},
                  {"running_ms", 1500}, {"silent_ms", 20}, {"rate_Bps", 200}}));
  EXPECT_EQ(json["datapath"]["aead"], "openssl");
}

TEST_F(Shapes, APortThatDidNotOpenSaysWhy) {
  daemon.datapath_value.ports[1].error = "port 'right': there is no interface 'eth9'";
  const Json json = get("/rest/weft/status");
  EXPECT_EQ(json["ports"][0]["error"], nullptr);
  EXPECT_EQ(json["ports"][1]["error"], "port 'right': there is no interface 'eth9'");
}

TEST_F(Shapes, APortShowsItsVlanAndWhatItDoesForTheHost) {
  run::PortStatus& port = daemon.datapath_value.ports[0];
  port.vlan = 100;
  port.exception = "weft0";
  port.report.host = {.to_host = 5, .from_host = 6, .to_host_failed = 7, .from_host_dropped = 8};
  const Json json = get("/rest/weft/status");
  EXPECT_EQ(json["ports"][0]["vlan"], 100);
  EXPECT_EQ(json["ports"][0]["host"], Json::parse(R"({"interface": "weft0", "frames_in": 5, "frames_out": 6,
                                                     "failed_in": 7, "dropped_out": 8})"));
  EXPECT_EQ(json["ports"][1]["vlan"], nullptr);
  EXPECT_EQ(json["ports"][1]["host"], nullptr);
}

TEST_F(Shapes, SchedulerShowsAndTakesAPolicy) {
  const std::string target = "/rest/weft/scheduler";
  const auto shown = nlohmann::json::parse(rig.get(target).body);
  EXPECT_EQ(shown["policy"], "rate");
  EXPECT_EQ(shown["policies"].size(), share::kPolicyNames.size());
  for (const char* name : share::kPolicyNames) {
    const cli::HttpReply reply = rig.put(target, std::string(R"({"policy": ")") + name + "\"}");
    EXPECT_EQ(reply.status, 200u) << reply.body;
    EXPECT_EQ(nlohmann::json::parse(reply.body)["policy"], name);
    EXPECT_EQ(nlohmann::json::parse(rig.get(target).body)["policy"], name);
  }
  EXPECT_EQ(daemon.orders().size(), share::kPolicyNames.size());
  EXPECT_EQ(rig.post(target, "{}").status, 405u);
}

TEST_F(Shapes, SchedulerNamesWhatIsWrong) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"policy": "fastest"})", "no such policy"}, {R"({"policy": 1})", "a name in quotes"},
      {"{}", "a name in quotes"},                     {R"({"polici": "ecf"})", "polici: unknown"},
      {"[]", "not a JSON object"},                    {"", "not a JSON object"}};
  for (const auto& [body, words] : cases) {
    const cli::HttpReply reply = rig.put("/rest/weft/scheduler", body);
    EXPECT_EQ(reply.status, 400u) << body;
    EXPECT_NE(reply.body.find(words), std::string::npos) << body << " -> " << reply.body;
  }
  EXPECT_TRUE(daemon.orders().empty());
}

class LogLevelsApi : public Shapes {
 public:
  ~LogLevelsApi() override { base::configure_log(base::all_at(base::LogLevel::kInfo), base::LogFormat::kText); }
};

TEST_F(LogLevelsApi, ShowWhatThereIsAndTakeWhatIsGiven) {
  const std::string target = "/rest/system/loglevels";
  const auto shown = nlohmann::json::parse(rig.get(target).body);
  EXPECT_EQ(shown["levels"].size(), base::kSubsystemNames.size());
  EXPECT_EQ(shown["packages"].size(), base::kSubsystemNames.size());
  EXPECT_EQ(shown["levels"]["paths"], "INFO");
  const cli::HttpReply reply = rig.post(target, R"({"paths": "DEBUG", "links": "warn"})");
  EXPECT_EQ(reply.status, 200u) << reply.body;
  const auto after = nlohmann::json::parse(reply.body)["levels"];
  EXPECT_EQ(after["paths"], "DEBUG");
  EXPECT_EQ(after["links"], "WARN");
  EXPECT_EQ(after["ports"], "INFO");
  EXPECT_TRUE(base::log_enabled(base::Subsystem::kPaths, base::LogLevel::kDebug));
}

TEST_F(LogLevelsApi, NameWhatIsWrongAndChangeNothing) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"paths": "DEBUG", "pathz": "INFO"})", "pathz: no such subsystem"},
      {R"({"links": "DEBUG", "paths": "LOUD"})", "paths: one of"},
      {R"({"paths": 3})", "paths: one of"},
      {"[]", "not a JSON object"},
      {"", "not a JSON object"}};
  for (const auto& [body, words] : cases) {
    const cli::HttpReply reply = rig.post("/rest/system/loglevels", body);
    EXPECT_EQ(reply.status, 400u) << body;
    EXPECT_NE(reply.body.find(words), std::string::npos) << body << " -> " << reply.body;
  }
  for (std::size_t i = 0; i < base::kSubsystemNames.size(); ++i)
    EXPECT_EQ(base::log_level(static_cast<base::Subsystem>(i)), base::LogLevel::kInfo);
}

TEST(SchedulerWithoutPorts, IsAConflict) {
  test::FakeDaemon daemon;
  daemon.datapath_value.running = false;
  test::Rig rig(daemon);
  const cli::HttpReply reply = rig.put("/rest/weft/scheduler", R"({"policy": "ecf"})");
  EXPECT_EQ(reply.status, 409u);
  EXPECT_NE(reply.body.find("[[port]]"), std::string::npos) << reply.body;
}

TEST_F(Shapes, Impair) {
  const std::string target = "/rest/weft/ports/left/impair";
  EXPECT_EQ(rig.post(target, R"({"blackhole": true, "drop_rate": 0.25, "delay_us": 5, "jitter_us": 6,
                                 "rate_Bps": 7, "direction": "rx"})").status, 200u);
  EXPECT_EQ(daemon.last_impairment(),
            (nic::Impairment{.blackhole = true, .drop_ppm = 250'000, .delay_us = 5, .jitter_us = 6, .rate_Bps = 7,
                             .direction = nic::Direction::kRx}));
  EXPECT_EQ(rig.post(target, R"({"link_down": true, "queue_us": 2000, "seed": 18446744073709551615})").status, 200u);
  EXPECT_EQ(daemon.last_impairment(),
            (nic::Impairment{.link_down = true, .queue_us = 2000, .seed = UINT64_MAX}));
  EXPECT_EQ(rig.post(target, "{}").status, 200u);
  EXPECT_EQ(daemon.last_impairment(), nic::Impairment{});
  EXPECT_EQ(rig.post("/rest/weft/ports/nosuch/impair", "{}").status, 404u);
  EXPECT_EQ(rig.get(target).status, 405u);
}

TEST_F(Shapes, ImpairNamesTheWrongField) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"blackhole": 1})", "blackhole"},       {R"({"drop_rate": 1.5})", "drop_rate"},
      {R"({"drop_rate": -0.1})", "drop_rate"},    {R"({"drop_rate": "x"})", "drop_rate"},
      {R"({"delay_us": -1})", "delay_us"},        {R"({"delay_us": 10000001})", "delay_us"},
      {R"({"jitter_us": 1.5})", "jitter_us"},     {R"({"rate_Bps": "9"})", "rate_Bps"},
      {R"({"direction": "up"})", "direction"},    {R"({"direction": 1})", "direction"},
      {R"({"link_down": "no"})", "link_down"},    {R"({"queue_us": 10000001})", "queue_us"},
      {R"({"seed": -1})", "seed"},
      {R"({"blackhol": true})", "blackhol: unknown"}, {"[]", "not a JSON object"},
      {"", "not a JSON object"},                  {"{", "not a JSON object"}};
  for (const auto& [body, words] : cases) {
    const cli::HttpReply reply = rig.post("/rest/weft/ports/left/impair", body);
    EXPECT_EQ(reply.status, 400u) << body;
    EXPECT_NE(reply.body.find(words), std::string::npos) << body << " -> " << reply.body;
  }
  EXPECT_EQ(rig.post("/rest/weft/ports/left/impair", std::string(500'000, '[')).status, 400u);
  const std::string deep = "{\"x\":" + std::string(500'000, '[') + std::string(500'000, ']') + "}";
  EXPECT_EQ(rig.post("/rest/weft/ports/left/impair", deep).status, 400u);
  EXPECT_TRUE(daemon.orders().empty());
}

TEST(ImpairSwitch, IsOffByDefault) {
  test::FakeDaemon daemon;
  daemon.impair_value = false;
  test::Rig rig(daemon);
  const cli::HttpReply reply = rig.post("/rest/weft/ports/left/impair", "{}");
  EXPECT_EQ(reply.status, 403u);
  EXPECT_NE(reply.body.find("weft.toml"), std::string::npos);
  EXPECT_TRUE(daemon.orders().empty());
}

}  // namespace
}  // namespace weft::api
