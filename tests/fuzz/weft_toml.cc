// weft.toml: a refusal is one sentence that names the file; what is accepted is within every bound that the engine
// relies on.
#include <set>

#include "bep/model/weft_toml.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {
namespace {

using namespace model;

void check_port(const PortConfig& port, std::uint32_t cores) {
  CHECK(!port.name.empty() && port.name.size() <= 32 && !port.device.empty());
  CHECK(std::ranges::all_of(port.name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  }));
  CHECK(port.v4 || port.v6);
  CHECK(!port.v4 || (!port.v4->address.v6 && port.v4->prefix_length >= 1 && port.v4->prefix_length <= 32));
  CHECK(!port.v6 || (port.v6->address.v6 && port.v6->prefix_length >= 1 && port.v6->prefix_length <= 128));
  CHECK(!port.gateway_v4 || (port.v4 && *port.gateway_v4 != port.v4->address));
  CHECK(!port.gateway_v6 || (port.v6 && *port.gateway_v6 != port.v6->address));
  CHECK(port.udp_port >= 1 && port.udp_port + cores - 1 <= 65535 && port.mtu >= kMtuMin && port.mtu <= kMtuMax);
}

}  // namespace

void make_seeds(Seeds& out) {
  out.add("example", weft_toml_example());
  std::string all;      // the commented lines are settings, too
  for (std::string_view rest = weft_toml_example(); !rest.empty();) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    if (line.starts_with('#') && line.size() > 1 && line[1] != ' ') line.remove_prefix(1);
    all += std::string(line) + "\n";
    rest.remove_prefix(std::min(rest.size(), end == rest.npos ? rest.size() : end + 1));
  }
  out.add("all-settings", all);
  out.add("two-ports",
          "[engine]\ncores = 2\ncpus = [1, 3]\naead = 'openssl'\neal_args = ['--no-huge']\n[scheduler]\npolicy = 'min-rtt'\n"
          "[[port]]\nname = 'a'\ndevice = 'net_memif0,role=server,id=0,socket=/run/x'\naddress = '10.1.0.1/24'\n"
          "[[port]]\nname = 'b'\ndevice = '0000:01:00.0'\naddress = ['10.2.0.1/24', 'fd00::1/64']\n"
          "gateway = ['10.2.0.254', 'fd00::ff']\nudp_port = 5000\nmtu = 9000\nrole = 'backup'\n");
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const auto config = parse_weft_toml(text_of(bytes_of(data, size)), "home/weft.toml");
  if (!config) {
    CHECK(config.error().starts_with("home/weft.toml"));
    return 0;
  }
  understood();
  const EngineConfig& engine = config->engine;
  CHECK(engine.cores >= 1 && engine.cores <= weft::base::kCoresMax);
  CHECK(engine.cpus.empty() || engine.cpus.size() == engine.cores);
  CHECK(engine.memory_mb >= 32 && engine.memory_mb <= kMemoryMbMax && engine.slots >= 8 && engine.slots <= kSlotsMax);
  CHECK(config->disk.depth >= 1 && config->disk.depth <= kDiskDepthMax);
  CHECK(config->ports.size() <= weft::base::kPortsMax);
  std::set<std::string> names, devices;
  for (const PortConfig& port : config->ports) {
    check_port(port, engine.cores);
    CHECK(names.insert(port.name).second && devices.insert(port.device).second);
  }
  return 0;
}
