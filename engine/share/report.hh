// CoreReport: one data core -> control, whole value, by Snapshot, every few milliseconds while there is work.
// Counters only grow (a restart of a lane restarts its counters; `lane_epoch` says so); control takes differences.
// Units: bytes, packets, nanoseconds, bytes per second.
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/limits.hh"
#include "engine/base/time.hh"
#include "engine/base/types.hh"
#include "engine/share/stages.hh"

namespace weft::share {

// Why a received packet or frame was dropped. Every drop has its own counter; there is no "other".
enum class Drop : std::uint8_t {
  kShort,             // shorter than header and tag
  kType,              // unknown packet type
  kReceiverIndex,     // names no lane of ours
  kEpoch,             // no key for that epoch
  kTag,               // authentication failed: forged or damaged
  kReplay,            // packet number seen already or too old
  kFrame,             // unknown frame, or frame that does not decode
  kStaleExtent,       // CHUNK or REJECT for an extent that is not (any more) asked for
  kBadChunk,          // CHUNK outside its extent or not on the chunk grid
  kBadRequest,        // REQUEST outside its file, or of a bad length
  kUnknownHandle,     // REQUEST for a handle not granted
  kWrongCore,         // arrived at a core that does not own the lane and could not be handed over
  kUnacceptableAck,   // ACK of a packet never sent
  kExcessProbe,       // PATH_CHALLENGE beyond what a lane answers
  kCount,
};
[[nodiscard]] const char* name_of(Drop reason) noexcept;

struct LaneReport {
  base::SessionId session{};
  base::PathId path{};
  bool validated = false;              // the peer answered a challenge on this lane
  std::uint32_t lane_epoch = 0;        // of its kAddLane: tells it from another lane of the same path, before or after
  std::uint32_t key_epoch = 0;         // send epoch; control supplies the next keys when it moves
  std::uint32_t peer_key_epoch = 0;    // newest epoch an authentic packet came with
  std::uint32_t probe_seq_answered = 0;
  base::Instant last_received{};       // any authentic packet on this lane
  base::Instant last_sent{};
  base::Instant unanswered_since{};    // send time of the oldest ack-eliciting packet not yet acked, kNever if none
  base::Duration rtt_latest{};
  base::Duration srtt{};
  base::Duration rttvar{};
  base::Duration rtt_min{};
  std::uint32_t pto_count = 0;         // consecutive
  std::uint16_t packet_bytes = 0;      // largest UDP payload that the path is known to carry; 0: no data at all
  std::uint64_t rate_Bps = 0;          // delivery-rate estimate
  std::uint64_t cwnd_bytes = 0;
  std::uint64_t in_flight_bytes = 0;
  std::uint64_t packets_out = 0, packets_in = 0;
  std::uint64_t bytes_out = 0, bytes_in = 0;          // UDP payload bytes
  std::uint64_t chunk_bytes_out = 0, chunk_bytes_in = 0;   // payload; in: first copies only
  std::uint64_t chunk_bytes_again = 0;                // chunk bytes that were sent a second time or more, as lost
  std::uint64_t chunk_bytes_redundant = 0;            // chunk bytes of second copies, sent on purpose
  std::uint64_t chunk_bytes_duplicate = 0;            // received but already had
  std::uint64_t packets_lost = 0, packets_spurious = 0;
  std::uint64_t probe_bytes_out = 0;                  // of bytes_out: challenges and responses, with the acks they carry
};

// A time without a new chunk while extents were outstanding.
struct ChunkGap {
  static constexpr base::Duration kNoteworthy = base::milliseconds(2);
  base::Instant began{};
  base::Duration lasted{};
  base::Duration away{};                   // of it, times in which the core took no turn although it had not gone to rest
};

struct SessionReport {
  std::uint64_t bytes_verified = 0;        // blocks whose SHA-256 matched
  std::uint64_t bytes_served = 0;          // extents read for the peer
  std::uint32_t extents_outstanding = 0;   // requested, not complete
  std::uint32_t extents_serving = 0;
  std::uint64_t bytes_moved = 0;           // chunk bytes sent again because their path fell silent or was left
  std::uint64_t gaps = 0;                  // noteworthy ones
  ChunkGap gap_last{};
  base::Duration gap_longest{};            // since start
};

struct CoreReport {
  base::Instant at{};
  std::uint64_t turns = 0, turns_idle = 0;
  std::uint64_t handed_over = 0;           // packets that came to the wrong core
  std::array<std::uint64_t, static_cast<std::size_t>(Drop::kCount)> drops{};
  std::uint32_t slots_free = 0;
  StageCycles stages{};                    // of turns that have ended
  std::array<SessionReport, base::kSessionsMax> sessions{};
  std::uint32_t lane_count = 0;
  std::array<LaneReport, base::kLanesPerCoreMax> lanes{};   // the first lane_count, in no order
};

}  // namespace weft::share
