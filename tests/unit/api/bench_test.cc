// /rest/weft/bench, and what `weft bench` makes of what it sees.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bep/proto/device_id.hh"
#include "engine/cli/bench_text.hh"
#include "tests/unit/api/rig.hh"

namespace weft::api::test {
namespace {

using nlohmann::json;
constexpr const char* kTarget = "/rest/weft/bench";

TEST(BenchApi, IsStartedShownAndStopped) {
  FakeDaemon daemon;
  const Rig rig(daemon);
  EXPECT_EQ(json::parse(rig.get(kTarget).body), json({{"state", "none"}}));
  const json wish{{"device", proto::to_text(kPeer)}, {"from", "disk"}, {"to", "memory"}, {"verify", false},
                  {"seconds", 3}, {"block_bytes", 1 << 18}};
  const cli::HttpReply begun = rig.post(kTarget, wish.dump());
  ASSERT_EQ(begun.status, 200u) << begun.body;
  const json shown = json::parse(rig.get(kTarget).body);
  EXPECT_EQ(shown.at("state"), "opening");
  for (const auto& [key, value] : wish.items()) EXPECT_EQ(shown.at(key), value) << key;
  EXPECT_TRUE(shown.at("block_times").is_null());
  EXPECT_TRUE(shown.at("error").is_null());
  EXPECT_EQ(rig.remove(kTarget).status, 200u);
  EXPECT_EQ(daemon.orders().back(), "stop bench");
}

TEST(BenchApi, SaysWhatIsWrong) {
  FakeDaemon daemon;
  const Rig rig(daemon);
  const std::string device = "\"device\": \"" + proto::to_text(kPeer) + "\"";
  for (const auto& [body, words] : std::initializer_list<std::pair<std::string, std::string>>{
           {"[]", "device"}, {"{}", "device"}, {R"({"device": "me"})", "device: the ID"},
           {"{" + device + R"(, "from": "tape"})", "from: \"memory\" or \"disk\""},
           {"{" + device + R"(, "seconds": -1})", "seconds: a whole number"},
           {"{" + device + R"(, "verify": 1})", "verify: true or false"},
           {"{" + device + R"(, "speed": 9})", "speed: unknown field"}}) {
    const cli::HttpReply reply = rig.post(kTarget, body);
    EXPECT_EQ(reply.status, 400u) << body;
    EXPECT_NE(reply.body.find(words), std::string::npos) << reply.body;
  }
}

TEST(BenchApi, HandsOnWhyItDoesNotBegin) {
  FakeDaemon daemon;
  daemon.bench_answer = base::fail(base::Errc::kUnavailable, "a measurement is under way already");
  const Rig rig(daemon);
  const cli::HttpReply reply = rig.post(kTarget, json{{"device", proto::to_text(kPeer)}}.dump());
  EXPECT_EQ(reply.status, 409u);
  EXPECT_NE(reply.body.find("under way already"), std::string::npos);
}

// A core of 2 GHz for 2 s: half of it idle, 1000 packets.
cli::BenchSeen seen_by_hand() {
  cli::BenchSeen seen;
  seen.title = "by hand";
  seen.seconds = 2;
  seen.bytes = 2'000'000'000;
  seen.block_bytes = 1u << 20;
  seen.intervals = {{1, 900'000'000}, {2, 2'000'000'000}};
  seen.times = {.p50 = 1000, .p90 = 2000, .p99 = 3000, .p999 = 4000, .longest = 5000};
  seen.receiver.packets_in = 1000;
  seen.receiver.packets_out = 10;
  seen.receiver.seconds = 2;
  seen.receiver.cycles[static_cast<std::size_t>(share::Stage::kOpen)] = 1'500'000'000;
  seen.receiver.cycles[static_cast<std::size_t>(share::Stage::kPoll)] = 500'000'000;
  seen.receiver.cycles[static_cast<std::size_t>(share::Stage::kIdle)] = 2'000'000'000;
  return seen;
}

TEST(BenchText, TellsCyclesNanosecondsAndTheIdleShare) {
  const json told = json::parse(cli::bench_json(seen_by_hand()));
  EXPECT_EQ(told.at("bytes_per_second"), 1e9);
  EXPECT_EQ(told.at("intervals").size(), 2u);
  EXPECT_EQ(told.at("block_times_us").at("p99"), 3000);
  const json& receiver = told.at("receiver");
  EXPECT_EQ(receiver.at("packets"), 1000);
  EXPECT_EQ(receiver.at("cycles_per_packet").at("open"), 1'500'000.0);
  EXPECT_EQ(receiver.at("busy_cycles_per_packet"), 2'000'000.0);
  EXPECT_EQ(receiver.at("idle_share"), 0.5);
  EXPECT_DOUBLE_EQ(receiver.at("busy_ns_per_packet").get<double>(), 1e6) << "1 s of work for 1000 packets";
  EXPECT_FALSE(told.contains("sender"));
  const std::string text = cli::bench_text(seen_by_hand());
  EXPECT_NE(text.find("1000.0 MB/s"), std::string::npos) << text;
  EXPECT_NE(text.find("8.00 Gbit/s"), std::string::npos) << text;
  EXPECT_NE(text.find("50.0 %"), std::string::npos) << text;
}

TEST(BenchText, OfTwoCoresAPacketCostsWhatOneCoreGaveIt) {
  cli::BenchSeen seen = seen_by_hand();
  seen.cores = 2;
  seen.sender = seen.receiver;
  seen.sender->packets_lost = 3;
  for (auto& cycles : seen.receiver.cycles) cycles *= 2;   // two cores in the same 2 s
  seen.receiver.packets_in *= 2;
  const json told = json::parse(cli::bench_json(seen));
  EXPECT_DOUBLE_EQ(told.at("receiver").at("busy_ns_per_packet").get<double>(), 1e6);
  EXPECT_EQ(told.at("receiver").at("busy_cycles_per_packet"), 2'000'000.0);
  EXPECT_EQ(told.at("packets_lost"), 3);
}

TEST(BenchText, NothingSeenIsNoDivisionByZero) {
  const json told = json::parse(cli::bench_json(cli::BenchSeen{}));
  EXPECT_EQ(told.at("bytes_per_second"), 0.0);
  EXPECT_EQ(told.at("receiver").at("busy_ns_per_packet"), 0.0);
  EXPECT_FALSE(cli::bench_text(cli::BenchSeen{}).empty());
}

}  // namespace
}  // namespace weft::api::test
