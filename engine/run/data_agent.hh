// The data agent: one core's datapath for all sessions, ports and lanes. Its turn:
//   commands -> table -> receive (open, replay, frames) -> disk answers -> timers -> blocks (hash, write, read)
//            -> pick, seal, send -> report
// Everything that decides lives elsewhere (sched/, serve_side, fetch_side); this class is the order of the calls.
// Thread: the core's own; construction by control before. Bounds: a turn handles at most kBurst datagrams per port,
// kCommandsPerTurn commands and kHashBytesPerTurn of hashing, so a turn lasts some 100 us with two ports.
// No allocation, lock, exception, blocking call or formatted text after construction.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/base/index_set.hh"
#include "engine/base/time.hh"
#include "engine/run/disk_gate.hh"
#include "engine/run/fetch_side.hh"
#include "engine/run/file_table.hh"
#include "engine/run/lane_table.hh"
#include "engine/run/reject_table.hh"
#include "engine/run/serve_side.hh"
#include "engine/run/tx_batch.hh"
#include "engine/share/command.hh"
#include "engine/share/datagram_port.hh"
#include "engine/share/report.hh"
#include "engine/share/snapshot.hh"
#include "engine/share/spsc_ring.hh"
#include "engine/share/stages.hh"
#include "engine/share/table.hh"
#include "engine/wire/aead.hh"
#include "engine/wire/challenges.hh"
#include "sched/picker.hh"
#include "sched/tail_resend.hh"

namespace weft::run {

// What crosses this core's border. Everything pointed at outlives the agent.
struct CoreWiring {
  share::SpscRing<share::Command>* commands = nullptr;
  share::SpscRing<share::Event>* events = nullptr;
  share::Snapshot<share::PathTable>* table = nullptr;
  share::Snapshot<share::CoreReport>* report = nullptr;
  share::SpscRing<share::DiskJob>* disk_jobs = nullptr;
  share::SpscRing<share::DiskDone>* disk_dones = nullptr;
  // Datagrams that came to the wrong core: [from other core] in, [to other core] out; own place unused.
  std::array<share::SpscRing<share::RxDatagram>*, base::kCoresMax> handed_in{}, handed_out{};
};

struct DataAgentConfig {
  base::CoreId core{};
  // This core's views, by PortId; null where there is none. Control sets a place on all cores before it says kAddPort to
  // any, and leaves it until kForgetPort is answered.
  std::span<share::DatagramPort* const> ports;
  wire::Aead* aead = nullptr;                      // this core's own
  base::MutableBytes slots;                        // kSlotBytes each
  std::uint32_t fetch_slots = 0, serve_slots = 0;
  LaneTable::Limits lanes{};
  CoreLimits limits{};
  // By PortId, this core's part, in bytes of UDP payload; 0: no ceiling.
  std::array<std::uint64_t, base::kPortsMax> port_rates_Bps{};
  std::uint64_t challenge_seed = 0;                // unpredictable: challenges must not be guessed
  CoreWiring wiring{};
};

class DataAgent {
 public:
  explicit DataAgent(const DataAgentConfig& config);
  DataAgent(const DataAgent&) = delete;
  DataAgent& operator=(const DataAgent&) = delete;

  // One turn. Returns work done; 0: nothing happened, the caller may rest a little.
  std::uint32_t poll(base::Instant now) noexcept;
  // poll() laps; who calls it begins and ends the turns.
  [[nodiscard]] share::StageClock& stages() noexcept { return stages_; }

 private:
  static constexpr std::uint32_t kCommandsPerTurn = 32;
  static constexpr base::Duration kReportEvery = base::milliseconds(2);
  static constexpr std::uint32_t kClosingPerTurn = 64;
  // A path may be active by another core's lane, and traffic then stops control's probes: a lane that is not validated
  // itself goes on asking.
  static constexpr base::Duration kValidateEvery = base::milliseconds(50);
  // A new lane's first questions often find a next hop that is not resolved or a peer whose lane is not there yet: the
  // first few follow quickly, so that a transfer need not begin on the link.
  static constexpr base::Duration kValidateFirst = base::milliseconds(10);
  static constexpr std::uint32_t kValidateQuickly = 10;

  // Of packets opened before they are delivered: what fits, with where its chunks go, into a small first-level cache.
  static constexpr std::size_t kOpenedAtOnce = 12u << 10;

  struct Admitted {                                // a packet whose clear header fits a lane
    wire::OpenJob job;
    LaneSlot* lane;
    std::uint32_t epoch;
  };
  struct Session {
    sched::Picker picker;
    sched::TailResend resend;
  };

  // data_agent.cc
  std::uint32_t poll_commands() noexcept;
  void handle_command(const share::Command& command) noexcept;
  void remove_session(base::SessionId session) noexcept;
  void quiet_port(base::PortId port) noexcept;
  void forget_port(base::PortId port) noexcept;
  void install(const share::Command& command) noexcept;
  std::uint32_t poll_disk() noexcept;
  std::uint32_t poll_closing() noexcept;
  void poll_table() noexcept;
  void apply_entry(LaneSlot& lane) noexcept;
  std::uint32_t poll_timers(base::Instant now) noexcept;
  void ask_again(LaneSlot& lane, base::Instant now) noexcept;
  void publish(base::Instant now) noexcept;
  void emit(const share::Event& event) noexcept;
  void drop(share::Drop reason) noexcept { ++report_.drops[static_cast<std::size_t>(reason)]; }
  void handle_fate(LaneSlot& lane, const sched::SentPacket& packet, sched::Fate fate) noexcept;

  // data_rx.cc
  std::uint32_t receive(base::Instant now) noexcept;
  void receive_burst(std::span<share::RxDatagram> burst, base::Instant now) noexcept;
  [[nodiscard]] std::uint32_t receive_handed_in(share::SpscRing<share::RxDatagram>& ring, base::Instant now) noexcept;
  [[nodiscard]] bool admit(share::RxDatagram& datagram, Admitted& out) noexcept;
  void expect_chunk(base::Bytes plaintext) noexcept;
  void deliver(const Admitted& packet, base::Instant now) noexcept;
  [[nodiscard]] bool hand_over(const share::RxDatagram& datagram, std::uint32_t receiver_index) noexcept;
  void handle_packet(LaneSlot& lane, const wire::OpenJob& job, base::Instant now) noexcept;
  void handle_frame(LaneSlot& lane, const wire::Frame& frame, base::Instant now) noexcept;
  void handle_ack(LaneSlot& lane, const wire::Ack& ack, base::Instant now) noexcept;
  void handle_response(LaneSlot& lane, std::uint64_t data, base::Instant now) noexcept;

  // data_tx.cc
  std::uint32_t transmit(base::Instant now) noexcept;
  void send_control(base::SessionId session, base::Instant now) noexcept;
  enum class For : std::uint8_t { kControl, kData };
  void build_views(base::SessionId session, For purpose, base::Instant now) noexcept;
  void send_challenge(LaneSlot& lane, base::Instant now) noexcept;
  void send_mtu_probe(LaneSlot& lane, base::Instant now) noexcept;
  void send_response(LaneSlot& lane, base::Instant now) noexcept;
  void finish_probe(LaneSlot& lane, Draft& draft, base::Instant now) noexcept;
  void send_rejects(base::SessionId session, base::Instant now) noexcept;
  void send_requests(base::SessionId session, base::Instant now) noexcept;
  void send_chunks(base::SessionId session, base::Instant now) noexcept;
  enum class Copy : bool { kFirst, kSecond };
  void finish_chunk(Draft& draft, const ServeSide::Chunk& chunk, Copy copy, base::Instant now) noexcept;
  void send_twin(const ServeSide::Chunk& chunk, std::size_t first, base::SessionId session, base::Instant now) noexcept;
  void send_copies(base::SessionId session, base::Instant now) noexcept;
  std::uint32_t send_copy(std::uint32_t ref, std::uint16_t chunk, std::uint8_t count, std::uint64_t bytes_max,
                          std::size_t at, base::Instant now) noexcept;
  [[nodiscard]] static std::uint32_t room_for_chunks(const LaneSlot& lane) noexcept {
    return lane.packet_bytes() - kChunkPacketOverhead;
  }
  void refresh_view(std::size_t at, base::Instant now) noexcept;
  void send_acks(base::SessionId session, base::Instant now) noexcept;
  void send_ack(Draft& draft, const wire::Ack& ack, base::Instant now) noexcept;
  void append_ack(Draft& draft, std::size_t reserve, base::Instant now) noexcept;
  void write_ack(Draft& draft, wire::Ack ack, std::size_t room) noexcept;
  [[nodiscard]] LaneSlot* control_lane(base::SessionId session) noexcept;

  const base::CoreId core_;
  const std::span<share::DatagramPort* const> ports_;
  wire::Aead& aead_;
  const base::MutableBytes slots_;
  CoreWiring wiring_;
  wire::Challenges challenges_;

  share::StageClock stages_;
  LaneTable lanes_;
  FileTable files_;
  DiskGate disk_;
  FetchSide fetch_;
  ServeSide serve_;
  RejectTable rejects_;
  TxBatch tx_;
  base::IndexSet made_;                            // sessions
  std::array<Session, base::kSessionsMax> sessions_{};
  base::FixedVector<std::uint32_t, base::kFilesPerCoreMax> closing_;   // numbers of files on their way out

  // Scratch of one turn.
  std::array<share::RxDatagram, share::kBurst> datagrams_{};
  wire::Frame frame_{};
  base::FixedVector<sched::LaneView, base::kPathsPerSessionMax> views_;
  base::FixedVector<std::uint16_t, base::kPathsPerSessionMax> view_lanes_;   // beside views_: LaneTable index

  base::Instant turn_at_{};                        // `now` of the turn
  share::CoreReport report_{};
  base::Instant report_due_{};
};

}  // namespace weft::run
