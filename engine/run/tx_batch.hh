// The packets that one core composes in one turn: drafts become sealed datagrams, handed over in a few bursts per port.
//
//   begin(now) -> start(lane, draft) -> write frames -> finish(draft, now) … -> send(now)
//
// A port that did not take all of its last burst keeps the rest, sealed, and gets nothing new until they are gone: its
// lanes see a port without room, so a full ring is backpressure and never looks like loss.
// A port with a rate has one bucket for all lanes of this core on it, of all sessions and paths, above their own
// pacing: each lane by itself takes what it believes its path to have, and several of them are several times as
// aggressive. Acks and probes pass, and are counted.
// Owner: one data core. Bounds: share::kBurst packets per port and turn.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/bytes.hh"
#include "engine/base/index_set.hh"
#include "engine/base/limits.hh"
#include "engine/run/lane_table.hh"
#include "engine/share/datagram_port.hh"
#include "engine/share/stages.hh"
#include "engine/wire/aead.hh"
#include "engine/wire/packet.hh"
#include "sched/pacer.hh"

namespace weft::run {

struct Draft {
  LaneSlot* lane = nullptr;
  share::TxSlot slot{};
  base::ByteWriter frames{base::MutableBytes{}};
  base::Bytes body{};                    // of a chunk, sealed straight from its slot
  std::size_t frames_max = 0;            // of the packet, `body` included
  bool asked = true;
  sched::SentPacket sent{};
  // Bytes of frames that still fit besides `body`.
  [[nodiscard]] std::size_t room() const noexcept {
    const std::size_t used = frames.used() + body.size();
    return frames_max > used ? frames_max - used : 0;
  }
};

class TxBatch {
 public:
  // `ports` by PortId; null: none. `rates_Bps` likewise: this core's part of each port's rate, in UDP payload; 0 or
  // absent: none.
  TxBatch(std::span<share::DatagramPort* const> ports, std::span<const std::uint64_t> rates_Bps, wire::Aead& aead,
          share::StageClock& stages) noexcept;

  // Between turns: a port that came since, and one that goes: what it has refused is dropped, which is a loss like any
  // other.
  void add_port(base::PortId port, std::uint64_t rate_Bps, base::Instant now) noexcept;
  void remove_port(base::PortId port) noexcept;
  // Those there are, by number.
  [[nodiscard]] const base::IndexSet& open_ports() const noexcept { return open_; }
  // Offers what a port refused in the last turn again.
  void begin(base::Instant now) noexcept;
  // False: no room on the lane's port, no packet number left under its key, or its ring of sent packets is full.
  [[nodiscard]] bool has_room(const LaneSlot& lane) const noexcept;
  // A challenge goes to an address unasked; everything else to one that has not answered a challenge yet is limited to
  // three times the bytes that came from there (RFC 9000 §8.1), so that we cannot be made to shout at a third party.
  enum class Asked : bool { kNo, kYes };
  // has_room() for chunks: within the port's rate, and they leave some places of a burst to the acks, probes and
  // requests of all sessions.
  [[nodiscard]] bool has_room_for_data(const LaneSlot& lane, base::Instant now) const noexcept;
  // The draft has room for an ack of one range at least. False: has_room(), no buffer, or no credit at the address.
  [[nodiscard]] bool start(LaneSlot& lane, sched::SentKind kind, Draft& draft, Asked asked = Asked::kYes) noexcept;
  // The same for a probe of Pmtu::probe_bytes(), which is larger than what the lane may send otherwise.
  [[nodiscard]] bool start_probe(LaneSlot& lane, Draft& draft) noexcept;
  void finish(Draft& draft, base::Instant now) noexcept;
  // Seals what was finished and hands it to its ports, a few packets at a time, so that a driver which copies finds them in
  // the cache. Returns datagrams handed over.
  std::uint32_t send(base::Instant now) noexcept;

 private:
  static constexpr std::uint32_t kControlPlaces = 4;
  static constexpr std::uint32_t kSealedAtOnce = 16;   // 32 KiB with their headers: half of a first-level cache of today
  struct PortBatch {
    std::array<share::TxSlot, share::kBurst> slots{};
    std::uint32_t slots_have = 0, slots_used = 0;
    std::array<share::TxItem, share::kBurst> items{};
    std::array<share::Flow, share::kBurst> flows{};   // copies: a lane may go while its packet waits for the port
    std::array<wire::SealJob, share::kBurst> jobs{};  // beside items, of those that are not sealed yet
    std::uint32_t items_have = 0, sealed = 0;
    bool blocked = false;
    std::optional<sched::Pacer> pacer;
  };
  std::uint32_t send_port(std::size_t port, base::Instant now) noexcept;
  [[nodiscard]] bool compose(LaneSlot& lane, sched::SentKind kind, std::size_t packet_max, Draft& draft) noexcept;

  std::span<share::DatagramPort* const> ports_;
  wire::Aead& aead_;
  share::StageClock& stages_;
  static_assert(base::kPortsMax <= base::IndexSet::kMax);
  base::IndexSet open_;
  std::array<PortBatch, base::kPortsMax> batches_{};
};

}  // namespace weft::run
