#include "engine/run/lane_table.hh"

#include <algorithm>

#include "engine/run/index_fifo.hh"

namespace weft::run {

LaneTable::LaneTable(const Limits& limits, wire::Aead& aead)
    : limits_(limits),
      aead_(aead),
      slots_(std::make_unique<LaneSlot[]>(limits.lanes)),
      sent_(std::make_unique_for_overwrite<SentRoom[]>(std::size_t{limits.lanes} * limits.packets_in_flight)),
      replay_(std::make_unique_for_overwrite<std::uint64_t[]>(limits.lanes * wire::kReplayWindowWords)) {
  MUST(limits.lanes <= base::kLanesPerCoreMax);
  MUST(limits.packets_per_epoch < wire::kPacketsPerEpochMax);
  for (auto& row : by_path_) row.fill(kNoIndex);
}

LaneTable::~LaneTable() {
  for (std::uint32_t i = 0; i < limits_.lanes; ++i)
    if (slots_[i].exists) remove(slots_[i]);
}

LaneSlot* LaneTable::add(base::SessionId session, base::PathId path, const share::AddLane& with) {
  std::uint16_t& place = by_path_[base::to_index(session)][base::to_index(path)];
  if (place != kNoIndex || sessions_[base::to_index(session)].slots.full()) return nullptr;
  std::uint16_t index = 0;
  while (index < limits_.lanes && slots_[index].exists) ++index;
  if (index == limits_.lanes) return nullptr;
  LaneSlot& slot = slots_[index];
  auto* const first = reinterpret_cast<sched::SentPacket*>(&sent_[std::size_t{index} * limits_.packets_in_flight]);
  std::uninitialized_default_construct_n(first, limits_.packets_in_flight);
  const std::span sent(first, limits_.packets_in_flight);
  slot.exists = true;
  slot.session = session;
  slot.path = path;
  slot.port = with.port;
  slot.flow = with.flow;
  slot.state = share::PathState::kProbing;
  slot.pmtu = sched::Pmtu(with.packet_bytes);
  slot.receiver_index_local = with.receiver_index_local;
  slot.receiver_index_remote = with.receiver_index_remote;
  slot.lane.emplace(sched::LaneConfig{.path = path, .max_packet_bytes = with.packet_bytes,
                                      .congestion = with.congestion, .queue_packets_max = with.queue_packets_max,
                                      .seed = with.receiver_index_remote,
                                      .first_packet_number = next_numbers_[base::to_index(session)][base::to_index(path)]},
                    sent);
  slot.replay.emplace(std::span(&replay_[index * wire::kReplayWindowWords], wire::kReplayWindowWords));
  aead_.prepare(with.tx, slot.tx_keys[0]);
  aead_.prepare(with.rx, slot.rx_keys[0]);
  slot.tx_epoch = slot.rx_epoch = 0;
  slot.tx_packets_in_epoch = slot.tx_epoch_first = 0;
  slot.tx_epoch_heard = false;
  slot.answer_credit = 0;
  slot.validated = slot.challenge_due = slot.response_due = false;
  slot.probe_asked = slot.probe_answered = 0;
  slot.challenge_sent = base::kNever;
  slot.challenge_again_at = {};
  slot.challenges_own = 0;
  slot.answers = {};
  slot.report = share::LaneReport{};
  slot.report.session = session;
  slot.report.path = path;
  slot.report.lane_epoch = with.lane_epoch;
  place = index;
  MUST(sessions_[base::to_index(session)].slots.try_push(index));
  return &slot;
}

void LaneTable::remove(LaneSlot& slot) noexcept {
  MUST(slot.exists);
  for (auto& key : slot.tx_keys) aead_.release(key);
  for (auto& key : slot.rx_keys) aead_.release(key);
  auto& place = by_path_[base::to_index(slot.session)][base::to_index(slot.path)];
  auto& list = sessions_[base::to_index(slot.session)].slots;
  SessionLanes kept;
  for (const std::uint16_t index : list)
    if (index != place) MUST(kept.slots.try_push(index));
  list = kept.slots;
  place = kNoIndex;
  next_numbers_[base::to_index(slot.session)][base::to_index(slot.path)] = slot.lane->next_packet_number();
  slot.lane.reset();
  slot.replay.reset();
  slot.exists = false;
}

bool LaneTable::set_key(LaneSlot& slot, const share::SetKey& key) noexcept {
  if (key.epoch != (key.tx ? slot.tx_epoch : slot.rx_epoch) + 1) return false;
  wire::KeySlot& place = key.tx ? slot.tx_keys[key.epoch & 1] : slot.rx_keys[key.epoch & 3];
  aead_.release(place);
  aead_.prepare(key.key, place);
  return true;
}

void LaneTable::advance_rx(LaneSlot& slot, std::uint32_t epoch) noexcept {
  MUST(epoch == slot.rx_epoch + 1);
  slot.rx_epoch = epoch;
  if (epoch >= 2) aead_.release(slot.rx_keys[(epoch - 2) & 3]);
}

bool LaneTable::rotate_key(LaneSlot& slot) noexcept {
  if (slot.tx_packets_in_epoch < limits_.packets_per_epoch) return true;
  // The peer holds the keys of one epoch ahead of the newest it has seen, no more. A lane that went on while nothing
  // arrived could never be understood again (RFC 9001 6.1).
  if (!slot.tx_epoch_heard) return false;
  if (!slot.tx_keys[(slot.tx_epoch + 1) & 1].prepared) return true;   // control sends it within a tick or two
  aead_.release(slot.tx_key());
  ++slot.tx_epoch;
  slot.tx_packets_in_epoch = 0;
  slot.tx_epoch_first = slot.lane->next_packet_number();
  slot.tx_epoch_heard = false;
  return true;
}

LaneSlot* LaneTable::find(std::uint32_t receiver_index) noexcept {
  const std::uint16_t index = by_path_[ReceiverIndex::session(receiver_index)][ReceiverIndex::path(receiver_index)];
  if (index == kNoIndex || slots_[index].receiver_index_local != receiver_index) return nullptr;
  return &slots_[index];
}

LaneSlot* LaneTable::of(base::SessionId session, base::PathId path) noexcept {
  const std::uint16_t index = by_path_[base::to_index(session)][base::to_index(path)];
  return index == kNoIndex ? nullptr : &slots_[index];
}

}  // namespace weft::run
