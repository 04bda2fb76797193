// SHA-256 of blocks: of bytes in memory, and of a file in turns. OpenSSL stays in hasher.cc.
// Threads: workers (and control for small things); no state shared.
#pragma once

#include <cstdint>
#include <vector>

#include "bep/proto/file_info.hh"
#include "engine/base/bytes.hh"
#include "engine/base/result.hh"
#include "engine/base/types.hh"

namespace weft::model {

[[nodiscard]] base::Sha256 sha256(base::Bytes bytes);
// The hash of `size` zero bytes, where size is one of the eight standard block sizes; such blocks are holes and are
// never asked for (shared rule of BEP implementations). False for any other size or hash.
[[nodiscard]] bool is_zero_block(const base::Sha256& hash, std::uint32_t size);

// A file being hashed: keep it between turns, `offset` is where the next turn begins.
struct HashProgress {
  std::int64_t size = 0;           // of the file, at open
  std::int32_t block_size = 0;
  std::int64_t offset = 0;
  std::vector<proto::Block> blocks;
  [[nodiscard]] bool complete() const { return offset >= size && !blocks.empty(); }
};
// Hashes up to `bytes_max` (at least one block) and appends to `blocks`. An empty file gets the one empty block of
// BEP. kCorrupt: the file ended early, that is, it changed under us.
[[nodiscard]] base::Status hash_turn(int fd, HashProgress& progress, std::size_t bytes_max);

}  // namespace weft::model
