// The puller's half of a transfer on one data core: blocks ordered by control, cut into extents of one slot each,
// requested, filled chunk by chunk, hashed, written.
//
//   Fetch -> kPending (for slots) -> kFetching -> kHashing -> kWriting -> event, free
//
// A block that goes nowhere (share::kNowhereFd) is not hashed on its way there.
// Nothing goes to the disk before every byte of the block was authenticated and its SHA-256 matches. A chunk is copied
// into its slot at most once: a second copy is counted and dropped, so a damaged or late one cannot touch good data.
//
// Owner: one data core. Bounds: `slot_count` extents, CoreLimits::fetches blocks (control keeps to it).
// Trust: CHUNK and REJECT name an extent by a word with a generation; one that is not current is counted and dropped.
// Not here: lanes and packets (data_tx.cc), which blocks are wanted (control).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "engine/base/function_ref.hh"
#include "engine/base/limits.hh"
#include "engine/base/prefetch.hh"
#include "engine/base/slot_pool.hh"
#include "engine/base/time.hh"
#include "engine/run/chunk_map.hh"
#include "engine/run/core_limits.hh"
#include "engine/run/disk_gate.hh"
#include "engine/run/file_table.hh"
#include "engine/run/idle.hh"
#include "engine/run/index_fifo.hh"
#include "engine/share/command.hh"
#include "engine/share/report.hh"
#include "engine/wire/frame.hh"
#include "engine/wire/sha256_pair.hh"

namespace weft::run {

class FetchSide {
 public:
  // Of each of the two blocks being hashed, ~50 us for both: no other agent of the core starves.
  static constexpr std::uint32_t kHashBytesPerTurn = 64u << 10;
  // So long a block waits for a second one to be hashed with, while packets keep coming.
  static constexpr base::Duration kHashPairWait = base::milliseconds(1);
  // A core with nothing to do takes no turn for so long, and a bit for waking.
  static constexpr base::Duration kRestMax = Idle::kSleepMax + base::microseconds(500);
  // A busy peer is asked again after this; so is one that has accepted a request and sent nothing of it.
  static constexpr base::Duration kBusyRetry = base::milliseconds(5);
  static constexpr base::Duration kSilentRetry = base::seconds(2);
  // About ten seconds of either: the block ends as kBlockCancelled and is asked for elsewhere, so that a peer that grants
  // and never delivers does not hold memory for ever. A peer that delivers other extents meanwhile is not silent: on a
  // slow path a full window waits for its turn much longer. Such waiting ends after five minutes.
  static constexpr std::uint16_t kBusyMax = 2000, kSilentMax = 5, kTurnMax = 150;

  using EventSink = base::FunctionRef<void(const share::Event&)>;

  // Slots [0, slot_count) of the core's buffers are for fetching; `memory` is all of the core's slots.
  FetchSide(FileTable& files, DiskGate& disk, base::MutableBytes memory, std::uint32_t slot_count,
            const CoreLimits& limits);

  void add_session(base::SessionId session, const share::AddSession& with) noexcept;
  // Ends every fetch of the session as kBlockCancelled, those being written excepted: they end as written.
  void cancel_session(base::SessionId session, EventSink events) noexcept;
  void remove_session(base::SessionId session, EventSink events) noexcept;
  void close_file(const FileEntry& file, EventSink events) noexcept;

  void handle_fetch(base::SessionId session, const share::Fetch& fetch) noexcept;
  // A chunk that handle_chunk() is told of soon: its place is fetched into the cache.
  void expect(const wire::Chunk& chunk) noexcept {
    const base::SlotRef ref = base::SlotRef::from_word(chunk.request_id);
    if (slots_.is_current(ref)) base::prefetch_for_write(slot_bytes(ref.slot).subspan(chunk.offset, chunk.data.size()));
  }
  [[nodiscard]] std::optional<share::Drop> handle_chunk(base::SessionId session, const wire::Chunk& chunk,
                                                        share::LaneReport& lane, base::Instant now) noexcept;
  [[nodiscard]] std::optional<share::Drop> handle_reject(base::SessionId session, const wire::Reject& reject,
                                                         base::Instant now, EventSink events) noexcept;
  // A packet with requests was lost or given up: those that it carried are asked again.
  void handle_requests_lost(base::SessionId session, base::PathId path, std::uint64_t packet_number) noexcept;
  void handle_disk_done(std::uint32_t block, std::int32_t result, EventSink events) noexcept;

  // One turn: slots to pending blocks, due retries, at most kHashBytesPerTurn of hashing, writes to the disk agent.
  // `received`: the turn has brought packets. Returns work done.
  std::uint32_t poll(base::Instant now, bool received, EventSink events) noexcept;
  // Of a turn, before it brings anything; since the one before.
  void note_turn(base::Duration since_last) noexcept {
    if (since_last > kRestMax) away_ += since_last;
  }

  // ---- requests
  [[nodiscard]] bool has_request(base::SessionId session) const noexcept;
  // REQUIRES: has_request(). Taken: it travels in this packet.
  [[nodiscard]] wire::Request take_request(base::SessionId session, base::PathId path, std::uint64_t packet_number,
                                           base::Instant now) noexcept;

  void fill(base::SessionId session, share::SessionReport& report) const noexcept;
  [[nodiscard]] std::uint32_t slots_free() const noexcept { return slots_.free(); }

 private:
  struct Extent {                       // by slot number
    base::SlotRef self{};
    std::uint16_t block = kNoIndex;
    std::uint16_t next = kNoIndex;      // in its session's to_request
    std::uint16_t place = 0;            // which of its block's extents
    bool queued = false;                // in to_request
    bool asked = false;                 // a request for it went out
    bool complete = false;
    std::uint32_t length = 0;
    std::uint32_t chunks = 0;
    ChunkMap missing;
    base::PathId path{};                // of the last request
    std::uint64_t packet_number = 0;
    bool busy = false;                  // the last word of the peer was kBusy
    std::uint16_t asked_in_vain = 0;    // since the last new chunk
    base::Instant retry_at = base::kNever;
  };
  struct Block {
    enum class State : std::uint8_t { kFree, kPending, kFetching, kHashing, kWriting };
    State state = State::kFree;
    base::SessionId session{};
    std::uint16_t next = kNoIndex;
    base::SlotRef self{};
    share::Fetch fetch{};
    std::uint32_t extents = 0, complete = 0;
    base::Instant complete_at{};        // in kHashing
    std::uint32_t written = 0;          // jobs handed out
    std::uint32_t answered = 0;         // jobs answered
    std::int32_t error = 0;             // first negative errno
    std::array<std::uint16_t, base::kExtentsPerBlockMax> slots{};
  };
  // A block on its way through the hash; two are hashed at once, because that costs little more than one.
  struct HashSeat {
    std::uint16_t block = kNoIndex;
    std::uint32_t extents = 0;          // hashed
    std::uint32_t bytes = 0;            // of the next extent
    wire::Sha256Stream stream;
  };
  struct Session {
    bool exists = false;
    std::uint32_t chunk_bytes = 0;
    std::uint32_t requests_max = 0;
    std::uint32_t outstanding = 0;      // asked for, not complete
    IndexFifo to_request;               // first those to be asked for again
    base::Instant progress_at{};        // last new chunk, or the first request after a rest
    std::uint64_t gaps = 0;
    share::ChunkGap gap_last{};
    base::Duration gap_longest{};
    base::Duration away{};              // away_ at that progress
    std::uint64_t bytes_verified = 0;
  };

  std::uint32_t copy_missing(Extent& extent, const wire::Chunk& chunk, std::uint32_t first, std::uint32_t end) noexcept;
  void note_gap(Session& s, base::Instant now) noexcept;
  bool start_block(std::uint16_t index) noexcept;
  void begin_write(Block& block) noexcept;
  void queue_request(Extent& extent) noexcept;
  void forget_extent(Extent& extent) noexcept;
  void end_block(std::uint16_t index, share::Event::Kind kind, std::int32_t detail, EventSink events) noexcept;
  void cancel_block(std::uint16_t index, EventSink events) noexcept;
  std::uint32_t poll_retries(base::Instant now, EventSink events) noexcept;
  // fetch_hash.cc
  std::uint32_t poll_hash(base::Instant now, bool received, EventSink events) noexcept;
  void seat_blocks() noexcept;
  [[nodiscard]] base::Bytes unhashed(const HashSeat& seat) const noexcept;
  void advance(HashSeat& seat, std::size_t bytes, EventSink events) noexcept;

  std::uint32_t poll_writes() noexcept;
  [[nodiscard]] base::MutableBytes slot_bytes(std::uint16_t slot) const noexcept {
    return memory_.subspan(std::size_t{slot} * base::kSlotBytes, base::kSlotBytes);
  }
  [[nodiscard]] static std::uint32_t extent_length(const Block& block, std::uint32_t i) noexcept {
    return chunk_length(block.fetch.size, base::kSlotBytes, i);
  }

  FileTable& files_;
  DiskGate& disk_;
  base::MutableBytes memory_;
  std::uint32_t slot_count_;
  const CoreLimits limits_;
  std::unique_ptr<base::SlotPool::Entry[]> slot_entries_, block_entries_;
  base::SlotPool slots_, block_pool_;
  std::unique_ptr<Extent[]> extents_;
  std::unique_ptr<Block[]> blocks_;
  std::array<Session, base::kSessionsMax> sessions_{};
  IndexFifo pending_, hashing_, writing_;
  std::array<HashSeat, 2> hash_seats_;  // of blocks that have left hashing_
  wire::Sha256Pair hash_pair_;
  base::Instant retries_due_ = base::kNever;
  base::Duration away_{};              // times in which the machine let the core take no turn, added up
};

}  // namespace weft::run
