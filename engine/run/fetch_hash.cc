// The hash of complete blocks, two at a time (wire/sha256_pair.hh), a bounded piece of each per turn.
#include <algorithm>
#include <utility>

#include "engine/run/fetch_side.hh"

namespace weft::run {

using Kind = share::Event::Kind;

// What is left of the extent that the seat has come to.
base::Bytes FetchSide::unhashed(const HashSeat& seat) const noexcept {
  const Block& block = blocks_[seat.block];
  const std::uint32_t length = extent_length(block, seat.extents);
  return slot_bytes(block.slots[seat.extents]).subspan(seat.bytes, length - seat.bytes);
}

void FetchSide::advance(HashSeat& seat, std::size_t bytes, EventSink events) noexcept {
  Block& block = blocks_[seat.block];
  seat.bytes += static_cast<std::uint32_t>(bytes);
  if (seat.bytes < extent_length(block, seat.extents)) return;
  seat.bytes = 0;
  if (++seat.extents < block.extents) return;
  const std::uint16_t index = std::exchange(seat.block, kNoIndex);
  if (seat.stream.finish() != block.fetch.hash) {
    end_block(index, Kind::kBlockMismatch, 0, events);
    return;
  }
  sessions_[base::to_index(block.session)].bytes_verified += block.fetch.size;
  begin_write(block);
}

void FetchSide::seat_blocks() noexcept {
  for (HashSeat& seat : hash_seats_) {
    if (seat.block != kNoIndex || hashing_.empty()) continue;
    seat.block = hashing_.pop_front(blocks_);
    seat.extents = seat.bytes = 0;
    seat.stream.start();
  }
}

std::uint32_t FetchSide::poll_hash(base::Instant now, bool received, EventSink events) noexcept {
  std::uint32_t work = 0;
  auto& [a, b] = hash_seats_;
  for (std::size_t budget = kHashBytesPerTurn; budget > 0; ++work) {
    seat_blocks();
    const bool has_a = a.block != kNoIndex, has_b = b.block != kNoIndex;
    if (!has_a && !has_b) break;
    // A core that has time hashes what there is. One that is busy waits for a pair: half of the bytes went alone before.
    if (has_a != has_b && received && now - blocks_[has_a ? a.block : b.block].complete_at < kHashPairWait) break;
    base::Bytes of_a = has_a ? unhashed(a) : base::Bytes{};
    base::Bytes of_b = has_b ? unhashed(b) : base::Bytes{};
    std::size_t step = budget;
    for (const base::Bytes of_one : {of_a, of_b})
      if (!of_one.empty()) step = std::min(step, of_one.size());
    budget -= step;
    // The end of an extent may be off a block of the hash; the other stream must not be stopped there, or it would stay
    // off for ever and go alone.
    const auto piece = [step](base::Bytes of_one) {
      return of_one.first(std::min(of_one.size(), of_one.size() == step ? step : (step + 63) / 64 * 64));
    };
    of_a = piece(of_a);
    of_b = piece(of_b);
    hash_pair_.update(a.stream, of_a, b.stream, of_b);
    if (has_a) advance(a, of_a.size(), events);
    if (has_b) advance(b, of_b.size(), events);
  }
  return work;
}

}  // namespace weft::run
