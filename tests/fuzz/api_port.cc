// The body of POST /rest/weft/ports: what is accepted is a port as weft.toml could have it, with the values of the body, and
// the answer holds the table to write there; the answer to all else is a sentence.
#include "tests/fuzz/api_daemon.hh"

namespace weft::fuzz {

void make_seeds(Seeds& out) {
  out.add("all", R"({"name": "east", "device": "net_memif1,role=client,id=0,socket=e", "address": ["10.2.0.1/24", "fd00::1/64"],)"
                 R"( "gateway": "10.2.0.254", "udp_port": 4000, "mtu": 9000, "role": "backup", "vlan": 7, "exception": "weft0",)"
                 R"( "to": ["left"], "weight": 30, "congestion": "bbr", "rate_mbit": 2500})");
  out.add("again", R"({"name": "broken"})");
  out.add("clash", R"({"name": "left", "device": "net_memif0,id=0", "address": "10.1.0.1/24"})");
  out.add("texts", R"({"name": "a\"]\n[x]\u007f", "device": "\u0000\\", "\u00e4 ": 1e300, "mtu": 18446744073709551615})");
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  using namespace weft;
  api::test::FakeDaemon daemon;
  const base::Bytes input = bytes_of(data, size);
  const api::Response response = order(api::Method::kPost, "/rest/weft/ports", input, daemon);
  const auto orders = daemon.orders();
  CHECK(response.status == 200 || response.status == 400 || response.status == 404 || response.status == 409);
  CHECK((response.status == 200) == (orders.size() == 1));
  const auto body = nlohmann::json::parse(text_of(input), nullptr, false);
  if (body.is_object()) understood();
  else CHECK(response.status == 400);
  if (response.status != 200 || orders[0] == "reopen broken") return 0;
  const model::PortConfig port = daemon.last_port();
  CHECK(body.at("name") == port.name && body.at("device") == port.device);
  CHECK(port.mtu == body.value("mtu", 1500u) && port.weight == body.value("weight", 10u));
  const auto answer = nlohmann::json::parse(response.body);
  const auto again = model::parse_weft_toml(answer.at("weft_toml").get<std::string>(), "weft.toml");
  CHECK(again && again->ports.size() == 1 && again->ports[0].name == port.name && again->ports[0].device == port.device &&
        again->ports[0].to == port.to);
  return 0;
}
