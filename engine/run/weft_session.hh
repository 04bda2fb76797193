// One session with a weft peer, on control: what both offered, its paths, keys and health, and the files open on it in
// either direction. It outlives links: a link that comes back within kParkTime finds transfers where they were.
//
//   link up -> both send OFFER -> same previous session on both sides: resume; else, once both ends have a port, a new one:
//     secret and ID from the link's TLS exporter; candidates = local ports x remote ports; lanes on every common core;
//     challenges -> health -> migrate -> PathTable
//   ports change at either end -> OFFER again -> paths of ports that left drain and go, new pairs become candidates
//   OPEN (batched) -> GRANT -> fetches by data cores -> RELEASE
//
// Thread: control. Owner: Datapath, one per device, for as long as the device is known.
// Bounds: kFilesMax files served to the peer, kFilesMax opened from it, in both cases also the cores' file tables.
// Source: design.md §3; messages bep/proto/private_messages.hh; keys engine/wire/FORMAT.md §3.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/run/core_channel.hh"
#include "engine/run/park_time.hh"
#include "engine/run/session_counters.hh"
#include "engine/run/session_settings.hh"
#include "engine/run/session_world.hh"
#include "engine/run/steering_shown.hh"
#include "health/monitor.hh"
#include "health/score_told.hh"
#include "migrate/path_book.hh"
#include "migrate/steering.hh"

namespace weft::run {

struct PathShown {
  base::PathId id{};
  std::uint32_t local_port = 0, remote_port = 0;   // numbers
  std::string local_name, remote_name;
  base::IpAddress local{}, remote{};
  std::uint16_t local_udp = 0, remote_udp = 0;     // of core 0
  share::PathEntry entry{};
  share::PathVerdict verdict{};                    // health's newest
  health::Activity activity = health::Activity::kActive;   // of the session
  bool port_up = true;
  std::uint64_t probes = 0;                        // that health has asked for
  std::vector<share::LaneReport> lanes;            // one per core
};

class WeftSession {
 public:
  static constexpr std::size_t kFilesMax = 1024;
  // Without a link and without a usable path, for this long at first (park_time.hh): the session ends.
  static constexpr base::Duration kParkTime = ParkTime::kFirst;
  // Without a usable path for this long, the link takes over. Going there and back costs every open file a round trip and
  // the blocks under way; where paths flap in turn one of them is often back sooner.
  static constexpr base::Duration kLinkTakesOverAfter = base::milliseconds(100);
  // A peer's changes of its ports are followed this often at most: each may make all its lanes anew, on every core.
  static constexpr base::Duration kPortsEvery = base::milliseconds(250);

  WeftSession(DataSide& engine, SessionHost& host, base::SessionId slot, const base::DeviceId& self,
              const base::DeviceId& peer, const SessionSettings& settings = {});
  ~WeftSession();
  WeftSession(const WeftSession&) = delete;
  WeftSession& operator=(const WeftSession&) = delete;

  // ---- the link
  void on_link_up(std::unique_ptr<SessionLink> link);
  void on_link_down();
  // `link`: the number of the link that it came by.
  void handle_offer(std::uint64_t link, const proto::Offer& offer);
  void handle_open(const proto::Open& open);
  void handle_grant(const proto::Grant& grant);
  void handle_release(const proto::Release& release);
  void handle_paths(std::uint64_t link, const proto::Paths& paths);

  // ---- wishes (migrate/steering.hh); session_moves.cc
  using PathDone = std::function<void(migrate::PathError, base::Duration rtt)>;
  [[nodiscard]] migrate::PathError switch_to(base::PathId path);
  [[nodiscard]] migrate::PathError move(base::PathId from, base::PathId to);
  [[nodiscard]] migrate::PathError close_path(base::PathId path);
  [[nodiscard]] migrate::PathError open_path(std::string_view local, std::string_view remote);   // names of ports
  [[nodiscard]] migrate::PathError unpin();
  void probe_path(base::PathId path, base::Duration deadline, PathDone done);
  [[nodiscard]] SteeringShown steering() const;

  // ---- our ports
  void on_ports_changed();             // some came, or leave
  [[nodiscard]] bool uses_port(std::uint32_t port) const;

  // ---- the model (model::Fabric)
  void open(std::uint32_t transfer, const model::RemoteFile& file, int fd, bool direct, model::OpenDone done);
  void fetch(const model::BlockOrder& order, model::BlockDone done);
  void close(std::uint32_t transfer, std::function<void()> gone);
  [[nodiscard]] bool usable() const { return active_ && usable_; }

  // ---- the control tick
  // Health and migration of all paths; writes this session's rows of `table`, next keys to cores. Returns at once while its
  // paths rest and nothing is due (health::look_every).
  void tick(share::PathTable& table, base::Instant now);
  void flush();                        // sends what OPEN, GRANT and RELEASE have gathered
  [[nodiscard]] base::Instant next_look() const { return look_at_; }   // of tick(), while nothing happens
  [[nodiscard]] bool active() const { return active_; }
  [[nodiscard]] bool is_probing() const { return active_ && book_.is_probing(); }   // a path is asked and not yet believed
  [[nodiscard]] bool busy() const { return !transfers_.empty() || !served_.empty() || opening_ > 0; }
  [[nodiscard]] bool linked() const { return link_ != nullptr; }
  // Active, and its device is away.
  [[nodiscard]] bool parked() const { return active_ && away_since_ != base::kNever; }
  [[nodiscard]] base::Instant away_since() const { return away_since_; }   // kNever: it is here
  void give_up(const char* why) { if (active_) end(why); }   // its place is needed

  // ---- to show
  [[nodiscard]] std::vector<PathShown> paths() const;
  [[nodiscard]] const SessionCounters& counters() const { return counters_; }
  [[nodiscard]] std::uint64_t bytes_held() const;   // here and on the cores, near enough
  [[nodiscard]] const base::DeviceId& peer() const { return peer_; }
  [[nodiscard]] base::SessionId slot() const { return slot_; }

 private:
  struct Path {
    bool exists = false;
    std::uint32_t local = 0, remote = 0;                      // ports, by number
    std::uint32_t local_generation = 0, remote_generation = 0;
    std::uint32_t lane_epoch = 0;                             // of its lanes
    std::uint32_t rss_entries = 0;                            // of the remote port's card
    std::string local_name, remote_name;
    share::PathRole role_of_ports = share::PathRole::kPrimary;
    bool metered = false;
    std::uint32_t cost = 0;                                   // of both ports
    std::uint16_t life = 0;                                   // in the plan, when it was made
    std::uint64_t speed_Bps = 0;                              // of the slower one; 0: unknown
    share::Flow flow{};                                       // both UDP ports as core 0 receives on them
    std::uint16_t packet_bytes = 0;
    share::Congestion congestion = share::Congestion::kCubic;
    std::uint32_t queue_packets_max = 0;
    bool port_was_up = true;
    share::PathVerdict verdict{};                             // the last tick's
    health::ScoreTold told;
    std::uint64_t probes = 0;
    bool fell = false;                                        // and has not returned
    std::array<std::uint32_t, base::kCoresMax> tx_key_sent{}, rx_key_sent{};   // newest epoch handed out, by core
  };
  struct Transfer {
    enum class State : std::uint8_t { kOpening, kRegistering, kOpen, kDead };   // kDead: waits for the model's close()
    State state = State::kOpening;
    std::uint32_t core = 0;
    std::uint32_t file = 0;                                   // control's number at the core
    std::uint32_t handle = 0;                                 // the peer's
    bool file_open = false;                                   // the core has (or will have) it
    int fd = -1;
    bool direct = false;
    bool asked = false;                                       // OPEN went out on the present link
    proto::Open::File wire;
    model::OpenDone done;
    std::function<void()> on_gone;                            // close() was called
  };
  struct Served {
    base::UniqueFd fd;
    std::uint32_t open_id = 0;
    bool granted = false;              // the core has it; until then no GRANT was queued
    bool closing = false;
  };

  void begin(base::Instant now);
  void follow_peers_ports(base::Instant now);
  void end(const char* why);
  // session_paths.cc
  void make_offer();
  void send_offer();
  void take_ports(const proto::Offer& offer);
  void look_at_ports(base::Instant now);   // ours and the peer's: paths come and go with them; the first begin a session
  void add_candidates(base::Instant now);
  [[nodiscard]] base::PathId id_of(std::uint32_t local, std::uint32_t remote) const;
  [[nodiscard]] bool knows_remote(const base::IpAddress& address) const;
  bool add_path(std::uint32_t local, std::uint32_t remote, base::Instant now);
  [[nodiscard]] share::Flow flow_of(const Path& path, std::uint32_t core) const;
  void handle_change(const migrate::PathChange& change);
  void add_lanes(base::PathId path, base::Instant now);
  [[nodiscard]] std::optional<share::PacketKey> key(base::PathId path, std::uint32_t core, bool tx,
                                                    std::uint32_t epoch) const;
  void supply_keys(const share::LaneReport& lane, std::uint32_t core);
  void log_change(const migrate::PathChange& change) const;
  // session_files.cc
  void grant(std::uint32_t open_id, std::uint32_t core, base::Result<model::ServedFile> file);
  void on_granted(std::uint32_t transfer, std::uint32_t handle);
  void fail_open(std::uint32_t transfer, base::Error error);
  void forget(std::uint32_t transfer);
  // False for a lane that is to go: a core reports it until the command reaches it, when the same path id may have another.
  [[nodiscard]] bool is_ours(const share::LaneReport& lane) const;
  void note_usable(base::Instant now);
  // session_moves.cc
  [[nodiscard]] migrate::Settings steering_settings() const;
  [[nodiscard]] std::string name_of(base::PathId path) const;
  [[nodiscard]] std::vector<std::string> names_of(migrate::PathSet paths) const;
  void look_at_paths(std::span<const health::PathReport> reports);
  void steer(base::Instant now);
  void follow_plan(base::Instant now);
  void follow_peers_plan(base::Instant now);
  void send_plan();
  void tell(const migrate::MigrationNews& news);
  void tell_path(const char* type, base::PathId path, share::PathReason why) const;
  [[nodiscard]] migrate::PathError after_wish(migrate::PathError error);
  void note_back(base::Instant now);
  void note_set_up(base::Instant now);
  void note_verdict(const share::PathVerdict& verdict, base::Instant now);
  void count_change(const migrate::PathChange& change);
  void cancel_fetches();
  void repeat_grants();
  void schedule_flush();
  [[nodiscard]] bool we_are_low() const { return self_ < peer_; }
  [[nodiscard]] share::Command command(share::Command::Kind kind) const;

  DataSide& engine_;
  SessionHost& host_;
  const base::SessionId slot_;
  const base::DeviceId self_, peer_;
  const SessionSettings settings_;
  std::unique_ptr<SessionLink> link_;
  proto::Offer our_offer_;                     // on the present link: its ports are as last sent, the rest as at first
  bool offer_awaited_ = false;                 // the peer's first OFFER on the present link has not come
  proto::Offer peer_offer_;                    // that one; of its ports peer_ports_ says what they are now
  std::array<proto::Offer::Port, base::kPortsMax> peer_ports_{};
  std::optional<proto::Offer> ports_newest_;   // a later OFFER, of which the ports are not taken yet
  base::Instant ports_taken_{};
  // A number that is given to another port, or back to the same one, needs this generation: else keys would serve twice.
  std::array<std::uint64_t, base::kPortsMax> peer_generations_least_{};
  ParkTime park_;
  base::Instant away_since_ = base::kNever;    // without link and usable path; also after the session's end
  base::Instant linked_at_ = base::kNever;     // while no path was usable since
  bool resumed_ = false;                       // by the present link
  std::vector<base::IpAddress> remotes_;       // addresses this peer has ever offered and we took up

  // The session under way.
  bool active_ = false;
  std::uint32_t serial_ = 0;                   // grows with each session: late answers of workers are recognised
  std::array<std::byte, 16> id_{};             // zeros: none
  std::array<std::byte, 32> secret_{};
  std::uint64_t secret_of_ = 0;                // number of the newest link that gave one
  std::uint32_t receiver_base_ours_ = 0, receiver_base_peers_ = 0;
  std::uint32_t cores_ = 0;                    // that both ends have
  std::uint32_t chunk_bytes_ = 0;
  std::array<Path, base::kPathsMax> paths_{};
  std::uint32_t lane_epoch_;                   // of the lanes added last; begins at random, as others used the same place
  health::Monitor monitor_;
  migrate::PathBook book_;
  migrate::Steering steering_;
  base::FixedVector<migrate::PathView, base::kPathsMax> views_;   // of the last look
  std::vector<std::pair<base::PathId, PathDone>> probing_;
  std::optional<migrate::PathPlan> plans_newest_;   // the peer's, not taken yet
  base::Instant plan_taken_{};
  std::array<std::uint16_t, base::kPathsMax> life_least_{};   // of a path that is made now: one above that of the last
  bool usable_ = false;                        // by paths, or until lately
  base::Instant pathless_since_ = base::kNever;
  base::Instant look_at_{};                    // the next look at the paths
  SessionCounters counters_;
  bool candidates_due_ = false;                // a path has gone: its id, and its place among the paths, are free

  std::map<std::uint32_t, Transfer> transfers_;   // by the model's transfer number; also the open_id on the wire
  // By (core, handle): each core numbers its files for itself.
  std::map<std::pair<std::uint32_t, std::uint32_t>, Served> served_;
  std::uint32_t opening_ = 0;                     // OPENs of the peer that the model has not answered
  std::uint32_t next_core_ = 0;
  proto::Open open_batch_;
  proto::Grant grant_batch_;
  proto::Release release_batch_;
  bool flush_scheduled_ = false;
};

}  // namespace weft::run
