// The body of PUT /rest/weft/scheduler: the one order it can lead to is the policy that a slow reading of it finds, and the
// answer to all else is a sentence.
#include "engine/share/policy.hh"
#include "tests/fuzz/api_daemon.hh"

namespace weft::fuzz {

void make_seeds(Seeds& out) {
  for (const char* name : share::kPolicyNames) out.add(name, std::string(R"({"policy": ")") + name + "\"}");
  out.add("no-such", R"({"policy": "best"})");
  out.add("no-name", R"({"policy": ["rate"]})");
  out.add("none", "{}");
  out.add("unknown", R"({"policy": "ecf", "polcy": null})");
  out.add("twice", R"({"policy": "ecf", "policy": "\u0072ate"})");
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  using namespace weft;
  using nlohmann::json;
  if (size == 0) return 0;
  const base::Bytes input = bytes_of(data, size);
  for (const bool running : {true, false}) {
    api::test::FakeDaemon daemon;
    daemon.datapath_value.running = running;
    daemon.datapath_value.policy = share::Policy::kRoundRobin;
    const api::Response response = order(api::Method::kPut, "/rest/weft/scheduler", input, daemon);

    const json slow = json::parse(text_of(input), nullptr, false);
    if (slow.is_object()) understood();
    std::size_t named = share::kPolicyNames.size();
    if (slow.is_object() && slow.size() == 1 && slow.contains("policy"))
      for (std::size_t i = 0; i < share::kPolicyNames.size(); ++i)
        if (slow["policy"] == share::kPolicyNames[i]) named = i;
    if (named == share::kPolicyNames.size() || !running) {
      CHECK(response.status == (named == share::kPolicyNames.size() ? 400u : 409u));
      CHECK(daemon.orders().empty() && daemon.datapath_value.policy == share::Policy::kRoundRobin);
      CHECK(!response.body.empty() && !response.content_type.starts_with("application/json"));
      continue;
    }
    CHECK(response.status == 200);
    CHECK(daemon.orders() == std::vector{std::string("policy ") + share::kPolicyNames[named]});
    CHECK(static_cast<std::size_t>(daemon.datapath_value.policy) == named);
    const json answer = json::parse(response.body);
    CHECK(answer["policy"] == share::kPolicyNames[named] && answer["policies"] == share::kPolicyNames);
  }
  return 0;
}
