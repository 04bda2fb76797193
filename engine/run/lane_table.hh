// The lanes of one data core: transport state, keys, replay window and counters of each, by receiver index and by
// (session, path).
// Owner: one data core (construction by control, before the core runs). Bounds: as LaneTableLimits says; all memory
// is taken at construction and touched only when a lane uses it. No allocation later.
// Not here: which lane sends what (data_tx.cc), what a path's state is (share::PathTable).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "engine/base/fixed_vector.hh"
#include "engine/base/limits.hh"
#include "engine/run/probe_allowance.hh"
#include "engine/share/command.hh"
#include "engine/share/report.hh"
#include "engine/share/table.hh"
#include "engine/wire/aead.hh"
#include "engine/wire/keys.hh"
#include "engine/wire/replay_window.hh"
#include "sched/lane.hh"
#include "sched/pmtu.hh"

namespace weft::run {

// How the 32 bits of a receiver index name a lane to its receiver: random | session | path | core, so that finding
// the lane is two array steps; the whole word is compared afterwards.
struct ReceiverIndex {
  static constexpr std::uint32_t kCoreBits = 4, kPathBits = 6, kSessionBits = 4;
  static constexpr std::uint32_t kSessionShift = kCoreBits + kPathBits;
  static constexpr std::uint32_t kRandomShift = kSessionShift + kSessionBits;
  static_assert(base::kCoresMax <= 1u << kCoreBits && base::kPathsMax <= 1u << kPathBits &&
                base::kSessionsMax <= 1u << kSessionBits);
  // The part that a whole session shares: what an offer carries.
  static constexpr std::uint32_t base_of(std::uint32_t random, base::SessionId session) {
    return (random << kRandomShift) | (static_cast<std::uint32_t>(session) << kSessionShift);
  }
  static constexpr std::uint32_t of(std::uint32_t base, base::PathId path, base::CoreId core) {
    return (base & ~((1u << kSessionShift) - 1)) | (static_cast<std::uint32_t>(path) << kCoreBits) |
           static_cast<std::uint32_t>(core);
  }
  static constexpr std::size_t core(std::uint32_t index) { return index & ((1u << kCoreBits) - 1); }
  static constexpr std::size_t path(std::uint32_t index) { return (index >> kCoreBits) & ((1u << kPathBits) - 1); }
  static constexpr std::size_t session(std::uint32_t index) {
    return (index >> kSessionShift) & ((1u << kSessionBits) - 1);
  }
};

struct LaneSlot {
  bool exists = false;
  base::SessionId session{};
  base::PathId path{};
  base::PortId port{};
  share::Flow flow{};
  share::PathState state = share::PathState::kProbing;   // as the table had it last
  sched::Pmtu pmtu;
  std::uint32_t receiver_index_local = 0, receiver_index_remote = 0;
  std::optional<sched::Lane> lane;
  std::optional<wire::ReplayWindow> replay;

  // Sealing: the present epoch's key and, once control sent it, the next one's; by parity.
  std::array<wire::KeySlot, 2> tx_keys{};
  std::uint32_t tx_epoch = 0;
  std::uint64_t tx_packets_in_epoch = 0;
  std::uint64_t tx_epoch_first = 0;         // packet number
  bool tx_epoch_heard = false;              // the peer has acknowledged a packet of it, so it holds the next one's key
  // Opening: previous, present and next; by epoch modulo 4.
  std::array<wire::KeySlot, 4> rx_keys{};
  std::uint32_t rx_epoch = 0;               // newest that an authentic packet came with

  bool validated = false;                   // the peer has answered a challenge: its address is proved
  std::uint64_t answer_credit = 0;          // until then: bytes that may still go there in answer to what came
  std::uint32_t probe_asked = 0, probe_answered = 0;   // PathEntry::probe_seq
  std::uint64_t challenge = 0;              // outstanding, meaningful while challenge_sent is not kNever
  base::Instant challenge_sent = base::kNever;
  base::Instant challenge_repeated{};       // when it was sent last
  bool challenge_due = false;
  base::Instant challenge_again_at{};       // while not validated
  std::uint32_t challenges_own = 0;         // asked by itself, not by control
  ProbeAllowance answers;                   // of the peer's challenges
  bool response_due = false;
  std::uint64_t response = 0;

  share::LaneReport report{};               // counters; the rest is filled when published

  // UDP payload of a full packet.
  [[nodiscard]] std::uint16_t packet_bytes() const noexcept { return pmtu.packet_bytes(); }
  [[nodiscard]] wire::KeySlot& tx_key() noexcept { return tx_keys[tx_epoch & 1]; }
};

struct SessionLanes {
  base::FixedVector<std::uint16_t, base::kPathsPerSessionMax> slots;   // indexes into LaneTable
};

class LaneTable {
 public:
  struct Limits {
    std::uint32_t lanes = base::kLanesPerCoreMax;
    std::uint32_t packets_in_flight = 4096;   // per lane, a power of two
    // After so many packets a lane moves on to its next key, if control has sent it. Tests give fewer.
    std::uint64_t packets_per_epoch = wire::kPacketsPerEpochSoft;
  };
  LaneTable(const Limits& limits, wire::Aead& aead);
  ~LaneTable();
  LaneTable(const LaneTable&) = delete;
  LaneTable& operator=(const LaneTable&) = delete;

  // nullptr when the table is full or the lane exists already.
  LaneSlot* add(base::SessionId session, base::PathId path, const share::AddLane& with);
  // Seals with the next epoch's key from here on, once the present one was used enough, the peer has acknowledged a
  // packet of it, and the next one is there. False: only that acknowledgement is missing.
  bool rotate_key(LaneSlot& slot) noexcept;
  // The caller has evacuated it. A lane that is added again under the same keys would take old packets for new ones: control
  // does so only with those of other ports or of a new session.
  void remove(LaneSlot& slot) noexcept;
  // An authentic packet of this epoch came: the key before the previous one is wiped.
  void advance_rx(LaneSlot& slot, std::uint32_t epoch) noexcept;
  // Keys of the next epoch. False when they do not follow the present ones (control sends them again later).
  bool set_key(LaneSlot& slot, const share::SetKey& key) noexcept;

  // By the index a packet names; nullptr when it names none of ours.
  [[nodiscard]] LaneSlot* find(std::uint32_t receiver_index) noexcept;
  [[nodiscard]] LaneSlot* of(base::SessionId session, base::PathId path) noexcept;
  [[nodiscard]] LaneSlot& at(std::uint16_t index) noexcept { return slots_[index]; }
  [[nodiscard]] const SessionLanes& of(base::SessionId session) const noexcept {
    return sessions_[base::to_index(session)];
  }

 private:
  Limits limits_;
  wire::Aead& aead_;
  std::unique_ptr<LaneSlot[]> slots_;
  // Left untouched until a lane uses its part: a default engine has room for many lanes and pages for few.
  struct alignas(sched::SentPacket) SentRoom {
    std::byte bytes[sizeof(sched::SentPacket)];
  };
  std::unique_ptr<SentRoom[]> sent_;   // not SentPackets yet: making one writes to it
  std::unique_ptr<std::uint64_t[]> replay_;
  std::array<std::array<std::uint16_t, base::kPathsMax>, base::kSessionsMax> by_path_;
  std::array<SessionLanes, base::kSessionsMax> sessions_{};
  // A lane that is made anew goes on with the packet numbers of the one before: an ACK names a path by its id alone, and one
  // that comes late must not speak for packets of a port that came later.
  std::array<std::array<std::uint64_t, base::kPathsMax>, base::kSessionsMax> next_numbers_{};
};

}  // namespace weft::run
