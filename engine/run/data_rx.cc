// The receiving half of the turn: from a burst of datagrams to the state of lanes, requests and extents.
#include <span>

#include "engine/run/data_agent.hh"
#include "engine/wire/keys.hh"

namespace weft::run {

std::uint32_t DataAgent::receive(base::Instant now) noexcept {
  std::uint32_t work = 0;
  for (const std::size_t port : tx_.open_ports()) {
    const std::uint32_t count = ports_[port]->rx(datagrams_, now);
    if (count == 0) continue;
    stages_.lap(share::Stage::kPoll);
    receive_burst({datagrams_.data(), count}, now);
    work += count;
  }
  for (share::SpscRing<share::RxDatagram>* ring : wiring_.handed_in)
    if (ring != nullptr) work += receive_handed_in(*ring, now);
  stages_.lap(share::Stage::kPoll);
  return work;
}

std::uint32_t DataAgent::receive_handed_in(share::SpscRing<share::RxDatagram>& ring, base::Instant now) noexcept {
  const std::uint32_t count = ring.pop(datagrams_);
  if (count > 0) receive_burst({datagrams_.data(), count}, now);
  return count;
}

// A datagram that is for this core and, as far as its clear header says, for one of its lanes.
bool DataAgent::admit(share::RxDatagram& datagram, Admitted& out) noexcept {
  wire::PacketHeader header;
  share::Drop why{};
  if (!wire::decode_header({datagram.payload, datagram.bytes}, header, why)) {
    drop(why);
    return false;
  }
  if (ReceiverIndex::core(header.receiver_index) != base::to_index(core_)) {
    if (hand_over(datagram, header.receiver_index)) datagram.packet = nullptr;   // the other core's now
    else drop(share::Drop::kWrongCore);
    return false;
  }
  LaneSlot* lane = lanes_.find(header.receiver_index);
  if (lane == nullptr) {
    drop(share::Drop::kReceiverIndex);
    return false;
  }
  const auto epoch = wire::expand_epoch(lane->rx_epoch, header.key_epoch);
  if (!epoch || !lane->rx_keys[*epoch & 3].prepared) {
    drop(share::Drop::kEpoch);
    return false;
  }
  if (!lane->replay->would_accept(header.packet_number)) {
    drop(share::Drop::kReplay);
    return false;
  }
  out = {.job = {.key = &lane->rx_keys[*epoch & 3], .packet_number = header.packet_number,
                 .packet = datagram.payload, .packet_bytes = datagram.bytes},
         .lane = lane, .epoch = *epoch};
  return true;
}

void DataAgent::receive_burst(std::span<share::RxDatagram> burst, base::Instant now) noexcept {
  std::array<Admitted, share::kBurst> admitted;
  std::size_t count = 0;
  for (share::RxDatagram& datagram : burst)
    if (admit(datagram, admitted[count])) ++count;
  for (std::size_t at = 0; at < count;) {
    const std::size_t first = at;
    for (std::size_t bytes = 0; at < count && bytes < kOpenedAtOnce; ++at) {
      aead_.open({&admitted[at].job, 1});
      bytes += admitted[at].job.packet_bytes;
      // While the next packets are opened, the lines come that this one's chunk will be copied to.
      if (admitted[at].job.ok) expect_chunk(admitted[at].job.plaintext());
    }
    stages_.lap(share::Stage::kOpen);
    for (std::size_t i = first; i < at; ++i) deliver(admitted[i], now);
    stages_.lap(share::Stage::kDeliver);
  }
  for (const share::RxDatagram& datagram : burst)
    if (datagram.packet != nullptr) ports_[base::to_index(datagram.port)]->release({&datagram, 1});
}

void DataAgent::expect_chunk(base::Bytes plaintext) noexcept {
  wire::Chunk chunk;
  if (wire::begins_with_chunk(plaintext, chunk)) fetch_.expect(chunk);
}

void DataAgent::deliver(const Admitted& packet, base::Instant now) noexcept {
  const wire::OpenJob& job = packet.job;
  LaneSlot& lane = *packet.lane;
  if (!job.ok) return drop(share::Drop::kTag);
  if (!lane.replay->would_accept(job.packet_number)) return drop(share::Drop::kReplay);   // a second copy within this burst
  lane.replay->accept(job.packet_number);
  if (packet.epoch > lane.rx_epoch) lanes_.advance_rx(lane, packet.epoch);
  if (!lane.validated) lane.answer_credit += 3 * std::uint64_t{job.packet_bytes};
  ++lane.report.packets_in;
  lane.report.bytes_in += job.packet_bytes;
  lane.report.last_received = now;
  handle_packet(lane, job, now);
}

bool DataAgent::hand_over(const share::RxDatagram& datagram, std::uint32_t receiver_index) noexcept {
  share::SpscRing<share::RxDatagram>* ring = wiring_.handed_out[ReceiverIndex::core(receiver_index)];
  if (ring == nullptr || !ring->push_one(datagram)) return false;
  ++report_.handed_over;
  return true;
}

void DataAgent::handle_packet(LaneSlot& lane, const wire::OpenJob& job, base::Instant now) noexcept {
  wire::FrameReader reader(job.plaintext());
  bool eliciting = false;
  std::uint64_t acked_paths = 0;
  static_assert(base::kPathsMax <= 64);
  while (reader.next(frame_)) {
    eliciting |= wire::is_ack_eliciting(frame_.type);
    if (frame_.type == wire::FrameType::kAck) {
      // An ACK says all there is to say about a path; a packet stuffed with them would only cost time.
      const std::uint64_t bit = std::uint64_t{1} << frame_.ack.path;
      if ((acked_paths & bit) != 0) {
        drop(share::Drop::kFrame);
        continue;
      }
      acked_paths |= bit;
    }
    handle_frame(lane, frame_, now);
  }
  if (!reader.ok()) drop(share::Drop::kFrame);
  lane.lane->on_packet_received(job.packet_number, eliciting, now);
}

void DataAgent::handle_frame(LaneSlot& lane, const wire::Frame& frame, base::Instant now) noexcept {
  const auto events = [this](const share::Event& event) { emit(event); };
  std::optional<share::Drop> dropped;
  switch (frame.type) {
    case wire::FrameType::kChunk: dropped = fetch_.handle_chunk(lane.session, frame.chunk, lane.report, now); break;
    case wire::FrameType::kAck:
      stages_.lap(share::Stage::kDeliver);
      handle_ack(lane, frame.ack, now);
      stages_.lap(share::Stage::kAck);
      break;
    case wire::FrameType::kRequest:
      if (const auto reason = serve_.handle_request(lane.session, frame.request, dropped))
        rejects_.add(lane.session, {frame.request.request_id, *reason});
      break;
    case wire::FrameType::kReject: dropped = fetch_.handle_reject(lane.session, frame.reject, now, events); break;
    case wire::FrameType::kPathChallenge:
      if (!lane.answers.take(now)) {
        dropped = share::Drop::kExcessProbe;
        break;
      }
      lane.response = frame.path_challenge.data;
      lane.response_due = true;
      break;
    case wire::FrameType::kPathResponse: handle_response(lane, frame.path_response.data, now); break;
    // A peer's wish about roles comes with its offer; while a session lasts, roles do not change yet.
    case wire::FrameType::kPathStatus: case wire::FrameType::kPathAbandon: case wire::FrameType::kClose:
    case wire::FrameType::kPing: case wire::FrameType::kPadding: break;
  }
  if (dropped) drop(*dropped);
}

void DataAgent::handle_ack(LaneSlot& lane, const wire::Ack& ack, base::Instant now) noexcept {
  LaneSlot* about = lanes_.of(lane.session, base::PathId{ack.path});
  if (about == nullptr) return;   // of a lane removed meanwhile
  const auto result = about->lane->handle_ack(
      ack, now, [&](const sched::SentPacket& p, sched::Fate f) { handle_fate(*about, p, f); });
  if (!result.acceptable) return drop(share::Drop::kUnacceptableAck);
  about->pmtu.handle_ack(ack, now);
}

void DataAgent::handle_response(LaneSlot& lane, std::uint64_t data, base::Instant now) noexcept {
  // Only the answer to the question that is open, on the lane that it was asked on.
  if (lane.challenge_sent == base::kNever || data != lane.challenge) return;
  // A lane that begins, or begins anew after an outage, knows nothing of its path but this round trip. (Asked more than
  // once, the last time counts: too short an estimate is mended by the first acks, too long a one keeps data away.)
  if (!lane.validated || lane.state == share::PathState::kDown || lane.state == share::PathState::kProbing) {
    lane.lane->set_path_validated(now - lane.challenge_repeated, now);
    lane.lane->reset_congestion(now);
    lane.pmtu.on_validated(now);
  }
  lane.validated = true;
  lane.challenge_sent = base::kNever;
  lane.probe_answered = lane.probe_asked;
}

}  // namespace weft::run
