// Every way in which a scenario can be wrong: one sentence with file, line, key and remedy.
#include <gtest/gtest.h>

#include <regex>

#include "engine/lab/scenario.hh"

namespace weft::lab {
namespace {

// A right one, of which a case replaces one line by another.
constexpr const char* kRight = R"(title = "t"
seed = 1
[[link]]
name = "left"
rate_mbit = 100
[[link]]
name = "right"
[[transfer]]
size_mb = 5
[[run]]
name = "alone"
links = ["left"]
[[run]]
name = "both"
deadline_s = 60
[[run.event]]
at_s = 1
do = "silence"
[run.expect]
stall_ms_max = 20
)";

struct Case {
  const char* line;            // of kRight
  const char* instead;
  const char* words;           // regular expression that the sentence must hold
};

std::string replaced(const Case& c) {
  std::string text = kRight;
  const std::size_t at = text.find(c.line);
  EXPECT_NE(at, std::string::npos) << c.line;
  return text.replace(at, std::string(c.line).size(), c.instead);
}

const Case kCases[] = {
    {"title = \"t\"\n", "", "title is missing"},
    {"title = \"t\"", "title = 5", "x.toml:1: title must be a text"},
    {"seed = 1", "seed = -1", "x.toml:2: seed is -1 but must be a whole number"},
    {"seed = 1", "sead = 1", "x.toml:2: sead is not known; did you mean \"seed\""},
    {"seed = 1", "seed = ", "x.toml:2: not valid TOML"},
    {"seed = 1", "a = 5", "x.toml:2: a must be a table"},
    {"seed = 1", "[a]\nurl = \"ftp://x\"", "a.url is \"ftp://x\" but must be http://HOST:PORT"},
    {"seed = 1", "[a]\nurl = \"http://x\"", "must be http://HOST:PORT"},
    {"seed = 1", "[a]\nurl = \"http://x/y:1\"", "must be http://HOST:PORT"},
    {"seed = 1", "[a]\nurl = \"http://:1\"", "must be http://HOST:PORT"},
    {"seed = 1", "[a]\nurl = \"http://x:65536\"", "must be http://HOST:PORT"},
    {"seed = 1", "[a]\nurl = \"http://::1\"", "must be http://HOST:PORT"},
    {"seed = 1", "[a]\nurl = \"http://x:1\"", "a.api_key is missing; it stands under <gui>"},
    {"seed = 1", "[a]\nfolder = \"x\"", "a.folder is for a weft that runs already"},
    {"seed = 1", "[a]\nurl = \"http://x:1\"\napi_key = \"k\"", "b has no url but the other side has one"},
    {"seed = 1", "[weft]\ncores = 0", "weft.cores is 0 but must be"},
    {"seed = 1", "[weft]\npolicy = \"best\"", "weft.policy is \"best\" but must be one of \"rate\""},
    {"seed = 1", "[weft]\npolicy = \"rate\\\"\\n[engine]\\ncores = 2 #\"", "weft.policy holds a line break"},
    {"seed = 1", "\"se\\ned\" = 1", "x.toml:2: se\\?ed is not known"},
    {"seed = 1", "[measure]\nfrom_percent = 60\nto_percent = 50", "measure.to_percent is not above from_percent"},
    {"name = \"left\"", "name = \"le ft\"", "link.name must be there: at most 32"},
    {"name = \"right\"", "name = \"left\"", "link.name \"left\" is already that of an earlier link"},
    {"rate_mbit = 100", "rate_mbit = -1", "x.toml:5: link.rate_mbit is -1 but must be a number from 0"},
    {"rate_mbit = 100", "rate_mbit = \"fast\"", "x.toml:5: link.rate_mbit must be a number"},
    {"rate_mbit = 100", "rate = 100", "x.toml:5: link.rate is not known; (did you mean|remove it)"},
    {"rate_mbit = 100", "loss_percent = 101", "link.loss_percent is 101 but must be a number from 0 to 100"},
    {"rate_mbit = 100", "mtu = 100", "link.mtu is 100 but"},
    {"rate_mbit = 100", "a = 1", "link.a must be a table"},
    {"rate_mbit = 100", "a = { device = \"0000:01:00.0\" }", "link.a.address is missing"},
    {"rate_mbit = 100", "a = { address = \"10.0.0.1/24\" }", "link.a.address is for a device"},
    {"rate_mbit = 100", "a = { device = \"net_ring0\", address = \"10.0.0.1/24\" }",
     "x.toml:3: link \"left\" has a device at one end only"},
    {"rate_mbit = 100", "a = { port = \"east\" }", "names a port, but the sides are started here"},
    {"[[transfer]]\nsize_mb = 5\n", "", "must be one to 16 \\[\\[transfer\\]\\]"},
    {"[[transfer]]", "[transfer]", "transfer must be written as \\[\\[transfer\\]\\]"},
    {"size_mb = 5", "files = 5", "transfer.size_mb is missing"},
    {"size_mb = 5", "size_mb = 5\ndirection = \"up\"",
     "transfer.direction is \"up\" but must be one of \"a-to-b\", \"b-to-a\""},
    {"name = \"both\"", "name = \"alone\"", "run.name \"alone\" is already that of an earlier run"},
    {"name = \"both\"", "name = \"\"", "run.name must be there"},
    {"links = [\"left\"]", "links = [\"lift\"]",
     "x.toml:12: run.links holds \"lift\", which is no \\[\\[link\\]\\] above"},
    {"links = [\"left\"]", "links = []", "run.links is empty"},
    {"links = [\"left\"]", "links = []\n[run.expect]\nof_best_min = 1", "run.links is empty"},
    {"deadline_s = 60", "deadline_s = 0", "run.deadline_s is 0 but must be"},
    {"at_s = 1", "at_s = 1\nat_percent = 5", "run.event.at_percent stands beside at_s"},
    {"at_s = 1\n", "", "run.event.at_s is missing"},
    {"do = \"silence\"", "do = \"break\"", "run.event.do is \"break\" but must be one of \"silence\""},
    {"do = \"silence\"", "", "run.event.do is missing"},
    {"do = \"silence\"", "do = \"silence\"\nrate_mbit = 5",
     "run.event.rate_mbit has no effect here; it belongs to do = \"impair\""},
    {"do = \"silence\"", "do = \"heal\"\ncount = 5",
     "run.event.count has no effect here; it belongs to do = \"flaps\""},
    {"do = \"silence\"", "do = \"policy\"", "run.event.policy is missing"},
    {"do = \"silence\"", "do = \"policy\"\npolicy = \"best\"", "run.event.policy is \"best\" but must be one of"},
    {"do = \"silence\"", "do = \"policy\"\npolicy = \"ecf\"\nlinks = [\"left\"]", "a policy is that of all links"},
    {"do = \"silence\"", "do = \"flaps\"\nseconds = 5", "run.event.count is missing"},
    {"do = \"silence\"", "do = \"flaps\"\ncount = 5", "run.event.seconds is missing"},
    {"do = \"silence\"", "do = \"flaps\"\ncount = 100\nseconds = 10", "down_ms_max is more than there is"},
    {"do = \"silence\"", "do = \"flaps\"\ncount = 2\nseconds = 10\ndown_ms_min = 400\ndown_ms_max = 300",
     "exchange them"},
    {"stall_ms_max = 20", "stall_ms_mx = 20", "run.expect.stall_ms_mx is not known; did you mean \"stall_ms_max\""},
    {"stall_ms_max = 20", "of_sum_min = 1.5", "run.expect.of_sum_min is 1.5 but must be a number from 0 to 1"},
    {"stall_ms_max = 20", "of_sum_min = 0.9",
     "x.toml:1[0-9]: run \"both\" is compared with link \"right\" alone, but no earlier"},
    {"links = [\"left\"]", "links = [\"left\"]\n[run.expect]\nof_best_min = 1", "is compared with link \"left\" alone"},
    {"stall_ms_max = 20", "of_shares = { right = 1 }", "is compared with link \"right\" alone"},
    {"stall_ms_max = 20", "of_shares = { up = 1 }", "run.expect.of_shares.up is not known"},
    {"stall_ms_max = 20", "link_share_min = 0.5", "run.expect.link_share_min must be a table"},
    {"stall_ms_max = 20", "back_in_use_s_max = 1", "wants an event that heals a link"},
};

TEST(ScenarioBad, TheRightOneIsRight) {
  const auto scenario = parse_scenario(kRight, "x.toml");
  EXPECT_TRUE(scenario) << scenario.error();
}

TEST(ScenarioBad, IsRefusedInOneSentence) {
  for (const Case& c : kCases) {
    const auto scenario = parse_scenario(replaced(c), "x.toml");
    ASSERT_FALSE(scenario) << c.line << " -> " << c.instead;
    EXPECT_TRUE(std::regex_search(scenario.error(), std::regex(c.words))) << c.instead << ": " << scenario.error();
    EXPECT_EQ(scenario.error().rfind("x.toml", 0), 0u) << scenario.error();
    EXPECT_EQ(scenario.error().find('\n'), std::string::npos) << scenario.error();
  }
}

TEST(ScenarioBad, PortsOfNoLink) {
  auto scenario = parse_scenario(kRight, "x.toml");
  ASSERT_TRUE(scenario);
  const auto no_link = parse_ports("[[link]]\nname = \"up\"\n", "ports.toml", *scenario);
  ASSERT_FALSE(no_link);
  EXPECT_EQ(no_link.error(), "ports.toml:2: link.name is \"up\", which is no link of x.toml; correct it or remove it");
  const auto one_end = parse_ports("[[link]]\nname = \"left\"\na = { device = \"d\", address = \"10.0.0.1/8\" }\n", "p",
                                   *scenario);
  ASSERT_FALSE(one_end);
  EXPECT_NE(one_end.error().find("a device at one end only"), std::string::npos);
}

TEST(ScenarioBad, NoFile) {
  const auto scenario = read_scenario("/nonexistent/no.toml");
  ASSERT_FALSE(scenario);
  EXPECT_NE(scenario.error().find("/nonexistent/no.toml"), std::string::npos);
}

}  // namespace
}  // namespace weft::lab
