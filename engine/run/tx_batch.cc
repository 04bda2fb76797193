#include "engine/run/tx_batch.hh"

#include <algorithm>

#include "engine/wire/frame.hh"
#include "engine/wire/keys.hh"

namespace weft::run {

namespace {
// The bucket counts payload of this size; its burst is 16 of these, or a millisecond's worth.
constexpr std::uint32_t kPacedPacketBytes = 1500;
}  // namespace

TxBatch::TxBatch(std::span<share::DatagramPort* const> ports, std::span<const std::uint64_t> rates_Bps,
                 wire::Aead& aead, share::StageClock& stages) noexcept
    : ports_(ports), aead_(aead), stages_(stages) {
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (ports[i] != nullptr) add_port(base::PortId{static_cast<std::uint8_t>(i)}, i < rates_Bps.size() ? rates_Bps[i] : 0, {});
}

void TxBatch::add_port(base::PortId port, std::uint64_t rate_Bps, base::Instant now) noexcept {
  open_.add(base::to_index(port));
  if (rate_Bps == 0) return;
  PortBatch& batch = batches_[base::to_index(port)];
  batch.pacer.emplace(kPacedPacketBytes);
  batch.pacer->set_rate_Bps(rate_Bps, now);
}

void TxBatch::remove_port(base::PortId port) noexcept {
  open_.remove(base::to_index(port));
  PortBatch& batch = batches_[base::to_index(port)];
  MUST(batch.slots_have == batch.slots_used);
  for (std::uint32_t i = 0; i < batch.items_have; ++i) {
    const share::TxSlot slot{.packet = batch.items[i].packet};
    ports_[base::to_index(port)]->tx_cancel({&slot, 1});
  }
  batch.items_have = batch.sealed = 0;
  batch.blocked = false;
  batch.pacer.reset();
}

// What is sealed is offered until the port takes no more; what is not is sealed all the same, because it has its packet numbers.
std::uint32_t TxBatch::send_port(std::size_t port, base::Instant now) noexcept {
  PortBatch& batch = batches_[port];
  std::uint32_t sent = 0;
  for (bool takes = true; (takes && sent < batch.items_have) || batch.sealed < batch.items_have;) {
    const std::uint32_t fresh = std::min(kSealedAtOnce, batch.items_have - batch.sealed);
    if (fresh > 0) aead_.seal({batch.jobs.data() + batch.sealed, fresh});
    batch.sealed += fresh;
    stages_.lap(share::Stage::kSeal);
    if (!takes) continue;
    const std::uint32_t took = ports_[port]->tx({batch.items.data() + sent, batch.sealed - sent}, now);
    sent += took;
    takes = sent == batch.sealed;
    stages_.lap(share::Stage::kTransmit);
  }
  batch.items_have -= sent;
  batch.sealed = batch.items_have;
  for (std::uint32_t i = 0; sent > 0 && i < batch.items_have; ++i) {
    batch.items[i] = batch.items[i + sent];
    batch.flows[i] = batch.flows[i + sent];
    batch.items[i].flow = &batch.flows[i];
  }
  return sent;
}

void TxBatch::begin(base::Instant now) noexcept {
  for (const std::size_t port : open_) {
    send_port(port, now);
    batches_[port].blocked = batches_[port].items_have > 0;
    if (batches_[port].pacer) batches_[port].pacer->on_turn(now);
  }
}

bool TxBatch::has_room(const LaneSlot& lane) const noexcept {
  const PortBatch& batch = batches_[base::to_index(lane.port)];
  return !batch.blocked && batch.items_have < share::kBurst && lane.lane->can_send_control() &&
         lane.tx_packets_in_epoch < wire::kPacketsPerEpochMax;
}

bool TxBatch::has_room_for_data(const LaneSlot& lane, base::Instant now) const noexcept {
  const PortBatch& batch = batches_[base::to_index(lane.port)];
  return has_room(lane) && batch.items_have < share::kBurst - kControlPlaces &&
         (!batch.pacer || batch.pacer->may_send(now));
}

bool TxBatch::start(LaneSlot& lane, sched::SentKind kind, Draft& draft, Asked asked) noexcept {
  if (!has_room(lane)) return false;
  std::size_t packet_max = lane.packet_bytes();
  if (!lane.validated && asked == Asked::kYes) packet_max = std::min<std::uint64_t>(packet_max, lane.answer_credit);
  if (packet_max < wire::kOverheadBytes + wire::kAckBytesMin) return false;
  draft.asked = asked == Asked::kYes;
  return compose(lane, kind, packet_max, draft);
}

bool TxBatch::start_probe(LaneSlot& lane, Draft& draft) noexcept {
  MUST(lane.validated);
  // To the lane it is nothing that is waited for: Pmtu has a timer of its own.
  return has_room(lane) && compose(lane, sched::SentKind::kAckOnly, lane.pmtu.probe_bytes(), draft);
}

bool TxBatch::compose(LaneSlot& lane, sched::SentKind kind, std::size_t packet_max, Draft& draft) noexcept {
  PortBatch& batch = batches_[base::to_index(lane.port)];
  if (batch.slots_used == batch.slots_have) {
    batch.slots_used = 0;
    batch.slots_have = ports_[base::to_index(lane.port)]->tx_alloc(batch.slots);
    if (batch.slots_have == 0) return false;
  }
  draft.lane = &lane;
  draft.slot = batch.slots[batch.slots_used++];
  // Where the next packet's header and frames will be written.
  if (batch.slots_used < batch.slots_have) {
    __builtin_prefetch(batch.slots[batch.slots_used].payload, 1);
  }
  MUST(draft.slot.room >= packet_max);
  draft.frames_max = packet_max - wire::kOverheadBytes;
  draft.frames = base::ByteWriter({draft.slot.payload + wire::kHeaderBytes, draft.frames_max});
  draft.body = {};
  draft.sent = sched::SentPacket{.packet_number = lane.lane->take_packet_number(), .kind = kind};
  wire::encode_header(draft.slot.payload, {.key_epoch = static_cast<std::uint8_t>(lane.tx_epoch),
                                           .receiver_index = lane.receiver_index_remote,
                                           .packet_number = draft.sent.packet_number});
  return true;
}

void TxBatch::finish(Draft& draft, base::Instant now) noexcept {
  LaneSlot& lane = *draft.lane;
  PortBatch& batch = batches_[base::to_index(lane.port)];
  const std::size_t bytes = wire::kOverheadBytes + draft.frames.used() + draft.body.size();
  MUST(draft.frames.used() + draft.body.size() > 0);
  MUST(bytes <= wire::kOverheadBytes + draft.frames_max);
  if (!lane.validated && draft.asked) lane.answer_credit -= bytes;
  batch.jobs[batch.items_have] = {.key = &lane.tx_key(),
                                  .packet_number = draft.sent.packet_number,
                                  .packet = draft.slot.payload,
                                  .head_bytes = static_cast<std::uint32_t>(draft.frames.used()),
                                  .body = draft.body};
  share::Flow& flow = batch.flows[batch.items_have];
  flow = lane.flow;
  batch.items[batch.items_have++] = {.packet = draft.slot.packet, .bytes = static_cast<std::uint16_t>(bytes),
                                     .flow = &flow};
  draft.sent.bytes = static_cast<std::uint32_t>(bytes);
  lane.lane->on_sent(draft.sent, now);
  if (batch.pacer) batch.pacer->on_sent(draft.sent.bytes, now);
  ++lane.tx_packets_in_epoch;
  ++lane.report.packets_out;
  lane.report.bytes_out += bytes;
  lane.report.last_sent = now;
}

std::uint32_t TxBatch::send(base::Instant now) noexcept {
  std::uint32_t sent = 0;
  for (const std::size_t port : open_) {
    PortBatch& batch = batches_[port];
    sent += send_port(port, now);
    // Slots taken and not used go back, so that an idle core holds no packet buffers.
    if (batch.slots_used < batch.slots_have)
      ports_[port]->tx_cancel({batch.slots.data() + batch.slots_used, batch.slots_have - batch.slots_used});
    batch.slots_have = batch.slots_used = 0;
  }
  return sent;
}

}  // namespace weft::run
