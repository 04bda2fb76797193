// What config.xml says, as plain values: who we know, what we share, where we listen.
// config_xml.hh reads and edits the file; this header has only the meaning. Every field here has an
// effect in weft or, where `notices` names it, is known to have none yet: nothing is silently
// ignored.
// Words, defaults and units are Syncthing's, so that one home serves both programs.
// Threads: values; made once before start, read by anyone afterwards.
// Not here: ports, cores, memory (weft_toml.hh); certificates (bep/net).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "bep/proto/messages.hh"
#include "engine/base/types.hh"

namespace weft::model {

// A refusal in one sentence that names the file, the element and the remedy; shown to the user as
// it stands.
template <typename T>
using ConfigResult = tl::expected<T, std::string>;

inline constexpr std::uint16_t kBepPort = 22000;  // of `default` and of addresses without a port
inline constexpr std::int32_t kConnectionsChosen = 3;   // of numConnections 0, as Syncthing 2
inline constexpr int kConfigVersionWritten = 36;  // read by stock 1.19 and everything after it
inline constexpr int kConfigVersionMin = 28, kConfigVersionMax = 52;  // 1.0 … 2.1

using Compression = proto::Compression;
enum class FolderType : std::uint8_t { kSendReceive, kSendOnly, kReceiveOnly };
enum class PullOrder : std::uint8_t {
  kRandom,
  kAlphabetic,
  kSmallestFirst,
  kLargestFirst,
  kOldestFirst,
  kNewestFirst
};

struct DeviceConfig {
  base::DeviceId id{};
  std::string name;                    // may be empty: then the peer's Hello names it
  std::vector<std::string> addresses;  // as written: "dynamic" or URLs; never empty
  Compression compression = Compression::kMetadata;
  std::string cert_name;  // expected subject name; empty = "syncthing"
  bool paused = false;
  std::int32_t connections = kConnectionsChosen;   // numConnections, 1 … 128; in the file 0: choose, < 0: one
  bool untrusted = false;            // must never see plain data
  std::int32_t request_kib_max = 0;  // outstanding to serve: 0 = 32 MiB, < 0 = no limit
};

struct FolderConfig {
  std::string id;
  std::string label;
  std::filesystem::path path;  // absolute, `~` expanded
  FolderType type = FolderType::kSendReceive;
  std::vector<base::DeviceId> devices;    // sorted, each once, our own among them after prepare()
  std::int32_t rescan_interval_s = 3600;  // 0 = never
  bool fs_watcher_enabled = true;
  std::int32_t fs_watcher_delay_s = 10;
  bool ignore_perms = false;
  bool ignore_delete = false;
  bool paused = false;
  std::string marker_name = ".stfolder";
  std::int32_t conflicts_max = 10;  // copies kept per file; < 0 = all, 0 = none
  bool fsync = true;                // the inverse of disableFsync
  bool sparse = true;               // the inverse of disableSparseFiles
  PullOrder order = PullOrder::kRandom;
  std::int32_t copiers = 0;                 // files in progress: 0 = choose
  std::int32_t hashers = 0;                 // 0 = choose
  std::int32_t puller_pending_kib_max = 0;  // on links: 0 = 32 MiB
  std::int32_t puller_pause_s = 0;          // before the next try after failures: 0 = 60
  std::int32_t mtime_window_s = 0;
  // Not empty: this folder must not start, and this is the sentence to show. Set where going on
  // would cost the user something he asked for: old versions (a versioning weft does not have), files
  // that others delete (ignoreDelete), coarse times (modTimeWindowS) or secrecy (encryption for an
  // untrusted device).
  std::string refusal;
};

struct GuiConfig {
  bool enabled = true;
  bool tls = false;
  std::string address = "127.0.0.1:8384";
  std::string api_key;
  std::string user;
  std::string password_hash;  // bcrypt, as in the file
  bool skip_host_check = false;
};

struct OptionsConfig {
  std::vector<std::string> listen_addresses;  // tcp:// URLs, `default` expanded; may be empty
  std::int32_t reconnection_interval_s = 60;  // longest wait between dials, at least 5
  std::int32_t keep_temporaries_h = 24;
  std::int32_t progress_update_interval_s = 5;  // < 0 = off
  std::int32_t incoming_request_kib_max = 0;    // over all devices: 0 = 256 MiB, < 0 = no limit
  // Names that weft adds to Syncthing's options (absent in a stock file: these values).
  bool adaptive_keep_alive_enabled = true;
  std::int32_t adaptive_keep_alive_min_s = 5, adaptive_keep_alive_max_s = 120;
  bool multipath_enabled = true;
  bool random_ports_enabled = false;
  std::uint16_t random_port_range_start = 1024, random_port_range_end = 65535;
  bool random_port_persistence = true;
  std::int32_t replacement_age_threshold_s = 30;     // connectionReplacementAgeThreshold, 5 … 300
  std::int32_t replacement_priority_threshold = 10;  // 1 … 50
  std::int32_t stability_score_min = 70;             // connectionStabilityMinScore, 0 … 100
  std::int32_t priority_tcp_lan = 10, priority_tcp_wan = 30;
  std::int32_t session_park_s = 600;  // sessionParkS: how long a lost session is kept
};

struct Config {
  int version = kConfigVersionWritten;
  std::vector<DeviceConfig> devices;  // in the file's order, each id once
  std::vector<FolderConfig> folders;  // sorted by id
  GuiConfig gui;
  OptionsConfig options;
  std::vector<std::string> notices;  // what is set in the file and has no effect yet: log each once

  [[nodiscard]] const DeviceConfig* device(const base::DeviceId& id) const noexcept;
  [[nodiscard]] const FolderConfig* folder(std::string_view id) const noexcept;
};

// Completes a loaded configuration, once, with who we are, as stock does: our device is in the list
// of devices (added with `own_name` when missing) and in every folder. Fails when two devices have the
// same short ID, which would make their version counters collide.
[[nodiscard]] ConfigResult<void> prepare(Config& config, const base::DeviceId& self,
                                         const std::string& own_name);

[[nodiscard]] const char* name_of(Compression compression) noexcept;  // as in config.xml
[[nodiscard]] const char* name_of(FolderType type) noexcept;
[[nodiscard]] const char* name_of(PullOrder order) noexcept;

}  // namespace weft::model
