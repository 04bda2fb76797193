#include "sched/in_flight.hh"

#include <bit>
#include <utility>

namespace weft::sched {
namespace {
constexpr std::uint64_t kAhead = 4;   // packets

bool is_settled(const SentPacket& packet) {
  return !elicits_ack(packet.kind) ||
         (packet.state != SentState::kInFlight && packet.state != SentState::kEvacuated);
}
}  // namespace

InFlight::InFlight(std::span<SentPacket> ring, std::uint64_t first) noexcept
    : ring_(ring), mask_(ring.size() - 1), unsettled_(first), next_(first) {
  MUST(std::has_single_bit(ring.size()));
  MUST(ring.size() >= 4);
  for (SentPacket& packet : ring_) packet = SentPacket{};
}

SentPacket& InFlight::push(const SentPacket& packet) noexcept {
  const std::uint64_t number = packet.packet_number;
  MUST(number >= next_);
  MUST(has_room(number));
  while (lost_count_ > 0 && number - lost_[lost_first_] >= ring_.size()) drop_oldest_lost();
  if (unsettled_ == next_) unsettled_ = number;  // nothing waits: holes need no walking over
  next_ = number + 1;
  // The ring is larger than the caches nearby: the places of the next packets are on their way while this one is made.
  __builtin_prefetch(&entry(number + kAhead), 1);
  SentPacket& added = entry(number);
  added = packet;
  added.state = SentState::kInFlight;
  if (elicits_ack(added.kind)) {
    bytes_ += added.bytes;
    ++packets_;
  }
  advance();
  return added;
}

const SentPacket* InFlight::find(std::uint64_t packet_number) const noexcept {
  if (packet_number >= next_) return nullptr;
  const SentPacket& found = entry(packet_number);
  if (found.packet_number != packet_number || found.state == SentState::kHole) return nullptr;
  return &found;
}

SentPacket* InFlight::find(std::uint64_t packet_number) noexcept {
  return const_cast<SentPacket*>(std::as_const(*this).find(packet_number));
}

void InFlight::settle(SentPacket& packet, SentState state) noexcept {
  MUST(packet.state != SentState::kHole);
  MUST(packet.state < state);
  if (packet.state == SentState::kInFlight && elicits_ack(packet.kind)) {
    MUST(packets_ > 0);
    MUST(bytes_ >= packet.bytes);
    --packets_;
    bytes_ -= packet.bytes;
  }
  packet.state = state;
  if (state == SentState::kLost) {
    if (lost_count_ == kLostMax) drop_oldest_lost();
    lost_[(lost_first_ + lost_count_) % kLostMax] = packet.packet_number;
    ++lost_count_;
  }
  advance();
}

void InFlight::shed_evacuated() noexcept {
  while (next_ - unsettled_ > ring_.size() / 2) {
    SentPacket& oldest = entry(unsettled_);
    if (oldest.state != SentState::kEvacuated) break;
    settle(oldest, SentState::kLost);
  }
}

SentPacket* InFlight::lost_at(std::uint32_t index) noexcept {
  MUST(index < lost_count_);
  return find(lost_[(lost_first_ + index) % kLostMax]);
}

void InFlight::forget_lost(base::Instant before) noexcept {
  while (lost_count_ > 0) {
    const SentPacket* oldest = lost_at(0);
    if (oldest != nullptr && oldest->state == SentState::kLost && oldest->sent >= before) return;
    drop_oldest_lost();
  }
}

void InFlight::drop_oldest_lost() noexcept {
  MUST(lost_count_ > 0);
  lost_first_ = (lost_first_ + 1) % kLostMax;
  --lost_count_;
}

void InFlight::advance() noexcept {
  // The place of a hole still holds an older packet.
  while (unsettled_ < next_ && (entry(unsettled_).packet_number != unsettled_ ||
                                is_settled(entry(unsettled_))))
    ++unsettled_;
}

}  // namespace weft::sched
