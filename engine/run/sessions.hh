// All sessions of this device: one WeftSession per weft peer, their places, and the control tick that carries the
// control plane of all paths: cores' events and reports in, health and migration, table and commands out.
// They are a pool: a device that goes leaves its session parked, with its files, keys and what health knows, and finds it there
// for as long as it usually is away. A newcomer to a full house takes the place of whoever has been away longest, and where all
// are present waits for one that goes, with its link only.
// Thread: control. Bounds: kSessionsMax peers with a datapath at one time, parked ones too; one OFFER or two of each that waits.
// Knows no socket, timer or clock: Datapath gives it those of the daemon, the simulator virtual ones.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "bep/model/stall_log.hh"
#include "engine/run/weft_session.hh"

namespace weft::run {

class Sessions {
 public:
  // With work under way, a block that is done is heard of within kTickBusy; without, paths need no more than kTickIdle,
  // or kHealthEvery while one is asked and not yet believed (kProbing).
  static constexpr base::Duration kTickBusy = base::milliseconds(2);
  static constexpr base::Duration kTickIdle = base::milliseconds(20);
  // At most: where no session is to be looked at earlier.
  static constexpr base::Duration kTickRest = base::milliseconds(50);
  // Health looks at paths this often, whatever the tick.
  static constexpr base::Duration kHealthEvery = base::milliseconds(10);

  // `engine` and `host` outlive this.
  Sessions(DataSide& engine, SessionHost& host, const base::DeviceId& self, share::Policy policy,
           const SessionSettings& settings = {});
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // One control tick. tick_after() says when the next one is due; what a link brings, and open(), may bring it nearer.
  void tick();
  [[nodiscard]] base::Duration tick_after() const;
  // Of all sessions. Cores take it up with the next table, within kHealthEvery; transfers go on meanwhile.
  void set_policy(share::Policy policy) { table_.policy = policy; }
  [[nodiscard]] share::Policy policy() const { return table_.policy; }
  // Ports of the engine came, or leave: all sessions are told. One that leaves is closed (DataSide::close_port) by a later
  // tick, once no path has it and no core touches it.
  void on_ports_changed();

  // ---- as model::Fabric (bep/model/fabric.hh)
  [[nodiscard]] bool usable(const base::DeviceId& device) const;
  void open(const base::DeviceId& device, const model::RemoteFile& file, int fd, bool direct, model::OpenDone done);
  void fetch(const model::BlockOrder& order, model::BlockDone done);
  [[nodiscard]] std::uint32_t window_blocks(std::uint32_t block_bytes) const;
  void close(std::uint32_t transfer, std::function<void()> gone);

  // ---- links to wefts
  void on_link_up(const base::DeviceId& device, std::unique_ptr<SessionLink> link);
  void on_link_down(const base::DeviceId& device);
  // A private message that came by the link of this number. An error: the peer broke the protocol, close the link.
  [[nodiscard]] base::Status handle_private(const base::DeviceId& device, std::uint64_t link, int type,
                                            base::Bytes bytes);

  // ---- wishes
  // The sessions under way, of all devices or of one.
  [[nodiscard]] std::vector<WeftSession*> active_sessions(const std::optional<base::DeviceId>& device) const;

  // ---- to show
  struct SessionShown {
    base::DeviceId peer{};
    base::SessionId slot{};
    SessionCounters counters;
    // Of a session under way; else zeros and none.
    share::SessionReport totals;      // summed over cores
    std::vector<PathShown> paths;
  };
  [[nodiscard]] std::vector<SessionShown> shown() const;
  // nullopt: no session under way with this device.
  [[nodiscard]] std::optional<SteeringShown> steering(const base::DeviceId& device) const;
  [[nodiscard]] PoolCounters pool() const;
  // Times in which a receiving core of ours got no new chunk although it had asked (share::ChunkGap).
  [[nodiscard]] const model::WaitLog& gaps() const { return gaps_; }
  [[nodiscard]] base::Duration monitored() const { return monitored_; }   // spent on health and migration of all paths
  [[nodiscard]] std::uint64_t tables_late() const { return tables_late_; }

 private:
  // A device that is here and has no place: its link, and what it has offered meanwhile, first and last.
  struct Waiting {
    base::DeviceId device{};
    std::unique_ptr<SessionLink> link;
    std::vector<proto::Offer> offers;
  };
  WeftSession* session_of(const base::DeviceId& device) const;
  void begin_session(Waiting newcomer, base::SessionId slot);
  void seat_waiting();
  void note_gaps();
  void waits_no_more(const base::DeviceId& device);
  [[nodiscard]] std::optional<base::SessionId> free_slot();
  void follow_leaving(std::uint32_t port);

  DataSide& engine_;
  SessionHost& host_;
  const base::DeviceId self_;
  const SessionSettings settings_;
  std::uint64_t given_up_ = 0, refused_ = 0;
  std::vector<Waiting> waiting_;         // longest first
  SessionCounters::SetUps gone_begun_, gone_resumed_;   // of sessions whose place another took
  base::Instant health_due_{};
  base::Duration monitored_{};
  // A port that leaves: the last order to all cores about it, and those that have not answered.
  struct Leaving {
    std::optional<share::Command::Kind> ordered;
    std::uint32_t cores_left = 0;
  };
  std::array<Leaving, base::kPortsMax> leaving_{};
  model::WaitLog gaps_;
  std::array<std::array<std::uint64_t, base::kSessionsMax>, base::kCoresMax> gaps_seen_{};
  share::PathTable table_;
  std::uint64_t tables_late_ = 0;
  std::map<base::DeviceId, std::unique_ptr<WeftSession>> sessions_;
  // Sessions of devices that went and whose slot another took. Work posted before may still name them, and has run by
  // the second tick from now.
  std::vector<std::unique_ptr<WeftSession>> retired_, retired_before_;
  std::unordered_map<std::uint32_t, WeftSession*> transfers_;
  std::uint32_t next_transfer_ = 1;
};

}  // namespace weft::run
