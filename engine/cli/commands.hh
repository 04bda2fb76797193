// The commands of `weft`, each a function from its options to an exit code. app.cc parses, these act.
// Threads: one. Errors: one sentence to `io.err`, which names the file, the element and the remedy.
// Exit codes: 0 done; 1 could not (no daemon there, disk, port taken); 2 wrong use or wrong configuration.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace weft::cli {

inline constexpr int kDone = 0, kFailed = 1, kWrong = 2;

struct Io {
  std::ostream& out;
  std::ostream& err;
};
// Prints the sentence and returns the code.
int refuse(const Io& io, int code, const std::string& sentence);

// $XDG_STATE_HOME/weft, else ~/.local/state/weft.
[[nodiscard]] std::filesystem::path default_home();

struct InitOptions {
  std::filesystem::path home;
  std::string name;                          // empty: the host's name
  std::vector<std::string> listen;           // empty: tcp://0.0.0.0:22000
  std::string gui_address;                   // empty: 127.0.0.1:8384
};
[[nodiscard]] int init_command(const InitOptions& options, const Io& io);
[[nodiscard]] int id_command(const std::filesystem::path& home, const Io& io);

struct DeviceAddOptions {
  std::filesystem::path home;
  std::string id, name;
  std::vector<std::string> addresses;        // empty: the other side dials us
};
[[nodiscard]] int device_add_command(const DeviceAddOptions& options, const Io& io);

struct FolderAddOptions {
  std::filesystem::path home;
  std::string id, label, path;
  std::string type = "sendreceive";
  std::vector<std::string> devices;          // IDs or names from the configuration
};
[[nodiscard]] int folder_add_command(const FolderAddOptions& options, const Io& io);
struct FolderShareOptions {
  std::filesystem::path home;
  std::string id;
  std::vector<std::string> devices;
};
[[nodiscard]] int folder_share_command(const FolderShareOptions& options, const Io& io);

struct StatusOptions {
  std::filesystem::path home;
  bool json = false;
};
[[nodiscard]] int status_command(const StatusOptions& options, const Io& io);

struct PolicyOptions {
  std::filesystem::path home;
  std::string name;                          // empty: show it only
};
[[nodiscard]] int policy_command(const PolicyOptions& options, const Io& io);

struct LogLevelOptions {
  std::filesystem::path home;
  std::string levels;                        // as base::parse_log_levels; empty: show them only
};
[[nodiscard]] int log_level_command(const LogLevelOptions& options, const Io& io);

struct PortAddOptions {
  std::filesystem::path home;
  std::string name, device;                  // device empty: one that could not be opened is tried again
  std::vector<std::string> addresses, gateways, to;
  std::optional<std::uint32_t> udp_port, mtu, vlan, weight, rate_mbit;
  std::string role, exception, congestion;   // empty: as weft.toml has them when they are left out
};
[[nodiscard]] int port_add_command(const PortAddOptions& options, const Io& io);
struct PortRemoveOptions {
  std::filesystem::path home;
  std::string name;
};
[[nodiscard]] int port_remove_command(const PortRemoveOptions& options, const Io& io);

// What there is of paths, or a wish for one (engine/run/path_wishes.hh).
struct PathsOptions {
  std::filesystem::path home;
  std::string verb;                          // add, probe, switch, close; empty: show them
  std::string path, device;                  // "left" or "left:right"; device: an ID, where several have such a path
  std::uint32_t deadline_ms = 2000;          // of probe
};
[[nodiscard]] int paths_command(const PathsOptions& options, const Io& io);
struct MigrateOptions {
  std::filesystem::path home;
  std::string from, to, device;              // from and to: paths; both or none
  bool explain = false, automatic = false;
};
[[nodiscard]] int migrate_command(const MigrateOptions& options, const Io& io);

struct LabOptions {
  std::vector<std::string> scenarios;        // files
  std::string ports;                         // a file over their ports; empty: none
  std::optional<std::uint32_t> seed;         // instead of theirs
  std::string junit, json;                   // written there; empty: not
  std::filesystem::path directory;           // temporary files go there; empty: $TMPDIR or /tmp
  std::filesystem::path keep;                // go there and stay; empty: they go
};
// kFailed when an expectation did not hold. Blocks; SIGINT, SIGTERM and SIGHUP end it in order.
[[nodiscard]] int lab_command(const LabOptions& options, const Io& io);

struct BenchOptions {
  std::filesystem::path home;
  std::string device;                        // name or ID, of the running daemon; empty: two wefts are started for it
  std::string from = "memory", to = "memory";   // or "disk"
  bool verify = false;                       // hash what goes to memory
  std::uint32_t seconds = 10, block_kib = 1024;
  std::uint32_t paths = 2, mtu = 1500, cores = 1;   // of wefts that are started
  bool one_process = false;                  // both ends here, on one thread (run/inner_bench.hh)
  bool raw = false;                          // the floor instead (run/raw_bench.hh)
  std::string json;                          // written there; "-": instead of text
  std::filesystem::path directory;           // homes, sockets and files on the disk go there; empty: $TMPDIR or /tmp
};
[[nodiscard]] int bench_command(const BenchOptions& options, const Io& io);

// Checks the configuration, tells the running daemon to go on as the program that stands in its place now, and waits for that.
[[nodiscard]] int handover_command(const std::filesystem::path& home, const Io& io);

// Blocks until SIGINT, SIGTERM or a shutdown by REST.
[[nodiscard]] int serve_command(const std::filesystem::path& home, const Io& io);

}  // namespace weft::cli
