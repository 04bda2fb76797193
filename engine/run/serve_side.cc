#include "engine/run/serve_side.hh"

#include <algorithm>
#include <utility>

namespace weft::run {

ServeSide::ServeSide(FileTable& files, DiskGate& disk, std::uint32_t slot_first, std::uint32_t slot_count,
                     const CoreLimits& limits)
    : files_(files),
      disk_(disk),
      slot_first_(slot_first),
      limits_(limits),
      slot_entries_(std::make_unique<base::SlotPool::Entry[]>(slot_count)),
      extent_entries_(std::make_unique<base::SlotPool::Entry[]>(limits.extents)),
      slots_({slot_entries_.get(), slot_count}),
      extent_pool_({extent_entries_.get(), limits.extents}),
      extents_(std::make_unique<Extent[]>(limits.extents)),
      by_request_(std::make_unique<std::uint16_t[]>(base::kSessionsMax * base::kRequestSlotsMax)),
      by_slot_(std::make_unique<std::uint16_t[]>(slot_count)) {
  MUST(slot_count >= 1 && limits.requests >= 1);
  MUST(limits.extents >= 1 && limits.extents <= kExtentsMax);
  std::fill_n(by_request_.get(), base::kSessionsMax * base::kRequestSlotsMax, kNoIndex);
  std::fill_n(by_slot_.get(), slot_count, kNoIndex);
}

std::span<std::uint16_t> ServeSide::requests_of(base::SessionId session) noexcept {
  return {&by_request_[base::to_index(session) * base::kRequestSlotsMax], base::kRequestSlotsMax};
}

std::uint16_t& ServeSide::by_request(base::SessionId session, std::uint32_t request_id) noexcept {
  const std::uint32_t slot = base::SlotRef::from_word(request_id).slot;
  MUST(slot < base::kRequestSlotsMax);
  return requests_of(session)[slot];
}

void ServeSide::add_session(base::SessionId session, std::uint32_t chunk_bytes) noexcept {
  Session& s = sessions_[base::to_index(session)];
  MUST(!made_.has(base::to_index(session)) && chunk_bytes >= base::kChunkBytesMin);
  const Session former = s;   // what the disk still reads of it
  s = Session{};
  made_.add(base::to_index(session));
  s.chunk_bytes = chunk_bytes;
  s.extents = former.extents;
  s.slots = former.slots;
  share_out();
}

void ServeSide::share_out() noexcept {
  const auto sessions = static_cast<std::uint32_t>(made_.size());
  if (sessions > 0) share_ = std::max(1u, slots_.size() / 2 / sessions);
}

void ServeSide::drop_requests(base::SessionId session) noexcept {
  for (const std::uint16_t index : requests_of(session))
    if (index != kNoIndex) drop_extent(index);
}

void ServeSide::remove_session(base::SessionId session) noexcept {
  drop_requests(session);
  made_.remove(base::to_index(session));
  share_out();
}

void ServeSide::close_file(const FileEntry& file) noexcept {
  if (file.busy == 0) return;  // the usual case: everything was acknowledged before the release came
  for (const std::uint16_t index : requests_of(file.session))
    if (index != kNoIndex && extents_[index].file == file.number) drop_extent(index);
}

std::optional<wire::RejectReason> ServeSide::handle_request(base::SessionId session, const wire::Request& request,
                                                            std::optional<share::Drop>& drop) noexcept {
  Session& s = sessions_[base::to_index(session)];
  if (base::SlotRef::from_word(request.request_id).slot >= base::kRequestSlotsMax) {
    drop = share::Drop::kBadRequest;   // no answer: it names no slot that a refusal could be kept for
    return std::nullopt;
  }
  if (!made_.has(base::to_index(session))) return wire::RejectReason::kClosed;
  FileEntry* file = files_.find(request.handle);
  if (file == nullptr || !file->serving || file->session != session || file->state != FileEntry::State::kReady) {
    drop = share::Drop::kUnknownHandle;
    return wire::RejectReason::kUnknownHandle;
  }
  if (request.offset > file->size || request.length > file->size - request.offset ||
      (file->direct && request.offset % base::kDirectAlignment != 0)) {
    drop = share::Drop::kBadRequest;
    return wire::RejectReason::kRange;
  }
  std::uint16_t& place = by_request(session, request.request_id);
  if (place != kNoIndex) {
    if (extents_[place].request_id == request.request_id) return std::nullopt;  // repeated: already at work
    drop_extent(place);  // the puller has given its slot another use: what was asked before is not wanted any more
  }
  base::SlotRef ref;
  if (s.extents >= limits_.requests || !extent_pool_.try_take(ref)) return wire::RejectReason::kBusy;
  const std::uint16_t index = ref.slot;
  Extent& extent = extents_[index];
  extent = Extent{};
  extent.state = Extent::State::kWaiting;
  extent.session = session;
  extent.self = ref;
  extent.file = request.handle;
  extent.request_id = request.request_id;
  extent.offset = request.offset;
  extent.length = request.length;
  extent.chunks = chunk_count(request.length, s.chunk_bytes);
  extent.unsent.fill(extent.chunks);
  place = index;
  ++s.extents;
  ++file->busy;
  s.waiting.push_back(extents_, index);
  return std::nullopt;
}

void ServeSide::poll_reads() noexcept {
  bool may_take_back = true;   // once per turn: it looks at every slot
  while (disk_.has_room()) {
    Session* const s = next_to_read();
    if (s == nullptr) return;
    if (s->slots >= share_ && slots_.free() <= slots_owed()) return;
    if (slots_.free() == 0 && !(std::exchange(may_take_back, false) && take_back_slot())) return;
    start_read(*s);
  }
}

// Of the sessions that wait, the one that holds fewest slots. If it may not have one more, none of the others may.
ServeSide::Session* ServeSide::next_to_read() noexcept {
  Session* best = nullptr;
  for (const std::size_t i : made_.from(turn_)) {
    Session& s = sessions_[i];
    if (!s.waiting.empty() && (best == nullptr || s.slots < best->slots)) best = &s;
  }
  return best;
}

// What sessions below their share may still ask for.
std::uint32_t ServeSide::slots_owed() const noexcept {
  std::uint32_t owed = 0;
  for (const std::size_t i : made_)
    if (sessions_[i].slots < share_) owed += share_ - sessions_[i].slots;
  return owed;
}

// From the session that holds most, and of that the extent of which most is unsent: what is on its way needs no slot
// unless it is lost. False: all that the session holds is being read.
bool ServeSide::take_back_slot() noexcept {
  Session& s = *std::max_element(sessions_.begin(), sessions_.end(),
                                 [](const Session& a, const Session& b) { return a.slots < b.slots; });
  if (s.slots <= share_) return false;
  Extent* victim = nullptr;
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (by_slot_[slot] == kNoIndex) continue;
    Extent& extent = extents_[by_slot_[slot]];
    if (extent.state != Extent::State::kSending || &sessions_[base::to_index(extent.session)] != &s) continue;
    if (victim == nullptr || extent.unsent.count() > victim->unsent.count()) victim = &extent;
  }
  if (victim == nullptr) return false;
  unqueue(*victim);
  free_slot(*victim);
  victim->state = Extent::State::kWaiting;
  s.waiting.push_front(extents_, victim->self.slot);
  return true;
}

void ServeSide::start_read(Session& s) noexcept {
  const std::uint16_t index = s.waiting.pop_front(extents_);
  Extent& extent = extents_[index];
  MUST(slots_.try_take(extent.slot));
  ++s.slots;
  turn_ = base::to_index(extent.session) + 1;
  by_slot_[extent.slot.slot] = index;
  extent.state = Extent::State::kReading;
  disk_.submit({.kind = share::DiskJob::Kind::kRead,
                .slot = static_cast<std::uint16_t>(slot_first_ + extent.slot.slot),
                .file = FileNumber::index(extent.file),
                .length = extent.length,
                .offset = extent.offset},
               {DiskGate::Owner::kServe, index});
}

void ServeSide::handle_disk_done(std::uint16_t index, std::int32_t result, std::optional<Failed>& failed) noexcept {
  Extent& extent = extents_[index];
  MUST(extent.state == Extent::State::kReading);
  if (extent.dropped) return free_extent(index);
  if (result < 0 || static_cast<std::uint32_t>(result) != extent.length) {  // shorter: the file shrank
    failed = Failed{extent.session, extent.request_id};
    return free_extent(index);
  }
  extent.state = Extent::State::kSending;
  sessions_[base::to_index(extent.session)].bytes_served += extent.length;
  queue(extent);
}

std::uint32_t ServeSide::unsent_bytes(const Extent& extent) const noexcept {
  const std::uint32_t chunk_bytes = sessions_[base::to_index(extent.session)].chunk_bytes;
  const std::uint32_t last = extent.chunks - 1;   // which may be short
  const std::uint32_t too_much = extent.unsent.has(last) ? chunk_bytes - chunk_length(extent.length, chunk_bytes, last) : 0;
  return extent.unsent.count() * chunk_bytes - too_much;
}

void ServeSide::queue(Extent& extent) noexcept {
  if (extent.unsent.none()) return;   // read again, and all of it still on its way
  Session& s = sessions_[base::to_index(extent.session)];
  s.unsent_bytes += unsent_bytes(extent);
  s.sending.push_back(extents_, extent.self.slot);
  extent.queued = true;
}

void ServeSide::unqueue(Extent& extent) noexcept {
  if (!extent.queued) return;
  Session& s = sessions_[base::to_index(extent.session)];
  s.unsent_bytes -= unsent_bytes(extent);
  MUST(s.sending.remove(extents_, extent.self.slot));
  extent.queued = false;
}

ServeSide::Chunk ServeSide::take_chunks(base::SessionId session, std::uint32_t bytes_max) noexcept {
  constexpr std::uint32_t kCountMax = UINT8_MAX;   // what SentPacket can say
  Session& s = sessions_[base::to_index(session)];
  MUST(bytes_max >= s.chunk_bytes);
  Extent& extent = extents_[s.sending.front()];
  const std::uint32_t first = extent.unsent.first();
  const std::uint32_t count = extent.unsent.run(first, std::min(bytes_max / s.chunk_bytes, kCountMax));
  Chunk chunk = chunks_of(extent, first, count);
  if (extent.sent_once.any_of(first, count))
    for (std::uint32_t i = first; i < first + count; ++i) {
      if (!extent.sent_once.has(i)) continue;
      const std::uint32_t length = chunk_length(extent.length, s.chunk_bytes, i);
      chunk.again_bytes += length;
      if (extent.moved.has(i)) s.bytes_moved += length;
      extent.moved.reset(i);
    }
  extent.sent_once.set_run(first, count);
  extent.unsent.reset_run(first, count);
  s.copy_credit = std::min(s.copy_credit + kCopyPercent * (chunk.length - chunk.again_bytes), 100 * kCopyBudgetMax);
  s.unsent_bytes -= chunk.length;
  leave_if_all_sent(extent);
  return chunk;
}

ServeSide::Chunk ServeSide::chunks_of(const Extent& extent, std::uint32_t first, std::uint32_t count) const noexcept {
  const std::uint32_t chunk_bytes = sessions_[base::to_index(extent.session)].chunk_bytes;
  const std::uint32_t offset = first * chunk_bytes;
  return {.ref = extent.self.word(),
          .index = static_cast<std::uint16_t>(first),
          .count = static_cast<std::uint8_t>(count),
          .request_id = extent.request_id,
          .offset = offset,
          .length = std::min(count * chunk_bytes, extent.length - offset),
          .slot = static_cast<std::uint16_t>(slot_first_ + extent.slot.slot)};
}

std::optional<ServeSide::Chunk> ServeSide::chunks_to_copy(std::uint32_t ref_word, std::uint16_t chunk,
                                                          std::uint8_t count, std::uint64_t bytes_max) const noexcept {
  const base::SlotRef ref = base::SlotRef::from_word(ref_word);
  if (!extent_pool_.is_current(ref)) return std::nullopt;
  const Extent& extent = extents_[ref.slot];
  MUST(chunk + std::uint32_t{count} <= extent.chunks);
  if (extent.state != Extent::State::kSending) return std::nullopt;
  const auto copied = [&](std::uint32_t i) {
    return !extent.acked.has(i) && !extent.unsent.has(i) && !extent.doubled.has(i);
  };
  const std::uint32_t end = chunk + std::uint32_t{count};
  std::uint32_t first = chunk;
  while (first < end && !copied(first)) ++first;
  const std::uint64_t most = bytes_max / sessions_[base::to_index(extent.session)].chunk_bytes;
  std::uint32_t last = first;
  while (last < end && last - first < most && copied(last)) ++last;
  if (last == first) return std::nullopt;
  return chunks_of(extent, first, last - first);
}

void ServeSide::note_copy(const Chunk& chunk) noexcept {
  const base::SlotRef ref = base::SlotRef::from_word(chunk.ref);
  MUST(extent_pool_.is_current(ref));
  for (std::uint32_t i = chunk.index; i < chunk.index + std::uint32_t{chunk.count}; ++i) {
    MUST(!extents_[ref.slot].doubled.has(i));
    extents_[ref.slot].doubled.set(i);
  }
}

void ServeSide::spend_copy_budget(base::SessionId session, std::uint32_t bytes) noexcept {
  Session& s = sessions_[base::to_index(session)];
  MUST(s.copy_credit >= 100 * std::uint64_t{bytes});
  s.copy_credit -= 100 * std::uint64_t{bytes};
}

void ServeSide::clear_unsent(Extent& extent, std::uint32_t chunk) noexcept {
  Session& s = sessions_[base::to_index(extent.session)];
  extent.unsent.reset(chunk);
  if (!extent.queued) return;
  s.unsent_bytes -= chunk_length(extent.length, s.chunk_bytes, chunk);
  leave_if_all_sent(extent);
}

void ServeSide::leave_if_all_sent(Extent& extent) noexcept {
  if (!extent.unsent.none()) return;
  Session& s = sessions_[base::to_index(extent.session)];
  if (s.sending.front() == extent.self.slot) s.sending.pop_front(extents_);
  else MUST(s.sending.remove(extents_, extent.self.slot));
  extent.queued = false;
}

void ServeSide::handle_fate(std::uint32_t ref_word, std::uint16_t chunk, std::uint8_t count, sched::Fate fate) noexcept {
  const base::SlotRef ref = base::SlotRef::from_word(ref_word);
  if (!extent_pool_.is_current(ref)) return;  // finished by another copy, or dropped
  Extent& extent = extents_[ref.slot];
  MUST(chunk + std::uint32_t{count} <= extent.chunks);
  // Nearly always: they have arrived, and nobody knew it yet or wanted to send them again.
  if (fate == sched::Fate::kAcked && !extent.acked.any_of(chunk, count) && !extent.unsent.any_of(chunk, count)) {
    extent.acked.set_run(chunk, count);
    extent.chunks_acked += count;
    if (extent.chunks_acked == extent.chunks) drop_extent(ref.slot);
    return;
  }
  for (std::uint32_t i = chunk; i < chunk + std::uint32_t{count}; ++i) {
    if (extent.acked.has(i)) continue;
    if (fate == sched::Fate::kAcked) {
      extent.acked.set(i);
      ++extent.chunks_acked;
      if (extent.unsent.has(i)) clear_unsent(extent, i);
    } else {
      if (extent.doubled.has(i)) extent.doubled.reset(i);   // the other copy is still on its way
      else set_unsent(extent, i);
      if (fate == sched::Fate::kEvacuated && extent.unsent.has(i)) extent.moved.set(i);
    }
  }
  if (extent.chunks_acked == extent.chunks) drop_extent(ref.slot);
}

void ServeSide::set_unsent(Extent& extent, std::uint32_t chunk) noexcept {
  if (extent.unsent.has(chunk)) return;
  extent.unsent.set(chunk);
  if (extent.state != Extent::State::kSending) return;   // its slot was taken back: queued when it is read again
  Session& s = sessions_[base::to_index(extent.session)];
  s.unsent_bytes += chunk_length(extent.length, s.chunk_bytes, chunk);
  if (extent.queued) return;
  extent.queued = true;
  s.sending.push_back(extents_, extent.self.slot);
}

void ServeSide::drop_extent(std::uint16_t index) noexcept {
  Extent& extent = extents_[index];
  switch (extent.state) {
    case Extent::State::kFree: return;
    case Extent::State::kWaiting:
      MUST(sessions_[base::to_index(extent.session)].waiting.remove(extents_, index));
      break;
    case Extent::State::kReading:  // the disk still writes into the slot
      if (!extent.dropped) {
        extent.dropped = true;
        std::uint16_t& place = by_request(extent.session, extent.request_id);
        if (place == index) place = kNoIndex;
      }
      return;
    case Extent::State::kSending: break;
  }
  free_extent(index);
}

void ServeSide::free_slot(Extent& extent) noexcept {
  by_slot_[extent.slot.slot] = kNoIndex;
  slots_.give_back(extent.slot);
  extent.slot = {};
  --sessions_[base::to_index(extent.session)].slots;
}

void ServeSide::free_extent(std::uint16_t index) noexcept {
  Extent& extent = extents_[index];
  unqueue(extent);
  std::uint16_t& place = by_request(extent.session, extent.request_id);
  if (place == index) place = kNoIndex;
  if (extent.slot.generation != 0) free_slot(extent);
  FileEntry* file = files_.find(extent.file);
  MUST(file != nullptr && file->busy > 0);
  --file->busy;
  --sessions_[base::to_index(extent.session)].extents;
  extent_pool_.give_back(extent.self);
  extent.state = Extent::State::kFree;
}

}  // namespace weft::run
