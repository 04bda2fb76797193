// What the daemon shows and the orders it takes, as the REST API sees them: two interfaces that run::Daemon implements
// and engine/api calls. They stand here, below engine/api, so that the daemon knows nothing of HTTP.
//
// Thread:  control, all of it; every call returns at once. Orders take effect later, on the control loop.
// Values:  where a folder below already has a type for what is shown, that type is handed through unchanged; the
//          structs here only join what comes from several of them. Addresses are text where people read them.
// Bounds:  devices and folders of the configuration, kSessionsMax * kPathsMax paths, kCoresMax lanes each.
// Not here: JSON names and units (engine/api).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bep/model/config.hh"
#include "bep/model/folder.hh"
#include "bep/model/index_db.hh"
#include "bep/model/puller.hh"
#include "bep/model/stall_log.hh"
#include "bep/net/close_reason.hh"
#include "bep/net/link_manager.hh"
#include "bep/net/tcp_figures.hh"
#include "bep/proto/reason.hh"
#include "engine/base/result.hh"
#include "engine/base/time.hh"
#include "engine/base/types.hh"
#include "engine/nic/impairment.hh"
#include "engine/nic/port.hh"
#include "engine/run/bench_shown.hh"
#include "engine/run/event_log.hh"
#include "engine/run/path_wishes.hh"
#include "engine/run/session_counters.hh"
#include "engine/run/steering_shown.hh"
#include "engine/share/path_event.hh"
#include "engine/share/report.hh"
#include "engine/share/table.hh"
#include "health/link_health.hh"

namespace weft::run {

struct SystemStatus {
  base::DeviceId self{};
  std::int64_t started_unix_ms = 0;
  std::uint64_t uptime_s = 0;
  std::vector<net::ListenerStatus> listeners;
  std::vector<net::DialStatus> dials;            // last try per address
  std::vector<net::PendingDevice> pending;       // unknown devices that knocked
  net::DialCounters dial_counters{};             // since start
  net::HandshakeCounters handshakes{};
  net::LinkTotals link_totals{};                 // since start, closed links included
};

struct LinkStatus {
  std::int64_t started_unix_ms = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::string local, address;                    // ours and the peer's end, "10.0.0.2:22000"
  std::string type;                              // "tcp-client", "tcp-server"
  std::string crypto;                            // "TLS1.3-TLS_AES_128_GCM_SHA256"
  net::TcpFigures tcp{};                         // zeros: unknown
  health::LinkVerdict verdict{};                 // of the last few seconds
  bool suspect = false;                          // silent although something is waited for
  // Of our requests over it; 0: there were none.
  base::Duration answer_time{};                  // from asking to the whole answer
  std::uint64_t rate_Bps = 0;                    // of answers while it was busy
};

// One configured device that is not ourselves, with or without links.
struct DeviceStatus {
  base::DeviceId device{};
  std::string name;                              // configured, else the peer's own, else empty
  bool paused = false;
  std::uint64_t times_connected = 0;             // from no link to one, since start
  bool weft = false;                             // the peer speaks weft's datapath too
  std::string client_name, client_version;       // of the peer's Hello
  std::vector<LinkStatus> links;                 // the primary first
  [[nodiscard]] bool connected() const { return !links.empty(); }
};

struct LaneStatus {
  base::CoreId core{};
  share::LaneReport report{};
};

struct PathStatus {
  base::DeviceId device{};
  base::SessionId session{};
  base::PathId path{};
  std::string port;                              // our port's name
  std::string remote_port;                       // the peer's name of its port
  base::IpAddress local{}, remote{};
  std::uint16_t local_udp = 0, remote_udp = 0;   // of core 0
  share::PathEntry entry{};                      // state, role, score, weight
  share::PathVerdict verdict{};                  // health's newest
  health::Activity activity = health::Activity::kActive;   // of its session
  bool port_up = true;
  std::uint64_t probes = 0;                      // that health has asked for
  std::vector<LaneStatus> lanes;                 // the lanes that exist, by core
};

// One weft peer with a datapath, or that had one.
struct SessionStatus {
  base::DeviceId device{};
  SessionCounters counters{};
  std::optional<SteeringShown> steering;         // of one under way
};

struct PortStatus {
  std::string name, device;                      // as in weft.toml
  std::uint16_t udp_port = 0;                    // of core 0
  share::PathRole role = share::PathRole::kPrimary;
  std::uint16_t vlan = 0;                        // 0: untagged
  std::string exception;                         // interface of the host's kernel; empty: none
  nic::PortReport report{};
  nic::Impairment impairment{};
  bool leaving = false;                          // it was removed; its paths and its device are about to go
  std::string error;                             // why it is not open, with the remedy; empty: it is
};

// One data core. `slots_total` is its configured number of block buffers.
struct CoreStatus {
  base::CoreId core{};
  std::uint64_t turns = 0, turns_idle = 0;
  std::uint64_t handed_over = 0;
  std::uint32_t slots_free = 0, slots_total = 0;
  share::StageCycles stages{};
  std::array<std::uint64_t, static_cast<std::size_t>(share::Drop::kCount)> drops{};
};

// Since start, over all devices. Bytes are verified payload unless said otherwise.
struct TransferTotals {
  std::uint64_t bytes_verified = 0;
  std::uint64_t bytes_via_link = 0, bytes_via_paths = 0;
  std::uint64_t bytes_reused = 0;                // found on this disk, not fetched
  std::uint64_t bytes_served = 0;                // read for peers over paths
  std::uint64_t bytes_duplicate = 0;             // chunk bytes received a second time
  std::uint64_t bytes_again = 0;                 // chunk bytes sent a second time
  std::uint64_t bytes_redundant = 0;             // chunk bytes of second copies, sent on purpose
  std::uint64_t bytes_moved = 0;                 // chunk bytes sent again because their path fell silent or was left
  std::int64_t stall_longest_ms = 0;             // between two verified blocks while a transfer could go on
};

// The data side. Without ports in weft.toml: `running` is false and the lists are empty.
struct DatapathStatus {
  bool running = false;
  std::string aead;                              // "ipsec-mb", "openssl"
  std::string memory_kind;                       // what kind of pages DPDK runs on
  std::string disk_fallback;                     // why disk agents run without registered buffers; empty: they do not
  std::uint64_t cpu_ns = 0;                      // of all data cores since start
  base::Duration monitored{};                    // of control: health and migration of all paths since start
  share::Policy policy = share::Policy::kRate;
  std::vector<CoreStatus> cores;
  std::vector<PortStatus> ports;
};

// What peers did that was refused, by reason, since start.
struct RefusalStatus {
  net::CloseCounters links{};
  proto::ReasonCounters messages{};
};

class StatusSource {
 public:
  virtual ~StatusSource() = default;
  [[nodiscard]] virtual const model::Config& config() const = 0;   // prepared: our device is in it
  [[nodiscard]] virtual bool impair_allowed() const = 0;           // weft.toml [lab] impair
  [[nodiscard]] virtual base::Instant now() const = 0;             // of the clock in lane reports

  [[nodiscard]] virtual SystemStatus system_status() const = 0;
  [[nodiscard]] virtual std::vector<DeviceStatus> devices() const = 0;   // every configured one but ourselves
  // kNotFound: no such folder. A paused folder answers kPaused and zeros.
  [[nodiscard]] virtual base::Result<model::FolderStatus> folder_status(std::string_view folder) const = 0;
  // Our own device: what we lack ourselves.
  [[nodiscard]] virtual base::Result<model::Completion> completion(std::string_view folder,
                                                                   const base::DeviceId& device) const = 0;
  [[nodiscard]] virtual std::vector<model::TransferInfo> transfers() const = 0;
  [[nodiscard]] virtual TransferTotals totals() const = 0;
  [[nodiscard]] virtual const model::StallLog& stalls() const = 0; // on the clock of now()
  [[nodiscard]] virtual const model::WaitLog& gaps() const = 0;    // between chunks, of each core
  [[nodiscard]] virtual std::vector<PathStatus> paths() const = 0; // by device, then path
  [[nodiscard]] virtual std::vector<SessionStatus> sessions() const = 0;
  [[nodiscard]] virtual PoolCounters pool() const = 0;
  [[nodiscard]] virtual DatapathStatus datapath() const = 0;
  [[nodiscard]] virtual RefusalStatus refusals() const = 0;
  [[nodiscard]] virtual BenchShown bench() const = 0;
  [[nodiscard]] virtual const EventLog& events() const = 0;
};

class CommandSink {
 public:
  virtual ~CommandSink() = default;
  [[nodiscard]] virtual base::Status scan(std::string_view folder) = 0;   // kNotFound; kUnavailable: paused or refused
  virtual void scan_all() = 0;
  // Begins an orderly end; the daemon's run() returns soon after.
  virtual void shutdown() = 0;
  // The same, and the program at the place of this one goes on in this process: peers that dial meanwhile wait.
  [[nodiscard]] virtual base::Status may_hand_over() const = 0;   // kIo: there is no program
  virtual void hand_over() = 0;
  // kNotFound: no such port. Errors else: as nic::Port::set_impairment.
  [[nodiscard]] virtual base::Status impair(std::string_view port, const nic::Impairment& impairment) = 0;
  // These three until the daemon ends; weft.toml is left as it is. `why`: the sentence, where there is more to say than the
  // error has. kUnavailable: weft began without ports, so there is no engine that could have one.
  // `lines` as in model::parse_port. kInvalidConfig: they are wrong; else as run::Engine::add_port.
  [[nodiscard]] virtual base::Status add_port(std::string_view lines, std::string& why) = 0;
  // A port that could not be opened is tried again. kNotFound: no such one; else as add_port().
  [[nodiscard]] virtual base::Status reopen_port(std::string_view name, std::string& why) = 0;
  // Its paths end, then it is closed. kNotFound; kUnavailable: it leaves already.
  [[nodiscard]] virtual base::Status remove_port(std::string_view name) = 0;
  [[nodiscard]] virtual PathWishes& path_wishes() = 0;
  // As BenchRun.
  [[nodiscard]] virtual base::Status start_bench(const BenchWish& wish) = 0;
  virtual void stop_bench() = 0;
  // Until the daemon ends; weft.toml is left as it is. kUnavailable: no ports.
  [[nodiscard]] virtual base::Status set_policy(share::Policy policy) = 0;
};

}  // namespace weft::run
