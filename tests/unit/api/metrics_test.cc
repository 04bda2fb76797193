// The exposition text, read back by a small parser of the format.
#include "engine/api/metrics.hh"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "bep/proto/device_id.hh"
#include "tests/unit/api/rig.hh"

namespace weft::api {
namespace {

// "name{labels}" -> value; fails the test on lines that are not of the format or come twice.
std::map<std::string, double> parse(const std::string& text) {
  std::map<std::string, double> out;
  std::set<std::string> typed;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      const std::string name = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(typed.insert(name).second) << name << " has two types";
    }
    if (line.empty() || line[0] == '#') continue;
    const std::size_t space = line.rfind(' ');
    const std::string key = line.substr(0, space);
    std::string family = key.substr(0, key.find('{'));
    for (const std::string_view part : {"_bucket", "_sum", "_count"})   // of a histogram
      if (family.ends_with(part) && !typed.contains(family)) family.resize(family.size() - part.size());
    EXPECT_TRUE(typed.contains(family)) << line;
    EXPECT_TRUE(out.emplace(key, std::stod(line.substr(space + 1))).second) << "twice: " << key;
  }
  return out;
}

TEST(Metrics, HoldWhatTheDaemonShows) {
  test::FakeDaemon daemon;
  run::SteeringShown& steering = daemon.steering_value.emplace();
  steering.state = migrate::MigrationState::kMigrating;
  steering.counters = {.begun = 6, .completed = 3, .failed = 2, .rolled_back = 1, .merged = 0, .took = base::milliseconds(7500),
                       .by_duration = {0, 0, 2, 0, 0, 0, 1}};
  const Context context{daemon, daemon, test::kSelf, ""};
  const auto values = parse(metrics_text(context));
  const std::string peer = proto::short_id_text(proto::short_id(test::kPeer));
  const std::string path = "{device=\"" + peer + "\",port=\"left\",remote=\"10.1.0.2:22200\"";
  EXPECT_EQ(values.at("weft_uptime_seconds"), 61);
  const std::string device = "{device=\"" + peer + "\",name=\"peer\"}";
  const std::string link = "{device=\"" + peer + "\",name=\"peer\",link=\"0\"}";
  EXPECT_EQ(values.at("weft_links" + device), 2);
  EXPECT_EQ(values.at("weft_link_score" + link), 61);
  EXPECT_EQ(values.at("weft_link_degrading" + link), 1);
  EXPECT_EQ(values.at("weft_link_rtt_seconds" + link), 0.0025);
  EXPECT_EQ(values.at("weft_link_jitter_seconds" + link), 0.0003);
  EXPECT_EQ(values.at("weft_link_loss_ratio" + link), 0.004);
  EXPECT_EQ(values.at("weft_link_keep_alive_seconds" + link), 60);
  EXPECT_EQ(values.at("weft_link_trend_ratio" + link), 1.25);
  EXPECT_EQ(values.at("weft_device_connects_total" + device), 4);
  EXPECT_EQ(values.at("weft_link_dials_total{result=\"ready\"}"), 7);
  EXPECT_EQ(values.at("weft_link_dials_total{result=\"failed\"}"), 9);
  EXPECT_EQ(values.at("weft_listener_port{address=\"tcp://0.0.0.0:22000\"}"), 22000);
  EXPECT_EQ(values.at("weft_path_falls_total{device=\"" + peer + "\"}"), 5);
  EXPECT_EQ(values.at("weft_path_returns_total{device=\"" + peer + "\"}"), 3);
  EXPECT_EQ(values.at("weft_failovers_total{device=\"" + peer + "\",to=\"path\"}"), 4);
  EXPECT_EQ(values.at("weft_failovers_total{device=\"" + peer + "\",to=\"link\"}"), 1);
  EXPECT_EQ(values.at("weft_migrations_total{device=\"" + peer + "\",result=\"superseded\"}"), 1);
  EXPECT_EQ(values.at("weft_migrating{device=\"" + peer + "\"}"), 1);
  EXPECT_EQ(values.at("weft_migration_seconds_bucket{device=\"" + peer + "\",le=\"1.25\"}"), 2);
  EXPECT_EQ(values.at("weft_migration_seconds_bucket{device=\"" + peer + "\",le=\"+Inf\"}"), 3);
  EXPECT_DOUBLE_EQ(values.at("weft_migration_seconds_sum{device=\"" + peer + "\"}"), 7.5);
  EXPECT_EQ(values.at("weft_path_probes_total" + path + "}"), 12);
  EXPECT_EQ(values.at("weft_path_trend_ratio" + path + "}"), 0.5);
  EXPECT_EQ(values.at("weft_port_packets_total{port=\"left\",direction=\"out\"}"), 30);
  EXPECT_EQ(values.at("weft_port_missed_total{port=\"left\"}"), 5);
  EXPECT_EQ(values.at("weft_pool_sessions{state=\"parked\"}"), 2);
  EXPECT_EQ(values.at("weft_pool_exhausted_total{result=\"given_up\"}"), 1);
  EXPECT_EQ(values.at("weft_pool_exhausted_total{result=\"refused\"}"), 4);
  EXPECT_EQ(values.at("weft_session_setups_total{kind=\"resumed\"}"), 6);
  EXPECT_DOUBLE_EQ(values.at("weft_session_setup_seconds_total{kind=\"new\"}"), 0.5);
  EXPECT_EQ(values.at("weft_link_handshakes_total{kind=\"resumed\"}"), 0);
  EXPECT_EQ(values.at("weft_path_up" + path + "}"), 1);
  EXPECT_EQ(values.at("weft_path_degrading" + path + "}"), 0);
  EXPECT_EQ(values.at("weft_path_score" + path + "}"), 97);
  EXPECT_DOUBLE_EQ(values.at("weft_path_rtt_seconds" + path + "}"), 0.0002);
  EXPECT_EQ(values.at("weft_path_state" + path + ",state=\"active\",role=\"primary\"}"), 1);
  EXPECT_EQ(values.at("weft_path_bytes_total" + path + ",direction=\"out\"}"), 2e6);
  EXPECT_EQ(values.at("weft_lane_rate_bytes_per_second" + path + ",core=\"1\"}"), 500);
  EXPECT_EQ(values.at("weft_drops_total{at=\"core\",where=\"1\",reason=\"tag\"}"), 4);
  EXPECT_EQ(values.at("weft_port_up{port=\"right\"}"), 0);
  EXPECT_EQ(values.at("weft_transfer_bytes_total{way=\"paths\"}"), 2900);
  EXPECT_EQ(values.at("weft_folder_items{folder=\"docs\",scope=\"need\",type=\"files\"}"), 3);
  EXPECT_EQ(values.at("weft_folder_state{folder=\"paused one\",state=\"paused\"}"), 1);
}

TEST(Metrics, EscapeNames) {
  test::FakeDaemon daemon;
  daemon.datapath_value.ports[0].name = "a\"b\\c\nd";
  const Context context{daemon, daemon, test::kSelf, ""};
  EXPECT_NE(metrics_text(context).find(R"(weft_port_up{port="a\"b\\c\nd"} 1)"), std::string::npos);
}

TEST(Metrics, AreServedAsText) {
  test::FakeDaemon daemon;
  test::Rig rig(daemon);
  const cli::HttpReply reply = rig.get("/metrics");
  EXPECT_EQ(reply.status, 200u);
  EXPECT_EQ(reply.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace
}  // namespace weft::api
