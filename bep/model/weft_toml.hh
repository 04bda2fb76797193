// weft.toml: what Syncthing has no word for: cores, memory, scheduler, disk, ports. Stands beside
// config.xml. A missing file means: no ports, so plain BEP over links. Everything in it is
// optional; everything that is there must be right: an unknown key, a wrong type or a value out of
// bounds is refused in one sentence with file:line, key and remedy, and nothing starts.
// Threads: values; read once before start.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bep/model/config.hh"
#include "bep/model/link_choice.hh"
#include "engine/base/limits.hh"
#include "engine/base/types.hh"
#include "engine/share/table.hh"

namespace weft::model {

enum class AeadChoice : std::uint8_t { kAuto, kIpsecMb, kOpenssl };
enum class DirectIo : std::uint8_t { kAuto, kAlways, kNever };

inline constexpr std::uint32_t kSlotsMax = 16384;        // 2 GiB of buffers; SlotRef has 16 bits
inline constexpr std::uint32_t kMemoryMbMax = 1u << 20;  // 1 TiB: a typing error, not a machine
inline constexpr std::uint32_t kDiskDepthMax = 1024;    // more than any disk takes at once
inline constexpr std::uint32_t kWeightOfScoreMax = 1000;
inline constexpr std::uint32_t kRateMbitMax = 1'000'000;   // 1 Tbit/s
inline constexpr std::uint32_t kMtuMin = 1280, kMtuMax = 9216;  // IPv6's least; what cards call jumbo

struct EngineConfig {
  std::uint32_t cores = 1;          // data cores, 1 … kCoresMax
  std::vector<std::uint32_t> cpus;  // empty, or one CPU number per data core
  std::uint32_t memory_mb = 128;    // for DPDK
  std::uint32_t slots = 384;        // kSlotBytes each, per data core
  AeadChoice aead = AeadChoice::kAuto;
  std::vector<std::string> eal_args;  // passed to DPDK as they are
};

struct DiskConfig {
  DirectIo direct = DirectIo::kAuto;
  std::uint32_t depth = 32;  // jobs in flight per data core
  bool fsync = true;
};

struct IpPrefix {
  base::IpAddress address{};
  std::uint8_t prefix_length = 0;
};

struct PortConfig {
  std::string name;                // unique; letters, digits, - _ .
  std::string device;              // DPDK device string, PCI address; unique
  std::optional<IpPrefix> v4, v6;  // at least one
  std::optional<base::IpAddress> gateway_v4, gateway_v6;
  std::uint16_t udp_port = 22100;  // of core 0; core i has udp_port + i
  bool udp_port_given = false;     // else randomPortsEnabled chooses it
  std::uint16_t mtu = 1500;
  share::PathRole role = share::PathRole::kPrimary;
  std::uint16_t vlan = 0;          // 1 … 4094, 0: untagged
  std::string exception;           // name of a TAP interface that gets what is not ours; empty: none
  std::vector<std::string> to;     // names of the peer's ports that it speaks with; empty: all it can reach
  std::uint32_t weight = share::kWeightDefault;   // of its paths under Policy::kWeighted
  share::Congestion congestion = share::Congestion::kCubic;
  std::uint32_t rate_mbit = 0;     // of UDP payload that leaves by it, all lanes together; 0: no ceiling
  std::uint32_t cost = 0;          // of its paths: the cheapest are used, the others stand by
  bool cost_given = false;
  bool metered = false;            // its paths are used when no other works, or never (MigrateConfig)
};

// Which paths are used, and when that changes by itself (migrate/chooser.hh).
struct MigrateConfig {
  std::vector<std::string> prefer; // names of ports or networks, best first: their place is the cost of ports that name none
  bool metered_never = false;      // [migrate] metered = "never"
  std::uint32_t leave_below = 30;  // score, 0 … 100
  std::uint32_t dwell_s = 5;
  double better_by = 1.2;          // 1 … 10
};
inline constexpr std::size_t kPreferredMax = 64;

// Parts of a path's score, in any unit; not all 0 (health/goodness.hh).
struct HealthConfig {
  std::uint32_t latency = 40, jitter = 20, loss = 20, goodput = 10, stability = 10;   // each at most kWeightOfScoreMax
  bool smooth_keep_alive = false;  // intervals between the steps of the table, too
};

// Links of which we are the dialler, and requests over several of them.
struct LinksConfig {
  std::vector<std::string> from;   // addresses or interfaces of ours (net/dial_source.hh), at most net::kSourcesMax
  LinkStrategy strategy = LinkStrategy::kRate;
};

struct WeftConfig {
  EngineConfig engine;
  share::Policy policy = share::Policy::kRate;
  DiskConfig disk;
  HealthConfig health;
  LinksConfig links;
  MigrateConfig migrate;
  bool impair_allowed = false;    // [lab] impair: the impairment stage may be switched on by REST
  bool bench_allowed = false;     // [lab] bench: peers may measure with data made up here (engine/run/bench_files.hh)
  std::vector<PortConfig> ports;  // at most kPortsMax, in the file's order
};

// Reads home/weft.toml; defaults when there is none.
[[nodiscard]] ConfigResult<WeftConfig> load_weft_toml(const std::filesystem::path& home);
// The same from text; `file` is only for the messages.
[[nodiscard]] ConfigResult<WeftConfig> parse_weft_toml(std::string_view text,
                                                       std::string_view file);
// One port alone, for an engine that runs: `lines` are those of a [[port]] table without its heading, `others` the ports it
// must not clash with. The refusal names no file and line.
[[nodiscard]] ConfigResult<PortConfig> parse_port(std::string_view lines, std::uint32_t cores,
                                                  const std::vector<PortConfig>& others);
// As the port says, else its first place among those preferred. Ports of a whole file have it in `cost` already.
[[nodiscard]] std::uint32_t cost_of(const PortConfig& port, const MigrateConfig& migrate);
// The commented example that `weft init` writes: loads as it stands (all defaults), and its
// commented lines are a working two-port configuration.
[[nodiscard]] std::string_view weft_toml_example() noexcept;

}  // namespace weft::model
