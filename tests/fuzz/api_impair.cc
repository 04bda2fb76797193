// The body of POST /rest/weft/ports/NAME/impair: what is accepted is within the bounds of the impairment stage, and the
// answer to all else is a sentence.
#include "tests/fuzz/api_daemon.hh"

namespace weft::fuzz {

void make_seeds(Seeds& out) {
  out.add("all", R"({"blackhole": true, "drop_rate": 0.25, "delay_us": 1000, "jitter_us": 10, "rate_Bps": 1000000,)"
                 R"( "direction": "tx", "link_down": false, "queue_us": 2000, "seed": 7})");
  out.add("none", "{}");
  out.add("unknown", R"({"drop_rate": 1e-3, "delay": 5})");
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  using namespace weft;
  api::test::FakeDaemon daemon;
  const base::Bytes input = bytes_of(data, size);
  const api::Response response = order(api::Method::kPost, "/rest/weft/ports/left/impair", input, daemon);
  CHECK(response.status == 200 || response.status == 400);
  CHECK((response.status == 200) == (daemon.orders().size() == 1));
  const auto slow = nlohmann::json::parse(text_of(input), nullptr, false);
  if (slow.is_object()) understood();
  else CHECK(response.status == 400);
  if (response.status != 200) return 0;
  const nic::Impairment impairment = daemon.last_impairment();
  CHECK(impairment.drop_ppm <= 1'000'000 && impairment.delay_us <= 10'000'000 && impairment.jitter_us <= 10'000'000 &&
        impairment.queue_us <= 10'000'000);
  CHECK(impairment.blackhole == slow.value("blackhole", false));
  CHECK(impairment.delay_us == slow.value("delay_us", std::uint64_t{0}));
  CHECK(impairment.rate_Bps == slow.value("rate_Bps", std::uint64_t{0}));
  return 0;
}
