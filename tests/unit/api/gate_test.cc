#include "engine/api/gate.hh"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/api/fake_daemon.hh"

namespace weft::api {
namespace {

class GateTest : public ::testing::Test {
 protected:
  Response ask(Method method, const std::string& target) {
    return answer(gate, context, {.method = method, .target = target, .host = host, .api_key = key,
                                  .authorization = authorization, .body = ""});
  }
  test::FakeDaemon daemon;
  Context context{daemon, daemon, test::kSelf, "127.0.0.1:8384"};
  Gate gate{.api_key = "secret"};
  std::string host = "localhost:8384", key, authorization;
};

TEST_F(GateTest, KnowsLoopbackNames) {
  for (const char* name : {"localhost", "LocalHost:8384", "a.localhost", "127.0.0.1", "127.9.8.7:1", "[::1]:8384",
                           "::1", "[::1]"})
    EXPECT_TRUE(names_loopback(name)) << name;
  for (const char* name : {"", "example.org", "localhost.example.org", "10.0.0.1:80", "[::2]:1", "127.0.0.1.evil.org",
                           "[", ":8384", "0.0.0.0"})
    EXPECT_FALSE(names_loopback(name)) << name;
}

TEST_F(GateTest, RefusesForeignHostsEvenWithTheKey) {
  host = "rebound.example.org";
  key = "secret";
  EXPECT_EQ(ask(Method::kGet, "/rest/system/ping").status, 403u);
  EXPECT_EQ(ask(Method::kGet, "/rest/system/ping").body, "Host check error\n");
  EXPECT_EQ(ask(Method::kOptions, "/rest/system/ping").status, 403u);
  gate.check_host = false;
  EXPECT_EQ(ask(Method::kGet, "/rest/system/ping").status, 200u);
}

TEST_F(GateTest, WantsTheKeyUnderRest) {
  EXPECT_EQ(ask(Method::kGet, "/rest/system/ping").status, 403u);
  EXPECT_EQ(ask(Method::kGet, "/rest/system/ping").body, "CSRF Error\n");
  EXPECT_EQ(ask(Method::kGet, "/rest/nothing").status, 403u);         // not even whether it exists
  EXPECT_EQ(ask(Method::kGet, "/%72est/system/ping").status, 403u);   // escaped, the same path
  EXPECT_EQ(ask(Method::kGet, "/rest/noauth/health").status, 200u);
  for (const char* wrong : {"secre", "secret ", "Secret", "secretsecret"}) {
    key = wrong;
    EXPECT_EQ(ask(Method::kGet, "/rest/system/ping").status, 403u) << wrong;
  }
  key = "secret";
  EXPECT_EQ(ask(Method::kGet, "/rest/system/ping").status, 200u);
  key = "";
  authorization = "Bearer secret";
  EXPECT_EQ(ask(Method::kGet, "/rest/system/ping").status, 200u);
  authorization = "Basic secret";
  EXPECT_EQ(ask(Method::kGet, "/rest/system/ping").status, 403u);
}

TEST_F(GateTest, AnEmptyKeyFitsNobody) {
  gate.api_key = "";
  EXPECT_EQ(ask(Method::kGet, "/rest/system/ping").status, 403u);
  authorization = "Bearer ";
  EXPECT_EQ(ask(Method::kGet, "/rest/system/ping").status, 403u);
}

TEST_F(GateTest, MetricsAreOpenOnlyWhenSaidSo) {
  EXPECT_EQ(ask(Method::kGet, "/metrics").status, 403u);
  gate.metrics_open = true;
  EXPECT_EQ(ask(Method::kGet, "/metrics").status, 200u);
}

TEST_F(GateTest, AnswersPreflightWithoutKey) {
  const Response response = ask(Method::kOptions, "/rest/system/shutdown");
  EXPECT_EQ(response.status, 204u);
  std::set<std::string> names;
  for (const auto& [name, value] : response.headers) names.insert(name);
  EXPECT_TRUE(names.contains("Access-Control-Allow-Headers"));
  EXPECT_TRUE(names.contains("X-Syncthing-ID"));
  EXPECT_TRUE(daemon.orders().empty());
}

TEST_F(GateTest, BrokenTargetsAreABadRequest) {
  key = "secret";
  EXPECT_EQ(ask(Method::kGet, "/rest/%zz").status, 400u);
  EXPECT_EQ(ask(Method::kGet, "rest").status, 400u);
}

TEST_F(GateTest, EveryRouteAnswersItsMethodAndNoOther) {
  key = "secret";
  for (const Route& route : routes()) {
    std::string target(route.path);
    if (const std::size_t star = target.find('*'); star != std::string::npos) target.replace(star, 1, "left");
    EXPECT_NE(ask(route.method, target).status, 405u) << target;
    const Response other = ask(Method::kOther, target);
    EXPECT_EQ(other.status, 405u) << target;
    EXPECT_EQ(ask(route.method, target + "/nothing/there").status, 404u) << target;
    EXPECT_EQ(ask(route.method, target + "x").status, 404u) << target;
  }
}

}  // namespace
}  // namespace weft::api
