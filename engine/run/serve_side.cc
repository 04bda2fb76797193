#include "engine/run/serve_side.hh"

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
      by_request_(std::make_unique<std::uint16_t[]>(base::kSessionsMax * base::kRequestSlotsMax)) {
  MUST(slot_count >= 1 && limits.requests >= 1);
  MUST(limits.extents >= 1 && limits.extents <= kExtentsMax);
  for (std::size_t i = 0; i < base::kSessionsMax * base::kRequestSlotsMax; ++i) by_request_[i] = kNoIndex;
}

std::uint16_t& ServeSide::by_request(base::SessionId session, std::uint32_t request_id) noexcept {
  const std::uint32_t slot = base::SlotRef::from_word(request_id).slot;
  MUST(slot < base::kRequestSlotsMax);
  return by_request_[base::to_index(session) * base::kRequestSlotsMax + slot];
}

void ServeSide::add_session(base::SessionId session, std::uint32_t chunk_bytes) noexcept {
  Session& s = sessions_[base::to_index(session)];
  MUST(!s.exists && chunk_bytes >= base::kChunkBytesMin);
  const std::uint32_t still_reading = s.extents;   // of a former session in this place
  s = Session{};
  s.exists = true;
  s.extents = still_reading;
  s.chunk_bytes = chunk_bytes;
}

void ServeSide::drop_requests(base::SessionId session) noexcept {
  for (std::uint16_t i = 0; i < limits_.extents; ++i)
    if (extents_[i].state != Extent::State::kFree && extents_[i].session == session) drop_extent(i);
}

void ServeSide::remove_session(base::SessionId session) noexcept {
  drop_requests(session);
  sessions_[base::to_index(session)].exists = false;
}

void ServeSide::close_file(const FileEntry& file) noexcept {
  if (file.busy == 0) return;  // the usual case: everything was acknowledged before the release came
  for (std::uint16_t i = 0; i < limits_.extents; ++i)
    if (extents_[i].state != Extent::State::kFree && extents_[i].file == file.number) drop_extent(i);
}

std::optional<wire::RejectReason> ServeSide::handle_request(base::SessionId session, const wire::Request& request,
                                                            std::optional<share::Drop>& drop) noexcept {
  Session& s = sessions_[base::to_index(session)];
  if (!s.exists) return wire::RejectReason::kClosed;
  if (base::SlotRef::from_word(request.request_id).slot >= base::kRequestSlotsMax) {
    drop = share::Drop::kBadRequest;
    return wire::RejectReason::kRange;
  }
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
  place = index;
  ++s.extents;
  ++file->busy;
  waiting_.push_back(extents_, index);
  return std::nullopt;
}

void ServeSide::poll_reads() noexcept {
  while (!waiting_.empty() && disk_.has_room()) {
    const std::uint16_t index = waiting_.front();
    Extent& extent = extents_[index];
    if (!slots_.try_take(extent.slot)) return;
    waiting_.pop_front(extents_);
    extent.state = Extent::State::kReading;
    disk_.submit({.kind = share::DiskJob::Kind::kRead,
                  .slot = static_cast<std::uint16_t>(slot_first_ + extent.slot.slot),
                  .file = FileNumber::index(extent.file),
                  .length = extent.length,
                  .offset = extent.offset},
                 {DiskGate::Owner::kServe, index});
  }
}

void ServeSide::handle_disk_done(std::uint16_t index, std::int32_t result, std::optional<Failed>& failed) noexcept {
  Extent& extent = extents_[index];
  MUST(extent.state == Extent::State::kReading);
  if (extent.dropped) return free_extent(index);
  if (result < 0 || static_cast<std::uint32_t>(result) != extent.length) {  // shorter: the file shrank
    failed = Failed{extent.session, extent.request_id};
    return free_extent(index);
  }
  Session& s = sessions_[base::to_index(extent.session)];
  extent.state = Extent::State::kSending;
  extent.unsent.fill(extent.chunks);
  extent.queued = true;
  s.unsent_bytes += extent.length;
  s.bytes_served += extent.length;
  s.sending.push_back(extents_, index);
}

ServeSide::Chunk ServeSide::front_chunk(base::SessionId session) noexcept {
  Session& s = sessions_[base::to_index(session)];
  const Extent& extent = extents_[s.sending.front()];
  const std::uint32_t chunk = extent.unsent.first();
  return {.ref = extent.self.word(),
          .index = static_cast<std::uint16_t>(chunk),
          .request_id = extent.request_id,
          .offset = chunk * s.chunk_bytes,
          .length = chunk_length(extent.length, s.chunk_bytes, chunk),
          .slot = static_cast<std::uint16_t>(slot_first_ + extent.slot.slot),
          .again = extent.sent_once.has(chunk)};
}

void ServeSide::take_front_chunk(base::SessionId session) noexcept {
  Session& s = sessions_[base::to_index(session)];
  Extent& extent = extents_[s.sending.front()];
  const std::uint32_t chunk = extent.unsent.first();
  extent.sent_once.set(chunk);
  clear_unsent(extent, chunk);
}

void ServeSide::clear_unsent(Extent& extent, std::uint32_t chunk) noexcept {
  Session& s = sessions_[base::to_index(extent.session)];
  extent.unsent.reset(chunk);
  s.unsent_bytes -= chunk_length(extent.length, s.chunk_bytes, chunk);
  if (!extent.unsent.none()) return;
  if (s.sending.front() == extent.self.slot) s.sending.pop_front(extents_);
  else MUST(s.sending.remove(extents_, extent.self.slot));
  extent.queued = false;
}

void ServeSide::handle_fate(std::uint32_t ref_word, std::uint16_t chunk, sched::Fate fate) noexcept {
  const base::SlotRef ref = base::SlotRef::from_word(ref_word);
  if (!extent_pool_.is_current(ref)) return;  // finished by another copy, or dropped
  Extent& extent = extents_[ref.slot];
  MUST(extent.state == Extent::State::kSending && chunk < extent.chunks);
  if (extent.acked.has(chunk)) return;
  Session& s = sessions_[base::to_index(extent.session)];
  if (fate == sched::Fate::kAcked) {
    extent.acked.set(chunk);
    if (extent.unsent.has(chunk)) clear_unsent(extent, chunk);
    if (extent.acked.count() == extent.chunks) free_extent(ref.slot);
    return;
  }
  if (extent.unsent.has(chunk)) return;
  extent.unsent.set(chunk);
  s.unsent_bytes += chunk_length(extent.length, s.chunk_bytes, chunk);
  if (extent.queued) return;
  extent.queued = true;
  s.sending.push_back(extents_, ref.slot);
}

void ServeSide::drop_extent(std::uint16_t index) noexcept {
  Extent& extent = extents_[index];
  switch (extent.state) {
    case Extent::State::kFree: return;
    case Extent::State::kWaiting: MUST(waiting_.remove(extents_, index)); break;
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

void ServeSide::free_extent(std::uint16_t index) noexcept {
  Extent& extent = extents_[index];
  Session& s = sessions_[base::to_index(extent.session)];
  if (extent.queued) {
    MUST(s.sending.remove(extents_, index));
    for (; !extent.unsent.none(); extent.unsent.reset(extent.unsent.first()))
      s.unsent_bytes -= chunk_length(extent.length, s.chunk_bytes, extent.unsent.first());
    extent.queued = false;
  }
  std::uint16_t& place = by_request(extent.session, extent.request_id);
  if (place == index) place = kNoIndex;
  if (extent.slot.generation != 0) slots_.give_back(extent.slot);
  FileEntry* file = files_.find(extent.file);
  MUST(file != nullptr && file->busy > 0);
  --file->busy;
  --s.extents;
  extent_pool_.give_back(extent.self);
  extent.state = Extent::State::kFree;
}

}  // namespace weft::run
