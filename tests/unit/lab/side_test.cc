// What a Side asks and understands, over a Rest that answers from a list.
#include "engine/lab/side.hh"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

namespace weft::lab {
namespace {

class ListedRest final : public Rest {
 public:
  std::map<std::string, RestAnswer> answers;             // by "METHOD target"
  std::vector<RestAsk> asked;
  tl::expected<RestAnswer, std::string> call(const RestAsk& ask) override {
    asked.push_back(ask);
    const auto found = answers.find(ask.method + " " + ask.target);
    if (found == answers.end()) return tl::unexpected("nothing listens at " + ask.host + ":" + ask.port);
    return found->second;
  }
};

struct Bench {
  ListedRest rest;
  Side side{rest, "b", "192.0.2.7", "8384", "key", "the lab"};
};

TEST(Side, ReadsTheMeter) {
  Bench bench;
  bench.rest.answers["GET /rest/weft/meter?since=4"] =
      {200, R"({"now_us": 2500000, "bytes_verified": 7, "bytes_via_link": 1,
    "paths": [{"device": "OTHER", "port": "left", "remote_port": "east", "state": "standby", "chunk_bytes_in": 5,
               "chunk_bytes_out": 0, "retransmitted_bytes": 2, "duplicate_bytes": 3},
              {"device": "STRANGER", "port": "left", "remote_port": "x", "state": "active", "chunk_bytes_in": 50,
               "chunk_bytes_out": 0, "retransmitted_bytes": 0, "duplicate_bytes": 0}],
    "last_block_us": null, "stalls": [{"number": 5, "began_us": 1000000, "lasted_us": 20000}]})"};
  const auto meter = bench.side.meter(4, "OTHER");
  ASSERT_TRUE(meter) << meter.error();
  EXPECT_DOUBLE_EQ(meter->now_s, 2.5);
  EXPECT_EQ(meter->verified, 7u);
  ASSERT_EQ(meter->paths.size(), 1u);
  EXPECT_TRUE(meter->paths[0].usable);
  EXPECT_EQ(meter->paths[0].duplicate, 3u);
  ASSERT_EQ(meter->stalls.size(), 1u);
  EXPECT_DOUBLE_EQ(meter->stalls[0].lasted_s, 0.02);
  EXPECT_FALSE(meter->last_block_s);
  EXPECT_EQ(bench.rest.asked[0].api_key, "key");
}

TEST(Side, SaysWhoDidNotAnswerAndWhat) {
  Bench bench;
  EXPECT_FALSE(bench.side.answers());
  EXPECT_EQ(bench.side.about().error(), "side b: nothing listens at 192.0.2.7:8384");
  bench.rest.answers["PUT /rest/weft/scheduler"] = {404, "404 page not found\n"};
  EXPECT_EQ(bench.side.set_policy("ecf").error(), "side b answers 404 to PUT /rest/weft/scheduler: 404 page not found");
  EXPECT_EQ(bench.rest.asked.back().body, R"({"policy":"ecf"})");
  bench.rest.answers["GET /rest/db/status?folder=the%20lab"] = {200, R"({"state": 5})"};
  EXPECT_NE(bench.side.folder().error().find("another version of weft?"), std::string::npos);
}

TEST(Side, ShapesWhatItSendsAndSilencesBothWays) {
  const LinkNow link{.shape = {.rate_mbit = 8, .delay_ms = 0.25, .jitter_ms = 1, .loss_percent = 0.5, .queue_ms = 2}};
  auto body = nlohmann::json::parse(impairment_body(link));
  EXPECT_EQ(body["rate_Bps"], 1'000'000);
  EXPECT_EQ(body["delay_us"], 250);
  EXPECT_EQ(body["jitter_us"], 1000);
  EXPECT_DOUBLE_EQ(body["drop_rate"], 0.005);
  EXPECT_EQ(body["queue_us"], 2000);
  EXPECT_EQ(body["direction"], "tx");
  EXPECT_EQ(body["blackhole"], false);
  EXPECT_FALSE(body.contains("seed"));
  body = nlohmann::json::parse(impairment_body({.silent = true, .down = true, .seed = 9}));
  EXPECT_EQ(body["blackhole"], true);
  EXPECT_EQ(body["link_down"], true);
  EXPECT_EQ(body["direction"], "both");
  EXPECT_EQ(body["seed"], 9);
}

TEST(Side, OrdersGoToThePort) {
  Bench bench;
  bench.rest.answers["POST /rest/weft/ports/left/impair"] = {200, "{}"};
  EXPECT_TRUE(bench.side.impair("left", {}));
  EXPECT_FALSE(bench.side.impair("right", {}));
}

}  // namespace
}  // namespace weft::lab
