// The sending half of the turn: path frames, rejects and requests first (small and urgent), then chunks as far as
// windows, pacing and ports allow, acks on the way, and what acks are due alone at the end.
#include <algorithm>

#include "engine/run/data_agent.hh"
#include "engine/wire/keys.hh"

namespace weft::run {

std::uint32_t DataAgent::transmit(base::Instant now) noexcept {
  tx_.begin(now);
  stages_.lap(share::Stage::kTransmit);
  // First what is small and keeps paths alive, of all sessions, then data; each turn another session begins, so that
  // a busy one can neither silence the others nor always take the room of a burst.
  const std::size_t first = static_cast<std::size_t>(report_.turns % base::kSessionsMax);
  for (const bool data : {false, true})
    for (const std::size_t s : made_.from(first)) {
      const base::SessionId session{static_cast<std::uint8_t>(s)};
      if (!data) send_control(session, now);
      else if (serve_.unsent_bytes(session) > 0) send_chunks(session, now);
      else if (serve_.extents_of(session) > 0) send_copies(session, now);
    }
  // Last, because a chunk's packet takes an ack along.
  for (const std::size_t s : made_.from(first)) send_acks(base::SessionId{static_cast<std::uint8_t>(s)}, now);
  stages_.lap(share::Stage::kPick);
  const std::uint32_t sent = tx_.send(now);
  stages_.lap(share::Stage::kTransmit);
  return sent;
}

void DataAgent::send_control(base::SessionId session, base::Instant now) noexcept {
  for (const std::uint16_t index : lanes_.of(session).slots) {
    LaneSlot& lane = lanes_.at(index);
    if (lane.challenge_due) send_challenge(lane, now);
    if (lane.response_due) send_response(lane, now);
    if (lane.pmtu.probe_due()) send_mtu_probe(lane, now);
  }
  if (rejects_.empty(session) && !fetch_.has_request(session)) return;
  build_views(session, For::kControl, now);
  send_rejects(session, now);
  send_requests(session, now);
}

void DataAgent::build_views(base::SessionId session, For purpose, base::Instant now) noexcept {
  views_.clear();
  view_lanes_.clear();
  const auto& entries = wiring_.table->current().paths[base::to_index(session)];
  for (const std::uint16_t index : lanes_.of(session).slots) {
    const LaneSlot& lane = lanes_.at(index);
    sched::LaneView view = sched::view_of(*lane.lane, entries[base::to_index(lane.path)], lane.validated,
                                          lane.packet_bytes(), now);
    view.port = lane.port;
    view.can_send = view.can_send && tx_.has_room_for_data(lane, now);
    view.usable = view.usable && (purpose == For::kControl || lane.pmtu.carries_data());
    MUST(views_.try_push(view) && view_lanes_.try_push(index));
  }
}

void DataAgent::send_challenge(LaneSlot& lane, base::Instant now) noexcept {
  Draft draft;
  if (!tx_.start(lane, sched::SentKind::kControl, draft, TxBatch::Asked::kNo)) return;   // next turn
  // While an answer may still be on its way, the same question again: a path whose round trip is longer than the
  // probe interval would otherwise never answer the newest one.
  const base::Duration patience = std::max(3 * lane.lane->srtt(), base::seconds(1));
  if (lane.challenge_sent == base::kNever || now - lane.challenge_sent > patience) {
    lane.challenge = challenges_.next();
    lane.challenge_sent = now;
  }
  lane.challenge_repeated = now;
  lane.challenge_due = false;
  wire::encode(draft.frames, wire::PathChallenge{lane.challenge});
  if (lane.validated) append_ack(draft, 0, now);
  finish_probe(lane, draft, now);
}

void DataAgent::finish_probe(LaneSlot& lane, Draft& draft, base::Instant now) noexcept {
  const std::uint64_t before = lane.report.bytes_out;
  tx_.finish(draft, now);
  lane.report.probe_bytes_out += lane.report.bytes_out - before;
}

void DataAgent::send_response(LaneSlot& lane, base::Instant now) noexcept {
  Draft draft;
  if (!tx_.start(lane, sched::SentKind::kControl, draft)) return;
  lane.response_due = false;
  wire::encode(draft.frames, wire::PathResponse{lane.response});
  append_ack(draft, 0, now);
  finish_probe(lane, draft, now);
}

void DataAgent::send_mtu_probe(LaneSlot& lane, base::Instant now) noexcept {
  // A path that does not answer says nothing about sizes.
  Draft draft;
  if (!share::is_in_use(lane.state) || !lane.lane->answering() || !tx_.start_probe(lane, draft)) return;
  wire::encode_ping(draft.frames);
  wire::encode_padding(draft.frames, draft.room());
  lane.pmtu.on_probe_sent(draft.sent.packet_number, lane.lane->srtt(), now);
  tx_.finish(draft, now);
}

LaneSlot* DataAgent::control_lane(base::SessionId session) noexcept {
  const int picked = sessions_[base::to_index(session)].picker.pick_control(views_.span());
  if (picked == sched::Picker::kNone) return nullptr;
  return &lanes_.at(view_lanes_[static_cast<std::size_t>(picked)]);
}

void DataAgent::send_rejects(base::SessionId session, base::Instant now) noexcept {
  while (!rejects_.empty(session)) {
    LaneSlot* lane = control_lane(session);
    Draft draft;
    // One per packet: the record of the packet is all that is needed to repeat it.
    if (lane == nullptr || !tx_.start(*lane, sched::SentKind::kRejects, draft)) return;
    const wire::Reject reject = rejects_.take(session);
    wire::encode(draft.frames, reject);
    draft.sent.ref = reject.request_id;
    draft.sent.chunk = static_cast<std::uint16_t>(reject.reason);
    append_ack(draft, 0, now);
    tx_.finish(draft, now);
  }
}

void DataAgent::send_requests(base::SessionId session, base::Instant now) noexcept {
  while (fetch_.has_request(session)) {
    LaneSlot* lane = control_lane(session);
    Draft draft;
    if (lane == nullptr || !tx_.start(*lane, sched::SentKind::kRequests, draft)) return;
    while (fetch_.has_request(session) && draft.room() >= wire::kRequestBytes + wire::kAckBytesMin)
      wire::encode(draft.frames, fetch_.take_request(session, lane->path, draft.sent.packet_number, now));
    append_ack(draft, 0, now);
    tx_.finish(draft, now);
  }
}

void DataAgent::send_chunks(base::SessionId session, base::Instant now) noexcept {
  build_views(session, For::kData, now);
  sched::Picker& picker = sessions_[base::to_index(session)].picker;
  const sched::LaneSurvey survey = sched::survey_of(views_.span());
  while (const std::uint64_t unsent = serve_.unsent_bytes(session)) {
    // How large the packet will be depends on the lane; what any path carries is near enough to compare them by.
    const auto packet_bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(unsent, sched::Pmtu::kBaseBytes));
    const int picked = picker.pick(views_.span(), survey, unsent, packet_bytes);
    if (picked == sched::Picker::kNone) return;
    const auto at = static_cast<std::size_t>(picked);
    LaneSlot& lane = lanes_.at(view_lanes_[at]);
    Draft draft;
    if (!tx_.start(lane, sched::SentKind::kChunk, draft)) {
      views_[at].can_send = false;
      continue;
    }
    const ServeSide::Chunk chunk = serve_.take_chunks(session, room_for_chunks(lane));
    finish_chunk(draft, chunk, Copy::kFirst, now);
    refresh_view(at, now);
    if (picker.policy() == share::Policy::kRedundant) send_twin(chunk, at, session, now);
  }
  // All that there was is on its way: what a lane delivers from here on says nothing about what it could.
  for (const std::uint16_t index : view_lanes_) {
    sched::Lane& lane = *lanes_.at(index).lane;
    if (lane.in_flight_bytes() > 0) lane.on_app_limited();
  }
}

// Policy `redundant`: the same chunks on a lane of another port, if there is one with room; in several packets where
// that one's are smaller. Without room it is not waited for: the pair goes as fast as the better of the two.
void DataAgent::send_twin(const ServeSide::Chunk& chunk, std::size_t first, base::SessionId session,
                          base::Instant now) noexcept {
  sched::Picker& picker = sessions_[base::to_index(session)].picker;
  for (;;) {
    const int picked = picker.pick_twin(views_.span(), static_cast<int>(first));
    if (picked == sched::Picker::kNone) return;
    const auto at = static_cast<std::size_t>(picked);
    if (!send_copy(chunk.ref, chunk.index, chunk.count, UINT64_MAX, at, now)) return;
  }
}

// The end of a transfer, policy `rate`: what a slow lane holds up goes again by a quick one that has nothing else to
// do.
void DataAgent::send_copies(base::SessionId session, base::Instant now) noexcept {
  Session& s = sessions_[base::to_index(session)];
  if (s.picker.policy() != share::Policy::kRate || serve_.copy_budget(session) == 0) return;
  build_views(session, For::kData, now);
  base::FixedVector<const sched::Lane*, base::kPathsPerSessionMax> lanes;
  for (const std::uint16_t index : view_lanes_) MUST(lanes.try_push(&*lanes_.at(index).lane));
  while (const auto copy = s.resend.next(views_.span(), lanes.span(), now, [&](const sched::SentPacket& packet) {
    return serve_.chunks_to_copy(packet.ref, packet.chunk, packet.chunks, serve_.copy_budget(session)).has_value();
  })) {
    const sched::SentPacket held_up = *copy->packet;
    while (const std::uint32_t bytes = send_copy(held_up.ref, held_up.chunk, held_up.chunks,
                                                 serve_.copy_budget(session), static_cast<std::size_t>(copy->to), now))
      serve_.spend_copy_budget(session, bytes);
  }
}

// One packet with what of these chunks may be copied and fits. Returns its bytes of chunks; 0: nothing left to copy, or no
// room.
std::uint32_t DataAgent::send_copy(std::uint32_t ref, std::uint16_t chunk, std::uint8_t count, std::uint64_t bytes_max,
                                   std::size_t at, base::Instant now) noexcept {
  LaneSlot& lane = lanes_.at(view_lanes_[at]);
  const auto part = serve_.chunks_to_copy(ref, chunk, count, std::min<std::uint64_t>(bytes_max, room_for_chunks(lane)));
  Draft draft;
  if (!part || !views_[at].can_send) return 0;
  if (!tx_.start(lane, sched::SentKind::kChunk, draft)) {
    views_[at].can_send = false;
    return 0;
  }
  finish_chunk(draft, *part, Copy::kSecond, now);
  serve_.note_copy(*part);
  refresh_view(at, now);
  return part->length;
}

void DataAgent::refresh_view(std::size_t at, base::Instant now) noexcept {
  const LaneSlot& lane = lanes_.at(view_lanes_[at]);
  views_[at].queued_bytes = lane.lane->in_flight_bytes();
  views_[at].can_send = lane.lane->can_send(lane.packet_bytes(), now) && tx_.has_room_for_data(lane, now);
}

void DataAgent::finish_chunk(Draft& draft, const ServeSide::Chunk& chunk, Copy copy, base::Instant now) noexcept {
  LaneSlot& lane = *draft.lane;
  draft.body = slots_.subspan(std::size_t{chunk.slot} * base::kSlotBytes + chunk.offset, chunk.length);
  draft.sent.ref = chunk.ref;
  draft.sent.chunk = chunk.index;
  draft.sent.chunks = chunk.count;
  // The head ends with the chunk's header, so an ack goes before it.
  append_ack(draft, wire::kChunkHeaderBytes, now);
  wire::encode_chunk_header(draft.frames, chunk.request_id, chunk.offset, chunk.length);
  lane.report.chunk_bytes_out += chunk.length;
  if (copy == Copy::kSecond) lane.report.chunk_bytes_redundant += chunk.length;
  else lane.report.chunk_bytes_again += chunk.again_bytes;
  tx_.finish(draft, now);
}

// What the lane has to acknowledge, if it fits and leaves `reserve` bytes for what follows.
void DataAgent::append_ack(Draft& draft, std::size_t reserve, base::Instant now) noexcept {
  sched::Lane& lane = *draft.lane->lane;
  if (!lane.ack_pending() || draft.room() < reserve + wire::kAckBytesMin) return;
  wire::Ack ack;   // only now: clearing its ranges costs more than all of the above
  if (lane.fill_ack(ack, now)) write_ack(draft, ack, draft.room() - reserve);
}

// Its fate tells the lane that it is about how much its peer knows. Older ranges that do not fit are left out.
void DataAgent::write_ack(Draft& draft, wire::Ack ack, std::size_t room) noexcept {
  while (wire::encoded_size(ack) > room) ack.ranges.pop_back();
  wire::encode(draft.frames, ack);
  draft.sent.ack_largest = ack.largest;
  draft.sent.ack_path = ack.path;
}

void DataAgent::send_acks(base::SessionId session, base::Instant now) noexcept {
  for (const std::uint16_t index : lanes_.of(session).slots) {
    LaneSlot& lane = lanes_.at(index);
    if (lane.lane->probe_wanted()) {
      Draft draft;
      if (tx_.start(lane, sched::SentKind::kControl, draft)) {
        wire::encode_ping(draft.frames);
        append_ack(draft, 0, now);
        tx_.finish(draft, now);
      }
    }
    if (!lane.lane->ack_due(now)) continue;
    Draft draft;   // first the packet, then the ack: filling it takes it as sent
    if (!tx_.start(lane, sched::SentKind::kAckOnly, draft)) continue;
    wire::Ack ack;
    MUST(lane.lane->fill_ack(ack, now));
    send_ack(draft, ack, now);
    // What a suspect path brought must not wait for what it may not bring back.
    if (lane.state != share::PathState::kSuspect) continue;
    build_views(session, For::kControl, now);
    LaneSlot* other = control_lane(session);
    if (other != nullptr && other != &lane && tx_.start(*other, sched::SentKind::kAckOnly, draft))
      send_ack(draft, ack, now);
  }
}

void DataAgent::send_ack(Draft& draft, const wire::Ack& ack, base::Instant now) noexcept {
  write_ack(draft, ack, draft.room());
  tx_.finish(draft, now);
}

}  // namespace weft::run
