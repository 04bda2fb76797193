// The server's half of a transfer on one data core: requests in, disk reads, chunks out, until each is acknowledged.
//
//   REQUEST -> kWaiting (for a slot) -> kReading (disk) -> kSending (chunks queued, in flight, acknowledged) -> free
//
// A chunk is queued or not (unsent), acknowledged or not (acked), and on its way by one packet or by two (doubled);
// that is all its state. Whatever becomes of a packet: acknowledged sets acked; lost or handed back ends the doubling
// if there is one, else queues the chunk again, unless acked. So a chunk may be sent twice, and arrives at least once,
// whatever order the fates come in.
//
// Second copies on purpose: under policy `redundant` of every chunk, else at the end of a transfer of what a slow lane
// holds up (sched/tail_resend.hh), within kCopyPercent of what was sent before.
//
// Slots are what sessions compete for: a session with a slow or silent peer keeps its slots for long. Each has a queue
// of its own, and
// - a free slot goes to the waiting session that holds fewest, in turn among equals, so that sessions which wait
//   together hold alike, however much each has asked for and however long it keeps a slot;
// - half of all slots, in equal shares, are kept for the sessions that there are: one that begins to ask finds its share
//   free. A session alone has every slot;
// - a session that comes when another holds its share as well takes it back: extents that were being sent wait again,
//   are read again, and go on where they were; what is on its way is not sent twice.
//
// Owner: one data core. Bounds: CoreLimits::extents, `slot_count` of them with memory; CoreLimits::requests of one peer.
// Trust: a REQUEST is a peer's word: handle, range and count are checked, a repeated one is recognised by its slot.
// Not here: lanes and packets (data_tx.cc), files' opening (control, then file_table.hh).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "engine/base/index_set.hh"
#include "engine/base/limits.hh"
#include "engine/base/slot_pool.hh"
#include "engine/run/chunk_map.hh"
#include "engine/run/core_limits.hh"
#include "engine/run/disk_gate.hh"
#include "engine/run/file_table.hh"
#include "engine/run/index_fifo.hh"
#include "engine/share/report.hh"
#include "engine/wire/frame.hh"
#include "sched/lane.hh"

namespace weft::run {

class ServeSide {
 public:
  // Slots [slot_first, slot_first + slot_count) of the core's buffers are for serving.
  ServeSide(FileTable& files, DiskGate& disk, std::uint32_t slot_first, std::uint32_t slot_count,
            const CoreLimits& limits);

  void add_session(base::SessionId session, std::uint32_t chunk_bytes) noexcept;
  // Drops what the session has asked for; slots under a disk read come back when the disk answers. The peer asks again
  // for what it still wants.
  void drop_requests(base::SessionId session) noexcept;
  void remove_session(base::SessionId session) noexcept;   // drop_requests() and the session itself
  // Drops the extents of one file; its `busy` falls to 0 when the disk has answered.
  void close_file(const FileEntry& file) noexcept;

  // A REJECT to send, or nothing. `drop` is set when the request is nonsense.
  [[nodiscard]] std::optional<wire::RejectReason> handle_request(base::SessionId session, const wire::Request& request,
                                                                 std::optional<share::Drop>& drop) noexcept;
  // Extents whose read failed: a REJECT is due. One at a time.
  struct Failed { base::SessionId session; std::uint32_t request_id; };
  void handle_disk_done(std::uint16_t extent, std::int32_t result, std::optional<Failed>& failed) noexcept;
  void poll_reads() noexcept;           // gives slots to waiting extents, as far as the disk takes reads

  // ---- sending
  [[nodiscard]] std::uint64_t unsent_bytes(base::SessionId session) const noexcept {
    return sessions_[base::to_index(session)].unsent_bytes;
  }
  struct Chunk {
    std::uint32_t ref = 0;              // for SentPacket::ref
    std::uint16_t index = 0;            // for SentPacket::chunk
    std::uint8_t count = 0;             // chunks in a row, for SentPacket::chunks
    std::uint32_t request_id = 0, offset = 0, length = 0;
    std::uint16_t slot = 0;             // bytes at slot + offset
    std::uint32_t again_bytes = 0;      // of `length`, sent before
  };
  // Takes the session's next chunks, as many in a row as `bytes_max` has room for, one at least. REQUIRES
  // unsent_bytes() > 0 and room for one (the session's chunk size).
  [[nodiscard]] Chunk take_chunks(base::SessionId session, std::uint32_t bytes_max) noexcept;
  // The first in a row of these chunks, as many as `bytes_max` has room for, that are on their way by one packet, so that
  // a second copy may go out; nullopt: all have arrived, wait to be sent again, have a copy already, or their slot was
  // taken back.
  [[nodiscard]] std::optional<Chunk> chunks_to_copy(std::uint32_t ref, std::uint16_t chunk, std::uint8_t count,
                                                    std::uint64_t bytes_max) const noexcept;
  void note_copy(const Chunk& chunk) noexcept;            // of what chunks_to_copy() gave: it has left
  // Bytes of copies that the end of a transfer may still cost.
  [[nodiscard]] std::uint64_t copy_budget(base::SessionId session) const noexcept {
    return sessions_[base::to_index(session)].copy_credit / 100;
  }
  void spend_copy_budget(base::SessionId session, std::uint32_t bytes) noexcept;
  void handle_fate(std::uint32_t ref, std::uint16_t chunk, std::uint8_t count, sched::Fate fate) noexcept;

  [[nodiscard]] std::uint32_t extents_of(base::SessionId session) const noexcept {
    return sessions_[base::to_index(session)].extents;
  }
  // Slots with extents of the session, those of a session before it that the disk still reads into included.
  [[nodiscard]] std::uint32_t slots_of(base::SessionId session) const noexcept {
    return sessions_[base::to_index(session)].slots;
  }
  [[nodiscard]] std::uint64_t bytes_served(base::SessionId session) const noexcept {
    return sessions_[base::to_index(session)].bytes_served;
  }
  // Sent again because the path that had carried them fell silent or was left.
  [[nodiscard]] std::uint64_t bytes_moved(base::SessionId session) const noexcept {
    return sessions_[base::to_index(session)].bytes_moved;
  }
  [[nodiscard]] std::uint32_t slots_free() const noexcept { return slots_.free(); }

  static constexpr std::uint64_t kCopyPercent = 2;
  // Saved up at most: what a slow lane can hold in flight. An old credit must not become a flood.
  static constexpr std::uint64_t kCopyBudgetMax = 4 << 20;

 private:
  struct Extent {
    enum class State : std::uint8_t { kFree, kWaiting, kReading, kSending };
    State state = State::kFree;
    bool dropped = false;               // while kReading: forget it when the disk answers
    bool queued = false;                // in its session's `sending`
    base::SessionId session{};
    std::uint16_t next = kNoIndex;
    base::SlotRef slot{};
    base::SlotRef self{};
    std::uint32_t file = 0;             // number
    std::uint32_t request_id = 0;
    std::uint32_t length = 0;
    std::uint64_t offset = 0;
    ChunkMap unsent, acked, sent_once, doubled;
    ChunkMap moved;                     // queued again because the path that had them fell silent or was left
    std::uint32_t chunks = 0, chunks_acked = 0;
  };
  struct Session {
    std::uint32_t chunk_bytes = 0;
    std::uint32_t extents = 0;
    std::uint32_t slots = 0;
    std::uint64_t unsent_bytes = 0;
    std::uint64_t bytes_served = 0;
    std::uint64_t bytes_moved = 0;
    std::uint64_t copy_credit = 0;      // hundredths of bytes
    IndexFifo waiting;                  // extents without a slot, oldest first
    IndexFifo sending;                  // extents with unsent chunks, oldest first
  };

  void share_out() noexcept;
  [[nodiscard]] Session* next_to_read() noexcept;
  [[nodiscard]] std::uint32_t slots_owed() const noexcept;
  [[nodiscard]] bool take_back_slot() noexcept;
  void start_read(Session& session) noexcept;
  [[nodiscard]] std::uint32_t unsent_bytes(const Extent& extent) const noexcept;
  [[nodiscard]] Chunk chunks_of(const Extent& extent, std::uint32_t first, std::uint32_t count) const noexcept;
  void queue(Extent& extent) noexcept;
  void unqueue(Extent& extent) noexcept;
  void free_slot(Extent& extent) noexcept;
  void free_extent(std::uint16_t index) noexcept;
  void drop_extent(std::uint16_t index) noexcept;
  void set_unsent(Extent& extent, std::uint32_t chunk) noexcept;
  void clear_unsent(Extent& extent, std::uint32_t chunk) noexcept;
  void leave_if_all_sent(Extent& extent) noexcept;
  [[nodiscard]] std::span<std::uint16_t> requests_of(base::SessionId session) noexcept;
  [[nodiscard]] std::uint16_t& by_request(base::SessionId session, std::uint32_t request_id) noexcept;

  FileTable& files_;
  DiskGate& disk_;
  std::uint32_t slot_first_;
  const CoreLimits limits_;
  std::unique_ptr<base::SlotPool::Entry[]> slot_entries_, extent_entries_;
  base::SlotPool slots_, extent_pool_;
  std::unique_ptr<Extent[]> extents_;
  std::unique_ptr<std::uint16_t[]> by_request_;   // [session][request slot] -> extent
  std::unique_ptr<std::uint16_t[]> by_slot_;      // -> extent, or kNoIndex
  static_assert(base::kSessionsMax < base::IndexSet::kMax);   // turn_ may be one more than the last
  base::IndexSet made_;                           // sessions
  std::array<Session, base::kSessionsMax> sessions_{};
  std::uint32_t share_ = 0;                       // slots kept for each session that there is
  std::size_t turn_ = 0;                          // session that is looked at first
};

}  // namespace weft::run
