// Refuses packet numbers that were seen before or are too old to tell. One per lane, through all
// key epochs.
// Order of use: would_accept() before opening (cheap, saves the AEAD), accept() after the tag was
// right and never otherwise: a forged packet number must not move the window.
// Owner: one data core. Memory: the span given at construction, one bit per packet number.
// Cost: O(1) for the next number; a jump clears at most the numbers it skips, and never more than
// the whole span.
// Source: the sliding window of RFC 4303 §3.4.3 as a ring of bits (idea of RFC 6479, with exact
// edges).
#pragma once

#include <cstdint>
#include <span>

namespace weft::wire {

// What a lane gets: 8 KiB. At 10 Mpps this is 6.5 ms of reordering between queues of one path.
inline constexpr std::size_t kReplayWindowPackets = std::size_t{1} << 16;
inline constexpr std::size_t kReplayWindowWords = kReplayWindowPackets / 64;

class ReplayWindow {
 public:
  // `words`: a power of two of them, at least 1; outlives the window; content is overwritten.
  // Engines give kReplayWindowWords; tests give fewer.
  explicit ReplayWindow(std::span<std::uint64_t> words) noexcept;

  // True if this number is newer than all seen, or within the last size() numbers and not seen.
  [[nodiscard]] bool would_accept(std::uint64_t packet_number) const noexcept;
  // Marks it seen. would_accept() must have said yes for it since the last accept() (MUST): two
  // copies in one burst both pass the first question, so ask again after opening.
  void accept(std::uint64_t packet_number) noexcept;

  // One above the highest number accepted, 0 before the first.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
  // Numbers covered.
  [[nodiscard]] std::uint64_t size() const noexcept { return mask_ + 1; }

 private:
  void clear(std::uint64_t first, std::uint64_t count) noexcept;

  std::span<std::uint64_t> words_;
  std::uint64_t mask_;        // bits - 1
  std::uint64_t next_ = 0;
};

}  // namespace weft::wire
