#include "engine/run/fetch_side.hh"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weft::run {

using Kind = share::Event::Kind;

FetchSide::FetchSide(FileTable& files, DiskGate& disk, base::MutableBytes memory, std::uint32_t slot_count,
                     const CoreLimits& limits)
    : files_(files),
      disk_(disk),
      memory_(memory),
      slot_count_(slot_count),
      limits_(limits),
      slot_entries_(std::make_unique<base::SlotPool::Entry[]>(slot_count)),
      block_entries_(std::make_unique<base::SlotPool::Entry[]>(limits.fetches)),
      slots_({slot_entries_.get(), slot_count}),
      block_pool_({block_entries_.get(), limits.fetches}),
      extents_(std::make_unique<Extent[]>(slot_count)),
      blocks_(std::make_unique<Block[]>(limits.fetches)) {
  MUST(limits.fetches >= 1 && limits.fetches <= kFetchesPerCoreMax);
  MUST(limits.block_bytes >= 1 && limits.block_bytes <= base::kBlockBytesMax);
  MUST(slot_count <= base::kRequestSlotsMax);          // a request names its slot to the peer
  // The largest block must fit, or it would wait for ever.
  MUST(slot_count >= chunk_count(limits.block_bytes, base::kSlotBytes));
  MUST(memory.size() >= std::size_t{slot_count} * base::kSlotBytes);
}

void FetchSide::add_session(base::SessionId session, const share::AddSession& with) noexcept {
  Session& s = sessions_[base::to_index(session)];
  MUST(!s.exists);
  s = Session{};
  s.exists = true;
  s.chunk_bytes = with.chunk_bytes;
  s.requests_max = std::max(1u, with.requests_max);
}

void FetchSide::cancel_session(base::SessionId session, EventSink events) noexcept {
  for (std::uint16_t i = 0; i < limits_.fetches; ++i)
    if (blocks_[i].state != Block::State::kFree && blocks_[i].session == session) cancel_block(i, events);
}

void FetchSide::remove_session(base::SessionId session, EventSink events) noexcept {
  cancel_session(session, events);
  sessions_[base::to_index(session)].exists = false;
}

void FetchSide::close_file(const FileEntry& file, EventSink events) noexcept {
  if (file.busy == 0) return;
  for (std::uint16_t i = 0; i < limits_.fetches; ++i)
    if (blocks_[i].state != Block::State::kFree && blocks_[i].fetch.file == file.number) cancel_block(i, events);
}

void FetchSide::handle_fetch(base::SessionId session, const share::Fetch& fetch) noexcept {
  MUST(fetch.size > 0 && fetch.size <= limits_.block_bytes);
  MUST(sessions_[base::to_index(session)].exists);
  FileEntry* file = files_.find(fetch.file);
  MUST(file != nullptr && !file->serving && file->state == FileEntry::State::kReady);
  base::SlotRef ref;
  MUST(block_pool_.try_take(ref));  // control keeps to CoreLimits::fetches
  Block& block = blocks_[ref.slot];
  block = Block{};
  block.state = Block::State::kPending;
  block.session = session;
  block.self = ref;
  block.fetch = fetch;
  block.extents = chunk_count(fetch.size, base::kSlotBytes);
  ++file->busy;
  pending_.push_back(blocks_, ref.slot);
}

bool FetchSide::start_block(std::uint16_t index) noexcept {
  Block& block = blocks_[index];
  if (slots_.free() < block.extents) return false;  // all or none: two half-started blocks could wait for each other
  const Session& s = sessions_[base::to_index(block.session)];
  block.state = Block::State::kFetching;
  for (std::uint32_t i = 0; i < block.extents; ++i) {
    base::SlotRef ref;
    MUST(slots_.try_take(ref));
    block.slots[i] = ref.slot;
    Extent& extent = extents_[ref.slot];
    extent = Extent{};
    extent.self = ref;
    extent.block = index;
    extent.place = static_cast<std::uint16_t>(i);
    extent.length = extent_length(block, i);
    extent.chunks = chunk_count(extent.length, s.chunk_bytes);
    extent.missing.fill(extent.chunks);
    queue_request(extent);
  }
  return true;
}

void FetchSide::queue_request(Extent& extent) noexcept {
  if (extent.queued) return;
  extent.queued = true;
  extent.retry_at = base::kNever;
  IndexFifo& to_request = sessions_[base::to_index(blocks_[extent.block].session)].to_request;
  // Asked for before: it has its place in the peer's window, and must not wait behind one that has none.
  if (extent.asked) to_request.push_front(extents_, extent.self.slot);
  else to_request.push_back(extents_, extent.self.slot);
}

bool FetchSide::has_request(base::SessionId session) const noexcept {
  const Session& s = sessions_[base::to_index(session)];
  return !s.to_request.empty() && (s.outstanding < s.requests_max || extents_[s.to_request.front()].asked);
}

wire::Request FetchSide::take_request(base::SessionId session, base::PathId path, std::uint64_t packet_number,
                                      base::Instant now) noexcept {
  Session& s = sessions_[base::to_index(session)];
  Extent& extent = extents_[s.to_request.pop_front(extents_)];
  const Block& block = blocks_[extent.block];
  extent.queued = false;
  extent.path = path;
  extent.packet_number = packet_number;
  extent.retry_at = now + kSilentRetry;
  retries_due_ = std::min(retries_due_, extent.retry_at);
  if (!std::exchange(extent.asked, true) && s.outstanding++ == 0) {
    s.progress_at = now;
    s.away = away_;
  }
  return {.handle = block.fetch.handle,
          .request_id = extent.self.word(),
          .offset = block.fetch.offset + std::uint64_t{extent.place} * base::kSlotBytes,
          .length = extent.length};
}

// Copies those of the chunks [first, end) that are missing, in as few pieces as they lie in. Returns bytes copied.
std::uint32_t FetchSide::copy_missing(Extent& extent, const wire::Chunk& chunk, std::uint32_t first,
                                      std::uint32_t end) noexcept {
  const std::uint32_t chunk_bytes = sessions_[base::to_index(blocks_[extent.block].session)].chunk_bytes;
  std::byte* const slot = slot_bytes(extent.self.slot).data();
  std::uint32_t copied = 0;
  for (std::uint32_t at = first; at < end;) {
    const std::uint32_t run = extent.missing.run(at, end - at);
    if (run == 0) {
      ++at;
      continue;
    }
    const std::uint32_t start = at * chunk_bytes;
    const std::uint32_t bytes = std::min(run * chunk_bytes, extent.length - start);
    std::memcpy(slot + start, chunk.data.data() + (start - chunk.offset), bytes);
    extent.missing.reset_run(at, run);
    copied += bytes;
    at += run;
  }
  return copied;
}

void FetchSide::note_gap(Session& s, base::Instant now) noexcept {
  const base::Duration lasted = now - s.progress_at, away = away_ - std::exchange(s.away, away_);
  s.gap_longest = std::max(s.gap_longest, lasted);
  if (lasted < share::ChunkGap::kNoteworthy) return;
  ++s.gaps;
  s.gap_last = {.began = s.progress_at, .lasted = lasted, .away = std::min(away, lasted)};
}

std::optional<share::Drop> FetchSide::handle_chunk(base::SessionId session, const wire::Chunk& chunk,
                                                   share::LaneReport& lane, base::Instant now) noexcept {
  const base::SlotRef ref = base::SlotRef::from_word(chunk.request_id);
  if (!slots_.is_current(ref)) {
    lane.chunk_bytes_duplicate += chunk.data.size();   // the usual reason: another copy came first
    return share::Drop::kStaleExtent;
  }
  Extent& extent = extents_[ref.slot];
  Block& block = blocks_[extent.block];
  if (block.session != session || block.state != Block::State::kFetching) return share::Drop::kStaleExtent;
  Session& s = sessions_[base::to_index(session)];
  // Whole chunks, and the last one as short as it is.
  const auto bytes = static_cast<std::uint32_t>(chunk.data.size());
  if (chunk.offset % s.chunk_bytes != 0 || chunk.offset >= extent.length || bytes > extent.length - chunk.offset ||
      (bytes % s.chunk_bytes != 0 && bytes != extent.length - chunk.offset))
    return share::Drop::kBadChunk;
  const std::uint32_t first = chunk.offset / s.chunk_bytes;
  const std::uint32_t copied = copy_missing(extent, chunk, first, first + chunk_count(bytes, s.chunk_bytes));
  lane.chunk_bytes_in += copied;
  lane.chunk_bytes_duplicate += bytes - copied;
  if (copied == 0) return std::nullopt;
  note_gap(s, now);
  s.progress_at = now;
  if (!extent.queued) extent.retry_at = now + kSilentRetry;
  extent.asked_in_vain = 0;
  extent.busy = false;
  if (!extent.missing.none()) return std::nullopt;
  extent.complete = true;
  extent.retry_at = base::kNever;
  if (std::exchange(extent.queued, false)) MUST(s.to_request.remove(extents_, ref.slot));   // no need to ask again
  if (extent.asked) --s.outstanding;
  if (++block.complete < block.extents) return std::nullopt;
  if (files_.find(block.fetch.file)->unhashed) {
    begin_write(block);
    return std::nullopt;
  }
  block.state = Block::State::kHashing;
  block.complete_at = now;
  hashing_.push_back(blocks_, block.self.slot);
  return std::nullopt;
}

void FetchSide::begin_write(Block& block) noexcept {
  block.state = Block::State::kWriting;
  writing_.push_back(blocks_, block.self.slot);
}

std::optional<share::Drop> FetchSide::handle_reject(base::SessionId session, const wire::Reject& reject,
                                                    base::Instant now, EventSink events) noexcept {
  const base::SlotRef ref = base::SlotRef::from_word(reject.request_id);
  if (!slots_.is_current(ref)) return share::Drop::kStaleExtent;
  Extent& extent = extents_[ref.slot];
  Block& block = blocks_[extent.block];
  if (block.session != session || block.state != Block::State::kFetching || extent.complete)
    return share::Drop::kStaleExtent;
  if (reject.reason == wire::RejectReason::kBusy) {
    if (extent.queued) return std::nullopt;   // to be asked again anyway
    extent.busy = true;
    extent.retry_at = now + kBusyRetry;
    retries_due_ = std::min(retries_due_, extent.retry_at);
    return std::nullopt;
  }
  end_block(block.self.slot, Kind::kBlockRejected, static_cast<std::int32_t>(reject.reason), events);
  return std::nullopt;
}

void FetchSide::handle_requests_lost(base::SessionId session, base::PathId path, std::uint64_t packet_number) noexcept {
  for (std::uint16_t i = 0; i < slot_count_; ++i) {
    Extent& extent = extents_[i];
    if (extent.block == kNoIndex || extent.complete || extent.queued || extent.packet_number != packet_number ||
        extent.path != path || blocks_[extent.block].session != session)
      continue;
    queue_request(extent);
  }
}

std::uint32_t FetchSide::poll_retries(base::Instant now, EventSink events) noexcept {
  if (now < retries_due_) return 0;
  std::uint32_t work = 0;
  retries_due_ = base::kNever;
  for (std::uint16_t i = 0; i < slot_count_; ++i) {
    Extent& extent = extents_[i];
    if (extent.block == kNoIndex || extent.queued || extent.retry_at == base::kNever) continue;
    if (extent.retry_at <= now) {
      const Session& s = sessions_[base::to_index(blocks_[extent.block].session)];
      const bool delivers = now - s.progress_at < kSilentMax * kSilentRetry;
      if (++extent.asked_in_vain > (extent.busy ? kBusyMax : delivers ? kTurnMax : kSilentMax)) {
        end_block(extent.block, Kind::kBlockCancelled, 0, events);
        continue;
      }
      queue_request(extent);
      ++work;
    } else {
      retries_due_ = std::min(retries_due_, extent.retry_at);
    }
  }
  return work;
}

std::uint32_t FetchSide::poll_writes() noexcept {
  std::uint32_t work = 0;
  while (!writing_.empty() && disk_.has_room()) {
    const std::uint16_t index = writing_.front();
    Block& block = blocks_[index];
    disk_.submit({.kind = share::DiskJob::Kind::kWrite,
                  .slot = block.slots[block.written],
                  .file = FileNumber::index(block.fetch.file),
                  .length = extent_length(block, block.written),
                  .offset = block.fetch.offset + std::uint64_t{block.written} * base::kSlotBytes},
                 {DiskGate::Owner::kFetch, index});
    ++work;
    if (++block.written == block.extents) writing_.pop_front(blocks_);
  }
  return work;
}

void FetchSide::handle_disk_done(std::uint32_t index, std::int32_t result, EventSink events) noexcept {
  Block& block = blocks_[index];
  MUST(block.state == Block::State::kWriting);
  if (result < 0 && block.error == 0) block.error = result;
  if (++block.answered < block.extents) return;
  const auto slot = static_cast<std::uint16_t>(index);
  if (block.error != 0) end_block(slot, Kind::kBlockFailed, -block.error, events);
  else end_block(slot, Kind::kBlockWritten, 0, events);
}

std::uint32_t FetchSide::poll(base::Instant now, bool received, EventSink events) noexcept {
  std::uint32_t work = poll_retries(now, events);
  while (!pending_.empty() && start_block(pending_.front())) {
    pending_.pop_front(blocks_);
    ++work;
  }
  work += poll_hash(now, received, events);
  work += poll_writes();
  return work;
}

void FetchSide::forget_extent(Extent& extent) noexcept {
  Session& s = sessions_[base::to_index(blocks_[extent.block].session)];
  if (extent.queued) MUST(s.to_request.remove(extents_, extent.self.slot));
  if (extent.asked && !extent.complete) --s.outstanding;
  slots_.give_back(extent.self);
  extent.block = kNoIndex;
  extent.queued = false;
  extent.retry_at = base::kNever;
}

void FetchSide::cancel_block(std::uint16_t index, EventSink events) noexcept {
  Block& block = blocks_[index];
  switch (block.state) {
    case Block::State::kFree: case Block::State::kWriting: return;
    case Block::State::kPending: MUST(pending_.remove(blocks_, index)); break;
    case Block::State::kFetching: break;
    case Block::State::kHashing: {
      const auto seat = std::ranges::find(hash_seats_, index, &HashSeat::block);
      if (seat != hash_seats_.end()) seat->block = kNoIndex;
      else MUST(hashing_.remove(blocks_, index));
      break;
    }
  }
  end_block(index, Kind::kBlockCancelled, 0, events);
}

void FetchSide::end_block(std::uint16_t index, Kind kind, std::int32_t detail, EventSink events) noexcept {
  Block& block = blocks_[index];
  if (block.state != Block::State::kPending)
    for (std::uint32_t i = 0; i < block.extents; ++i) forget_extent(extents_[block.slots[i]]);
  FileEntry* file = files_.find(block.fetch.file);
  MUST(file != nullptr && file->busy > 0);
  --file->busy;
  block.state = Block::State::kFree;
  block_pool_.give_back(block.self);
  events({.kind = kind, .session = block.session, .number = block.fetch.token, .detail = detail});
}

void FetchSide::fill(base::SessionId session, share::SessionReport& report) const noexcept {
  const Session& s = sessions_[base::to_index(session)];
  report.bytes_verified = s.bytes_verified;
  report.extents_outstanding = s.outstanding;
  report.gaps = s.gaps;
  report.gap_last = s.gap_last;
  report.gap_longest = s.gap_longest;
}

}  // namespace weft::run
