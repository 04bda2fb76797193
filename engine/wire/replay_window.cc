#include "engine/wire/replay_window.hh"

#include <algorithm>
#include <bit>

#include "engine/base/must.hh"
#include "engine/wire/packet.hh"

namespace weft::wire {

ReplayWindow::ReplayWindow(std::span<std::uint64_t> words) noexcept
    : words_(words), mask_(std::uint64_t{words.size()} * 64 - 1) {
  MUST(std::has_single_bit(words.size()));
  std::ranges::fill(words_, 0);
}

bool ReplayWindow::would_accept(std::uint64_t packet_number) const noexcept {
  if (packet_number >= next_) return packet_number <= kPacketNumberMax;
  if (next_ - packet_number > mask_ + 1) return false;
  const std::uint64_t bit = packet_number & mask_;
  return (words_[bit >> 6] >> (bit & 63) & 1) == 0;
}

void ReplayWindow::accept(std::uint64_t packet_number) noexcept {
  MUST(would_accept(packet_number));
  if (packet_number >= next_) {
    clear(next_, packet_number - next_);
    next_ = packet_number + 1;
    // The bit of packet_number itself may be left over from packet_number - size(); it is set below
    // anyway.
  }
  const std::uint64_t bit = packet_number & mask_;
  words_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
}

// Forgets `count` numbers from `first`: they enter the window unseen.
void ReplayWindow::clear(std::uint64_t first, std::uint64_t count) noexcept {
  if (count > mask_) {
    std::ranges::fill(words_, 0);
    return;
  }
  while (count > 0) {
    const std::uint64_t bit = first & mask_;
    const std::uint64_t shift = bit & 63;
    const std::uint64_t taken = std::min(count, 64 - shift);
    const std::uint64_t ones = taken == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << taken) - 1;
    words_[bit >> 6] &= ~(ones << shift);
    first += taken;
    count -= taken;
  }
}

}  // namespace weft::wire
