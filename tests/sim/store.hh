// What the engines of a world have on their disks: files that are served, and files that are being pulled.
// It survives the death of its engine; what is volatile is in sim_disk.hh.
// A simulated file descriptor is a number far above those of the process, so that UniqueFd's close() finds nothing.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "engine/base/bytes.hh"
#include "engine/base/types.hh"
#include "engine/wire/sha256.hh"
#include "tests/sim/dice.hh"

namespace weft::sim {

inline constexpr int kFdServed = 1 << 28;  // + index of the source
inline constexpr int kFdPulled = 1 << 29;  // + index of the source

// A file as its owner has it. Never changes.
struct Source {
  std::uint8_t owner = 0;  // engine
  std::string name;
  std::uint32_t block_bytes = 0;
  std::vector<std::byte> bytes;
  std::vector<base::Sha256> hashes;  // of its blocks

  [[nodiscard]] std::uint32_t blocks() const { return static_cast<std::uint32_t>(hashes.size()); }
  [[nodiscard]] base::Bytes block(std::uint32_t i) const {
    const std::size_t at = std::size_t{i} * block_bytes;
    return base::Bytes(bytes).subspan(at, std::min<std::size_t>(block_bytes, bytes.size() - at));
  }
};

inline Source make_source(Dice& dice, std::uint8_t owner, std::uint32_t number, std::uint32_t bytes,
                          std::uint32_t block_bytes) {
  Source source{.owner = owner,
                .name = "file" + std::to_string(number),
                .block_bytes = block_bytes,
                .bytes = {},
                .hashes = {}};
  source.bytes.resize(bytes);
  base::Prng content(dice.word());
  for (std::size_t at = 0; at < bytes; at += 8) {
    const std::uint64_t word = content.next();
    std::memcpy(&source.bytes[at], &word, std::min<std::size_t>(8, bytes - at));
  }
  for (std::size_t at = 0; at < bytes; at += block_bytes)
    source.hashes.push_back(
        wire::sha256(base::Bytes(source.bytes).subspan(at, std::min<std::size_t>(block_bytes, bytes - at))));
  return source;
}

// A file on its way to one engine.
struct Pulled {
  std::vector<std::byte> bytes;  // of the source's size; zeros where nothing was written
  bool open = false;             // the puller has promised that the descriptor is valid
};

// One engine's disk.
struct Store {
  explicit Store(const std::vector<Source>& all) : sources(all), pulled(all.size()) {}
  const std::vector<Source>& sources;
  std::vector<Pulled> pulled;  // by source
  base::Instant full_until{};
};

}  // namespace weft::sim
