// One bit per chunk of an extent, and the grid that cuts an extent into chunks.
// Why a grid: both ends know the session's chunk size, so 512 bits tell all about an extent, whatever lane a chunk
// takes, with how many others it shares a packet, and however often it is sent.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "engine/base/limits.hh"
#include "engine/base/must.hh"
#include "engine/wire/frame.hh"
#include "engine/wire/packet.hh"

namespace weft::run {

class ChunkMap {
 public:
  void clear() noexcept { words_ = {}; }
  void fill(std::uint32_t count) noexcept {
    MUST(count <= base::kChunksPerExtentMax);
    for (std::uint32_t left = count; std::uint64_t& word : words_) {
      const std::uint32_t bits = std::min(left, 64u);
      word = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
      left -= bits;
    }
  }
  [[nodiscard]] bool has(std::uint32_t i) const noexcept { return (words_[i >> 6] >> (i & 63)) & 1; }
  void set(std::uint32_t i) noexcept { words_[i >> 6] |= std::uint64_t{1} << (i & 63); }
  void reset(std::uint32_t i) noexcept { words_[i >> 6] &= ~(std::uint64_t{1} << (i & 63)); }
  // The same for `count` of them from `i` on.
  void set_run(std::uint32_t i, std::uint32_t count) noexcept {
    in_words(i, count, [this](std::size_t word, std::uint64_t mask) { words_[word] |= mask; });
  }
  void reset_run(std::uint32_t i, std::uint32_t count) noexcept {
    in_words(i, count, [this](std::size_t word, std::uint64_t mask) { words_[word] &= ~mask; });
  }
  [[nodiscard]] bool any_of(std::uint32_t i, std::uint32_t count) const noexcept {
    std::uint64_t found = 0;
    in_words(i, count, [&](std::size_t word, std::uint64_t mask) { found |= words_[word] & mask; });
    return found != 0;
  }
  [[nodiscard]] bool none() const noexcept {
    return std::all_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word == 0; });
  }
  [[nodiscard]] std::uint32_t count() const noexcept {
    std::uint32_t sum = 0;
    for (const std::uint64_t word : words_) sum += static_cast<std::uint32_t>(std::popcount(word));
    return sum;
  }
  // The lowest bit set; the map is not empty (MUST).
  [[nodiscard]] std::uint32_t first() const noexcept {
    std::uint32_t at = 0;
    while (at < words_.size() && words_[at] == 0) ++at;
    MUST(at < words_.size());
    return 64 * at + static_cast<std::uint32_t>(std::countr_zero(words_[at]));
  }
  // How many bits are set in a row from `i` on, at most `most`.
  [[nodiscard]] std::uint32_t run(std::uint32_t i, std::uint32_t most) const noexcept {
    std::uint32_t length = 0;
    while (length < most && i + length < base::kChunksPerExtentMax) {
      const std::uint32_t at = (i + length) & 63;
      const auto ones = static_cast<std::uint32_t>(std::countr_one(words_[(i + length) >> 6] >> at));
      length += ones;
      if (ones < 64 - at) break;
    }
    return std::min(length, most);
  }

 private:
  template <typename Do>   // (word, mask) of each word that has some of them
  static void in_words(std::uint32_t i, std::uint32_t count, Do with) noexcept {
    MUST_SLOW(i + count <= base::kChunksPerExtentMax);
    while (count > 0) {
      const std::uint32_t bits = std::min(count, 64 - (i & 63));
      with(i >> 6, (~std::uint64_t{0} >> (64 - bits)) << (i & 63));
      i += bits;
      count -= bits;
    }
  }
  std::array<std::uint64_t, base::kChunksPerExtentMax / 64> words_{};
};
static_assert(base::kChunksPerExtentMax % 64 == 0);

// Of a packet full of chunks besides them; room for a small ack is kept.
inline constexpr std::uint32_t kChunkPacketOverhead =
    static_cast<std::uint32_t>(wire::kOverheadBytes + wire::kChunkHeaderBytes + wire::kAckBytesMin);

[[nodiscard]] constexpr std::uint32_t chunk_count(std::uint32_t extent_bytes, std::uint32_t chunk_bytes) {
  return (extent_bytes + chunk_bytes - 1) / chunk_bytes;
}
// Bytes of chunk `index`; the last one may be short.
[[nodiscard]] constexpr std::uint32_t chunk_length(std::uint32_t extent_bytes, std::uint32_t chunk_bytes,
                                                   std::uint32_t index) {
  const std::uint32_t start = index * chunk_bytes;
  return extent_bytes - start < chunk_bytes ? extent_bytes - start : chunk_bytes;
}

// The chunk of which as many as fit a packet of `payload` bytes fill it, evened out so that a full slot has no short tail.
[[nodiscard]] constexpr std::uint32_t chunk_bytes_for(std::uint32_t payload) {
  const std::uint32_t most = payload - kChunkPacketOverhead;
  const std::uint32_t per_packet = most / base::kChunkBytesWanted;
  for (std::uint32_t packets = chunk_count(base::kSlotBytes, most);; ++packets) {
    const std::uint32_t chunk = chunk_count(base::kSlotBytes, packets * per_packet);   // rounded up
    if (chunk * per_packet <= most) return chunk;
  }
}

}  // namespace weft::run
