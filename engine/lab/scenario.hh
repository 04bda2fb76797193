// A scenario as checked values: two wefts, the links between them, what is moved, when what goes wrong, and what must
// hold. Read from TOML by read_scenario(); README.md lists every key. Two of them meet in one run of the command: the
// scenario says how links are, and a file of ports (read_ports()) says on which devices they are, so that the same
// scenario runs over shared memory and over network cards.
// Units: as in the names; megabit and megabyte are 10^6. Threads: values.
// Errors: one sentence with file, line, key and remedy; nothing has been started then.
// Not here: what is done with it (runner.hh), how it is judged (judge.hh).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bep/model/config.hh"
#include "engine/base/limits.hh"

namespace weft::lab {

using model::ConfigResult;

inline constexpr std::size_t kRunsMax = 32, kTransfersMax = 16, kEventsMax = 256;
inline constexpr std::uint32_t kFilesMax = 100'000, kFlapsMax = 10'000;
inline constexpr double kMegabytesMax = 1e6, kSecondsMax = 86'400;

// What a link is like, in each direction, beside what its hardware is.
struct Shape {
  double rate_mbit = 0;                    // 0: no limit
  double delay_ms = 0, jitter_ms = 0;      // one way
  double loss_percent = 0;
  double queue_ms = 50;                    // the buffer in front of the rate
  friend bool operator==(const Shape&, const Shape&) = default;
};

// One end of a link. A port of a weft started here wants a device, or none: then shared memory is made up.
struct PortSpec {
  std::string device;                      // DPDK's device string; empty: memif
  std::vector<std::string> address;        // "10.1.0.1/24"; with a device only
  std::string port;                        // its name in an attached weft's weft.toml; empty: the link's name
};

struct Link {
  std::string name;
  Shape shape;
  std::uint32_t mtu = 1500;
  PortSpec a, b;
  std::uint32_t line = 0;                  // in the file that said so last
};

// A weft that runs already. Empty url: it is started here.
struct SideSpec {
  std::string url;                         // "http://192.0.2.7:8384"
  std::string api_key;
  std::string folder = "lab";              // the folder that both share
  [[nodiscard]] bool attached() const { return !url.empty(); }
};

struct Transfer {
  bool from_a = true;
  double size_mb = 0;                      // all files together
  std::uint32_t files = 1;
};

struct Event {
  enum class Do : std::uint8_t { kSilence, kHeal, kImpair, kLinkDown, kLinkUp, kFlaps, kPolicy };
  Do what = Do::kSilence;
  // One of both. Seconds count from the run's first verified block, percent are of its payload.
  std::optional<double> at_s, at_percent;
  std::vector<std::size_t> links;          // indexes into Scenario::links; none for kPolicy
  Shape shape;                             // kImpair
  std::string policy;                      // kPolicy
  // kFlaps: so many in so many seconds, each down for a time between the two.
  std::uint32_t count = 0;
  double seconds = 0, down_ms_min = 50, down_ms_max = 500;
  bool by_link_down = false;               // the port says so, instead of silence
};

// What must hold at the end of a run; what is not set is not asked. "Alone": the run that has only that link.
struct Expect {
  std::optional<double> goodput_mbit_min;
  std::optional<double> of_sum_min;        // share of the sum of the run's links alone
  std::optional<double> of_best_min;       // share of the best of those of them that have a run alone
  std::map<std::size_t, double> of_shares; // goodput at least the sum of link alone x share
  std::optional<double> of_up_min;         // share of what the links that were up carry alone, over the whole run
  std::map<std::size_t, double> link_share_min;   // of the payload that came over paths
  std::optional<double> stall_ms_max;      // between two verified blocks, over the whole run
  std::optional<double> event_stall_ms_max;       // the same, in the second that follows an event
  std::optional<double> back_in_use_s_max; // from healing until half of what the link carried before
  std::optional<double> duplicate_share_max;      // bytes received twice, of the payload
  std::optional<double> tls_share_max;     // of the payload that went over the TLS link for want of a path
  std::optional<double> seconds_max;
};

struct Run {
  std::string name;
  std::vector<std::size_t> links;          // indexes: those that are up from the start
  double scale = 1;                        // of every transfer's size
  double deadline_s = 120;
  std::vector<Event> events;
  Expect expect;
  std::uint32_t line = 0;                  // in the file
};

struct Scenario {
  std::string file, title;
  std::uint32_t seed = 1;
  std::uint32_t cores = 1;                 // data cores of each weft started here
  std::string policy = "rate";             // of each weft started here
  double from_percent = 20, to_percent = 95;   // of the payload: between them goodput counts
  bool impair = true, bench = false;       // [lab] of each weft started here; not in the file
  SideSpec a, b;
  std::vector<Link> links;
  std::vector<Transfer> transfers;
  std::vector<Run> runs;

  // The run that shows what the link carries by itself, without events; null: there is none.
  [[nodiscard]] const Run* alone(std::size_t link) const noexcept;
  [[nodiscard]] double payload_bytes(const Run& run) const noexcept;
};

[[nodiscard]] ConfigResult<Scenario> read_scenario(const std::filesystem::path& file);
// From text; `file` is for the messages.
[[nodiscard]] ConfigResult<Scenario> parse_scenario(std::string_view text, const std::string& file);

// Lays a file of ports ([a], [b], [[link]]) over the scenario: what it says of a link of that name holds.
[[nodiscard]] ConfigResult<void> read_ports(const std::filesystem::path& file, Scenario& scenario);
[[nodiscard]] ConfigResult<void> parse_ports(std::string_view text, const std::string& file, Scenario& scenario);

}  // namespace weft::lab
