// What the paths are used for, by REST: shown, explained, wished otherwise; and the events of it.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "bep/proto/device_id.hh"
#include "engine/api/url.hh"
#include "engine/base/log.hh"
#include "tests/unit/api/rig.hh"

namespace weft::api {
namespace {

using Json = nlohmann::json;
using test::kPeer;

class Migration : public ::testing::Test {
 protected:
  void SetUp() override {
    run::SteeringShown shown;
    shown.state = migrate::MigrationState::kCompleted;
    shown.in_state = base::milliseconds(1500);
    shown.counters = {.begun = 4, .completed = 3, .failed = 1, .rolled_back = 1, .merged = 2, .took = base::milliseconds(3600)};
    shown.pinned = true;
    const base::PathId left{0}, right{9};
    shown.last.why = migrate::MoveReason::kOperator;
    shown.last.from.add(right);
    shown.last.to.add(left);
    shown.next.why = migrate::MoveReason::kRecovered;
    shown.next.to.add(right);
    shown.paths = {{.path = left, .name = "left:links", .entry = {.state = share::PathState::kActive, .score = 90},
                    .standing = migrate::Standing::kUsed, .srtt = base::microseconds(250)},
                   {.path = right, .name = "right:rechts", .entry = {.state = share::PathState::kStandby, .score = 80},
                    .standing = migrate::Standing::kNotChosen, .srtt = base::microseconds(300)}};
    daemon.steering_value = shown;
  }
  test::FakeDaemon daemon;
  test::Rig rig{daemon};
};

TEST_F(Migration, IsShownAndExplained) {
  const Json sessions = Json::parse(rig.get("/rest/weft/migration").body)["sessions"];
  ASSERT_EQ(sessions.size(), 1u);
  const Json& one = sessions[0];
  EXPECT_EQ(one["device"], proto::to_text(kPeer));
  EXPECT_EQ(one["state"], "completed");
  EXPECT_EQ(one["stateMs"], 1500);
  EXPECT_EQ(one["pinned"], true);
  EXPECT_EQ(one["activePaths"], Json({"left:links"}));
  EXPECT_EQ(one["availablePaths"], Json({"right:rechts"}));
  EXPECT_EQ(one["last"], Json({{"from", {"right:rechts"}}, {"to", {"left:links"}}, {"reason", "operator"}}));
  EXPECT_EQ(one["next"], Json({{"from", Json::array()}, {"to", {"right:rechts"}}, {"reason", "recovered"}}));
  EXPECT_EQ(one["paths"][1]["why"], "stands by: the operator has chosen others");
  EXPECT_EQ(one["paths"][0]["rtt_us"], 250);
  EXPECT_EQ(one["successRate"], 0.75);
  EXPECT_EQ(one["durationMsMean"], 1200);
}

TEST_F(Migration, NothingIsShownWhereThereIsNoSession) {
  daemon.steering_value.reset();
  EXPECT_EQ(Json::parse(rig.get("/rest/weft/migration").body)["sessions"], Json::array());
}

TEST_F(Migration, WishesReachTheDaemonAndErrorsHaveTheirWords) {
  EXPECT_EQ(rig.post("/rest/weft/paths/switch?path=left%3Alinks").status, 200u);
  EXPECT_EQ(rig.post("/rest/weft/migration?from=slow&to=left:links").status, 200u);
  EXPECT_EQ(rig.post("/rest/weft/migration/auto").status, 200u);
  EXPECT_EQ(rig.post("/rest/weft/paths/switch?path=two&device=" + proto::to_text(kPeer)).status, 200u);
  EXPECT_EQ(daemon.orders(),
            (std::vector<std::string>{"switch left:links", "from slow", "to left:links", "unpin all", "switch two"}));
  const auto expect_refusal = [&](const std::string& target, unsigned status, const std::string& word) {
    const cli::HttpReply reply = rig.post(target);
    EXPECT_EQ(reply.status, status) << target;
    EXPECT_EQ(reply.body.substr(0, word.size()), word) << reply.body;
  };
  expect_refusal("/rest/weft/paths/switch?path=gone", 404, "unknown-path: ");
  expect_refusal("/rest/weft/paths/switch?path=two", 400, "ambiguous: ");
  expect_refusal("/rest/weft/paths/close?path=left:links", 409, "cannot-close-active: ");
  expect_refusal("/rest/weft/paths/add?path=left:links", 409, "path-exists: ");
  expect_refusal("/rest/weft/migration/auto?device=" + proto::to_text(kPeer), 409, "not-supported: ");
  expect_refusal("/rest/weft/paths/switch", 400, "path: ");
  expect_refusal("/rest/weft/paths/switch?path=left:links&device=me", 400, "device: ");
  expect_refusal("/rest/weft/migration?from=left:links", 400, "to: ");
  expect_refusal("/rest/weft/migration/auto?device=me", 400, "device: ");
}

TEST_F(Migration, AProbeIsAnsweredWhenItIsKnown) {
  const cli::HttpReply good = rig.post("/rest/weft/paths/probe?path=left:links");
  EXPECT_EQ(good.status, 200u);
  EXPECT_EQ(Json::parse(good.body), Json({{"path", "left:links"}, {"rtt_us", 730}}));
  EXPECT_EQ(good.header("Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(rig.post("/rest/weft/paths/probe?path=gone").status, 404u);
  EXPECT_EQ(rig.post("/rest/weft/paths/probe?path=slow&deadline_ms=10").status, 504u);
  for (const char* wrong : {"0", "60001", "soon", "1x", "-1"})
    EXPECT_EQ(rig.post(std::string("/rest/weft/paths/probe?path=left:links&deadline_ms=") + wrong).status, 400u) << wrong;
  const cli::HttpReply never = rig.post("/rest/weft/paths/probe?path=slow&deadline_ms=1000");   // nobody calls back
  EXPECT_EQ(never.status, 504u);
  EXPECT_EQ(never.body.substr(0, 17), "deadline-exceeded");
}

TEST_F(Migration, EventsAreShownInSyncthingsEnvelope) {
  daemon.events_value.add("PathAdded", {{"path", std::string("left:links")}}, 1'700'000'000'000);
  daemon.events_value.add("PathMigrationCompleted",
                          {{"to", std::vector<std::string>{"left:links"}}, {"durationMs", 12.5}, {"n", std::int64_t{3}},
                           {"b", true}},
                          1'700'000'001'000);
  daemon.events_value.add("PathAdded", {}, 1'700'000'002'000);
  const Json all = Json::parse(rig.get("/rest/events").body);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0], Json({{"id", 1}, {"globalID", 1}, {"time", "2023-11-14T22:13:20.000Z"},
                          {"type", "PathAdded"},
                          {"data", {{"path", "left:links"}}}}));
  EXPECT_EQ(all[1]["data"], Json({{"to", {"left:links"}}, {"durationMs", 12.5}, {"n", 3}, {"b", true}}));
  EXPECT_EQ(Json::parse(rig.get("/rest/events?since=1&limit=1").body)[0]["id"], 3);
  EXPECT_EQ(Json::parse(rig.get("/rest/events?events=PathAdded,Else").body).size(), 2u);
  EXPECT_EQ(Json::parse(rig.get("/rest/events?since=3&timeout=0").body), Json::array());
  EXPECT_EQ(Json::parse(rig.get("/rest/events?since=99").body).size(), 3u) << "the daemon was restarted meanwhile";
  EXPECT_EQ(rig.get("/rest/events?since=x").status, 400u);
}

TEST_F(Migration, AnEventThatComesLaterIsWaitedFor) {
  cli::HttpReply reply;
  std::thread client([&] { reply = rig.get("/rest/events?since=0&timeout=30"); });
  EXPECT_EQ(rig.get("/rest/system/ping").status, 200u) << "others are answered meanwhile";
  boost::asio::post(rig.io(), [&] { daemon.events_value.add("PathRemoved", {}, 1); });
  client.join();
  EXPECT_EQ(Json::parse(reply.body).at(0)["type"], "PathRemoved");
}

TEST_F(Migration, WhoWaitsForEventsLocksNobodyOut) {
  std::vector<std::thread> clients;
  const std::size_t places = HttpLimits{}.connections;
  for (std::size_t i = 0; i < places; ++i)
    clients.emplace_back([&] {
      cli::HttpAsk ask = rig.ask("GET", "/rest/events?timeout=3");
      ask.deadline = std::chrono::seconds(10);
      (void)cli::http_request(ask);
    });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(rig.get("/rest/system/ping").status, 200u);
  for (std::thread& client : clients) client.join();
}

}  // namespace
}  // namespace weft::api
