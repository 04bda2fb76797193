#include "bep/model/weft_toml.hh"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "bep/model/config_file.hh"
#include "bep/model/toml_reader.hh"
#include "bep/net/address.hh"
#include "bep/proto/private_messages.hh"

namespace weft::model {
namespace {

constexpr std::size_t kFileBytesMax = 1u << 20;
constexpr std::size_t kCpusMax = 4096;
constexpr std::size_t kNameBytesMax = 32;  // port names stand in URLs, logs and metrics
constexpr std::size_t kInterfaceBytesMax = 15;   // of the kernel's interface names
constexpr std::uint32_t kVlanMax = 4094;

// In the order of the enums.
constexpr std::array kAeadNames = {"auto", "ipsec-mb", "openssl"};
constexpr std::array kDirectNames = {"auto", "always", "never"};
enum class MeteredUse : std::uint8_t { kLast, kNever };
constexpr std::array kMeteredNames = {"last", "never"};
constexpr std::array kRoleNames = {"primary", "backup"};
static_assert(static_cast<std::size_t>(AeadChoice::kOpenssl) + 1 == kAeadNames.size());
static_assert(static_cast<std::size_t>(DirectIo::kNever) + 1 == kDirectNames.size());
static_assert(static_cast<std::size_t>(share::PathRole::kBackup) + 1 == kRoleNames.size());

std::optional<base::IpAddress> parse_ip(const std::string& text) {
  base::IpAddress ip;
  if (::inet_pton(AF_INET, text.c_str(), ip.bytes.data()) == 1) return ip;
  ip.v6 = true;
  if (::inet_pton(AF_INET6, text.c_str(), ip.bytes.data()) == 1) return ip;
  return std::nullopt;
}

// A station's own address: neither zero nor multicast nor broadcast.
bool is_station(const base::IpAddress& ip) {
  const bool zero = std::all_of(ip.bytes.begin(), ip.bytes.end(), [](auto b) { return b == 0; });
  return !zero && (ip.v6 ? ip.bytes[0] != 0xFF : ip.bytes[0] != 0 && ip.bytes[0] < 0xE0);
}

std::optional<IpPrefix> parse_prefix(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto ip = parse_ip(text.substr(0, slash));
  unsigned length = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + slash + 1, end, length);
  if (!ip || error != std::errc{} || at != end || length < 1 || length > (ip->v6 ? 128u : 32u))
    return std::nullopt;
  return IpPrefix{*ip, static_cast<std::uint8_t>(length)};
}

bool same_network(const IpPrefix& prefix, const base::IpAddress& ip) {
  for (unsigned bit = 0; bit < prefix.prefix_length; ++bit) {
    const unsigned mask = 0x80u >> (bit % 8);
    if (((prefix.address.bytes[bit / 8] ^ ip.bytes[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

void read_engine(TomlTable table, EngineConfig& engine) {
  table.read("cores", engine.cores, 1, base::kCoresMax);
  table.read("cpus", engine.cpus, kCpusMax);
  table.read("memory_mb", engine.memory_mb, 32, kMemoryMbMax);
  table.read("slots", engine.slots, 8, kSlotsMax);
  table.read("aead", engine.aead, kAeadNames);
  table.read("eal_args", engine.eal_args);
  table.refuse_unknown_keys();
  if (!engine.cpus.empty() && engine.cpus.size() != engine.cores)
    table.refuse("cpus", "names " + std::to_string(engine.cpus.size()) + " CPUs for " +
                             std::to_string(engine.cores) +
                             " data cores; write one per core, or leave it out");
}

void read_addresses(TomlTable& table, PortConfig& port) {
  std::vector<std::string> texts;
  table.read("address", texts);
  for (const std::string& text : texts) {
    const auto prefix = parse_prefix(text);
    if (!prefix || !is_station(prefix->address)) {
      table.refuse(
          "address",
          "holds \"" + text + "\"; write an address with its prefix length, as \"10.1.0.1/24\"");
      return;
    }
    auto& place = prefix->address.v6 ? port.v6 : port.v4;
    if (place)
      table.refuse("address",
                   "holds two addresses of one family; a port has one IPv4 and one IPv6 at most");
    place = prefix;
  }
  if (!port.v4 && !port.v6)
    table.refuse("address", "is missing; write the port's own address, as \"10.1.0.1/24\"");
}

void read_gateways(TomlTable& table, PortConfig& port) {
  std::vector<std::string> texts;
  table.read("gateway", texts);
  for (const std::string& text : texts) {
    const auto ip = parse_ip(text);
    if (!ip || !is_station(*ip)) {
      table.refuse("gateway", "holds \"" + text +
                                  "\"; write an address without prefix length, as \"10.1.0.254\"");
      return;
    }
    const auto& own = ip->v6 ? port.v6 : port.v4;
    if (!own || !same_network(*own, *ip) || own->address == *ip)
      table.refuse("gateway",
                   "\"" + text +
                       "\" is not a neighbour on this port's network; correct it or the prefix "
                       "length of address");
    auto& place = ip->v6 ? port.gateway_v6 : port.gateway_v4;
    if (place) table.refuse("gateway", "holds two gateways of one family; write one");
    place = *ip;
  }
}

bool is_word(const std::string& text, std::size_t bytes_max) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= bytes_max && std::all_of(text.begin(), text.end(), allowed);
}

void check_name(TomlTable& table, const std::string& name) {
  if (name.empty()) table.refuse("name", "is missing; give the port a name, as \"left\"");
  else if (!is_word(name, kNameBytesMax))
    table.refuse("name", "must be at most 32 letters, digits, '-', '_' or '.'");
}

void read_partners(TomlTable& table, PortConfig& port) {
  table.read("to", port.to);
  const bool words = std::all_of(port.to.begin(), port.to.end(),
                                 [](const std::string& name) { return is_word(name, kNameBytesMax); });
  if (!words || port.to.size() > base::kPortsMax)
    table.refuse("to", "must name ports of the other device, at most " +
                           std::to_string(base::kPortsMax) + ", as [\"left\"]");
}

void read_exception(TomlTable& table, PortConfig& port) {
  table.read("exception", port.exception);
  if (table.has("exception") && !is_word(port.exception, kInterfaceBytesMax))
    table.refuse("exception", "must be the name of a network interface that weft makes, at most 15 "
                              "letters, digits, '-', '_' or '.', as \"weft0\"");
}

void refuse_twins(TomlTable& table, const PortConfig& port, const std::vector<PortConfig>& others) {
  for (const PortConfig& other : others) {
    if (other.name == port.name)
      table.refuse("name",
                   "\"" + port.name + "\" is already that of an earlier port; choose another");
    if (other.device == port.device)
      table.refuse("device",
                   "is already that of port \"" + other.name + "\"; one device makes one port");
    const auto name_of_device = [](const PortConfig& of) { return of.device.substr(0, of.device.find(',')); };
    if (name_of_device(other) == name_of_device(port))
      table.refuse("device", "has the name of port \"" + other.name + "\"'s; give it another number, as \"net_memif7,…\"");
    if (!port.exception.empty() && other.exception == port.exception)
      table.refuse("exception", "is already that of port \"" + other.name +
                                    "\"; one interface belongs to one port, choose another name");
    const auto same = [](const auto& a, const auto& b) {
      return a && b && a->address == b->address;
    };
    if (same(other.v4, port.v4) || same(other.v6, port.v6))
      table.refuse("address",
                   "is already that of port \"" + other.name + "\"; give each port its own");
  }
}

// Two ports in one network reach the same ports of the peer, but which of them is on which cable
// only the operator knows.
void refuse_shared_network(TomlTable& table, const PortConfig& port, const std::vector<PortConfig>& others) {
  const auto shared = [](const std::optional<IpPrefix>& a, const std::optional<IpPrefix>& b) {
    if (!a || !b) return false;
    const IpPrefix& wider = a->prefix_length < b->prefix_length ? *a : *b;
    return same_network(wider, (&wider == &*a ? *b : *a).address);
  };
  for (const PortConfig& other : others) {
    if (!port.to.empty() && !other.to.empty()) continue;
    if (shared(port.v4, other.v4) || shared(port.v6, other.v6))
      table.refuse("address", "is in the network of port \"" + other.name +
                                  "\"; write to = [\"NAME\"] in both ports, the ports of the other device that each "
                                  "is to speak with, or give each port a network of its own");
  }
}

PortConfig read_port(TomlTable table, std::uint32_t cores, const std::vector<PortConfig>& others) {
  PortConfig port;
  table.read("name", port.name);
  check_name(table, port.name);
  table.read("device", port.device);
  if (port.device.empty())
    table.refuse(
        "device",
        "is missing; write a DPDK device, as \"net_af_packet0,iface=eth1\" or \"0000:01:00.0\"");
  read_addresses(table, port);
  read_gateways(table, port);
  std::uint32_t udp_port = port.udp_port, mtu = port.mtu;
  table.read("udp_port", udp_port, 1, 65535);
  port.udp_port_given = table.has("udp_port");
  if (udp_port + cores - 1 > 65535)
    table.refuse("udp_port", "leaves no room for " + std::to_string(cores) +
                                 " data cores, which take one port each; "
                                 "write a smaller one");
  table.read("mtu", mtu, kMtuMin, kMtuMax);
  port.udp_port = static_cast<std::uint16_t>(udp_port);
  port.mtu = static_cast<std::uint16_t>(mtu);
  table.read("role", port.role, kRoleNames);
  std::uint32_t vlan = 0;
  table.read("vlan", vlan, 1, kVlanMax);
  port.vlan = static_cast<std::uint16_t>(vlan);
  read_exception(table, port);
  read_partners(table, port);
  table.read("weight", port.weight, share::kWeightMin, share::kWeightMax);
  table.read("congestion", port.congestion, share::kCongestionNames);
  table.read("rate_mbit", port.rate_mbit, 0, kRateMbitMax);
  table.read("cost", port.cost, 0, proto::kPortCostMax);
  port.cost_given = table.has("cost");
  table.read("metered", port.metered);
  table.refuse_unknown_keys();
  refuse_twins(table, port, others);
  refuse_shared_network(table, port, others);
  return port;
}

void read_ports(const toml::node* node, TomlErrors& errors, WeftConfig& config) {
  if (node == nullptr) return;
  const toml::array* list = node->as_array();
  if (list == nullptr || !list->is_array_of_tables()) {
    errors.refuse(node->source().begin.line,
                  "port must be written as [[port]], with two brackets, once per port");
    return;
  }
  if (list->size() > base::kPortsMax) {
    errors.refuse((*list)[base::kPortsMax].source().begin.line,
                  "[[port]] stands " + std::to_string(list->size()) + " times; at most " +
                      std::to_string(base::kPortsMax) + " ports are possible, remove some");
    return;
  }
  for (const toml::node& item : *list) {
    config.ports.push_back(
        read_port(TomlTable(item.as_table(), "port", errors), config.engine.cores, config.ports));
    if (!errors.first.empty()) return;
  }
}

void read_health(TomlTable table, HealthConfig& health) {
  table.read("latency", health.latency, 0, kWeightOfScoreMax);
  table.read("jitter", health.jitter, 0, kWeightOfScoreMax);
  table.read("loss", health.loss, 0, kWeightOfScoreMax);
  table.read("goodput", health.goodput, 0, kWeightOfScoreMax);
  table.read("stability", health.stability, 0, kWeightOfScoreMax);
  table.read("smooth_keep_alive", health.smooth_keep_alive);
  table.refuse_unknown_keys();
  if (health.latency + health.jitter + health.loss + health.goodput + health.stability == 0)
    table.refuse("latency", "and the other four weights are all 0; a score needs one that is not");
}

void read_links(TomlTable table, LinksConfig& links) {
  table.read("strategy", links.strategy, kLinkStrategyNames);
  table.read("from", links.from);
  table.refuse_unknown_keys();
  if (links.from.size() > net::kSourcesMax)
    table.refuse("from", "has more than " + std::to_string(net::kSourcesMax) + " places");
  for (const std::string& from : links.from)
    if (!net::is_dial_source(from))
      table.refuse("from", "has \"" + from + "\"; an IP address of this machine or the name of an interface is wanted");
}

void read_migrate(TomlTable table, MigrateConfig& migrate) {
  table.read("prefer", migrate.prefer);
  MeteredUse metered = MeteredUse::kLast;
  table.read("metered", metered, kMeteredNames);
  migrate.metered_never = metered == MeteredUse::kNever;
  table.read("leave_below", migrate.leave_below, 0, 100);
  table.read("dwell_s", migrate.dwell_s, 1, 3600);
  table.read("better_by", migrate.better_by, 1, 10);
  table.refuse_unknown_keys();
  if (migrate.prefer.size() > kPreferredMax)
    table.refuse("prefer", "has more than " + std::to_string(kPreferredMax) + " places");
  for (const std::string& place : migrate.prefer)
    if (!is_word(place, kNameBytesMax) && !parse_prefix(place))
      table.refuse("prefer", "has \"" + place + "\"; the name of a port or a network as \"10.1.0.0/24\" is wanted");
}

WeftConfig read_all(const toml::table& root, TomlErrors& errors) {
  WeftConfig config;
  constexpr std::array<std::string_view, 8> kTables = {"engine", "scheduler", "disk", "health", "links", "migrate", "lab",
                                                       "port"};
  for (const auto& [key, node] : root) {
    const bool known = std::find(kTables.begin(), kTables.end(), key.str()) != kTables.end();
    const auto meant = did_you_mean(key.str(), kTables);
    if (!known)
      errors.refuse(
          key.source().begin.line,
          std::string(key.str()) + " is not known; " +
              (meant ? "did you mean \"" + std::string(*meant) + "\"?"
                     : "the file may have [engine], [scheduler], [disk], [health], [links], [migrate], [lab] and [[port]]"));
    else if (key.str() != "port" && !node.is_table())
      errors.refuse(key.source().begin.line, std::string(key.str()) + " must be a table: write [" +
                                                 std::string(key.str()) + "] on a line of its own");
  }
  const auto table = [&](const char* name) {
    return TomlTable(root[name].as_table(), name, errors);
  };
  read_engine(table("engine"), config.engine);
  TomlTable scheduler = table("scheduler");
  scheduler.read("policy", config.policy, share::kPolicyNames);
  scheduler.refuse_unknown_keys();
  TomlTable disk = table("disk");
  disk.read("direct", config.disk.direct, kDirectNames);
  disk.read("depth", config.disk.depth, 1, kDiskDepthMax);
  disk.read("fsync", config.disk.fsync);
  disk.refuse_unknown_keys();
  read_health(table("health"), config.health);
  read_links(table("links"), config.links);
  read_migrate(table("migrate"), config.migrate);
  TomlTable lab = table("lab");
  lab.read("impair", config.impair_allowed);
  lab.read("bench", config.bench_allowed);
  lab.refuse_unknown_keys();
  read_ports(root.get("port"), errors, config);
  for (PortConfig& port : config.ports) port.cost = cost_of(port, config.migrate);
  return config;
}

}  // namespace

std::uint32_t cost_of(const PortConfig& port, const MigrateConfig& migrate) {
  if (port.cost_given) return port.cost;
  const auto is_meant = [&](const std::string& place) {
    const auto network = parse_prefix(place);
    const auto inside = [&](const std::optional<IpPrefix>& own) {
      return own && network && own->address.v6 == network->address.v6 && same_network(*network, own->address);
    };
    return place == port.name || inside(port.v4) || inside(port.v6);
  };
  return static_cast<std::uint32_t>(std::ranges::find_if(migrate.prefer, is_meant) - migrate.prefer.begin());
}

ConfigResult<WeftConfig> parse_weft_toml(std::string_view text, std::string_view file) {
  TomlErrors errors{std::string(file), {}};
  const std::optional<toml::table> root = parse_toml(text, errors);
  WeftConfig config;
  if (root) config = read_all(*root, errors);
  if (!errors.first.empty()) return tl::unexpected(errors.first);
  return config;
}

ConfigResult<PortConfig> parse_port(std::string_view lines, std::uint32_t cores, const std::vector<PortConfig>& others) {
  TomlErrors errors;
  const std::optional<toml::table> root = parse_toml(lines, errors);
  PortConfig port;
  if (root) port = read_port(TomlTable(&*root, "port", errors), cores, others);
  if (errors.first.empty()) return port;
  return tl::unexpected(errors.first.substr(errors.first.find(": ") + 2));   // behind ":LINE"
}

ConfigResult<WeftConfig> load_weft_toml(const std::filesystem::path& home) {
  const std::filesystem::path file = home / "weft.toml";
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) return WeftConfig{};
  const auto text = read_config_file(file, kFileBytesMax, "name another directory by --home");
  if (!text) return tl::unexpected(text.error());
  return parse_weft_toml(*text, file.string());
}

}  // namespace weft::model
