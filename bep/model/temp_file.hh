// The temp file of one file under way: `.syncthing.NAME.tmp` beside the target, as Syncthing names it.
// It is made, resumed and filled here; finisher.hh gives it its name.
// Life: open_temp() → prepare_turn() until complete → blocks are written by write_block() or by the datapath →
// finisher. Left in place on failure; the next run hashes what stands in it and keeps every block that matches, so
// nothing verified is fetched twice, also not after kill -9.
// Threads: a worker at a time; the value moves between control and workers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bep/model/beneath.hh"
#include "bep/model/weft_toml.hh"
#include "bep/proto/file_info.hh"
#include "engine/base/bytes.hh"
#include "engine/base/result.hh"
#include "engine/base/unique_fd.hh"

namespace weft::model {

// Below this size O_DIRECT saves nothing: the whole file is a handful of pages.
inline constexpr std::int64_t kDirectBytesMin = std::int64_t{4} << 20;

struct TempFile {
  base::UniqueFd fd;               // buffered, for hashing and for what O_DIRECT does not take
  base::UniqueFd direct;           // the same file under O_DIRECT; may be empty
  std::string temp_base;
  bool resumed = false;            // an earlier run left it
  std::vector<std::byte> mark;     // of a large one that was resumed, before it was touched (Checkpoint)
  bool made_parents = false;       // directories that the index does not have: the folder must be scanned
};

// Creates or reopens the temp file for `name`; its parent directories are made when they are missing (a peer deleted
// them while another put the file there). Room for `size` bytes is reserved: kNoSpace comes here and not in the middle
// of the file, unless `sparse`.
[[nodiscard]] base::Result<TempFile> open_temp(Directories& directories, const std::string& name, std::int64_t size,
                                               bool sparse, DirectIo direct);

// Which blocks of a temp file are verified, and by what the file is known again: the same file of the same file system, not
// written to since (size, mtime, ctime), under the same boot of the machine; and what it was verified against. After a crash it
// does not fit, and the file is hashed.
// Layout: the boot ID's text, 36 bytes; device, inode, size, mtime, ctime as u64, big-endian; SHA-256 over the blocks' hashes; a
// bit per block, lowest first.
class Checkpoint {
 public:
  // Smaller files are hashed as quickly as a row is read.
  static constexpr std::int64_t kFileBytesMin = std::int64_t{16} << 20;

  // By what a file is known again, as it is now; empty where the system does not say it.
  [[nodiscard]] static std::vector<std::byte> mark_of(int fd);
  // Of a temp file that nobody writes to, synced first; empty where it has no mark.
  [[nodiscard]] static std::vector<std::byte> make(int fd, const std::vector<proto::Block>& blocks,
                                                   const std::vector<bool>& have);
  // Those that are there, if `bytes` were made of the file that had this mark, for these blocks; else none.
  [[nodiscard]] static std::vector<bool> read(base::Bytes bytes, base::Bytes mark, const std::vector<proto::Block>& blocks);
};

// What of the target stands already on this disk.
struct Prepare {
  std::vector<proto::Block> blocks;            // of the target
  std::vector<base::UniqueFd> donors;          // local files that may hold blocks at the same offset
  std::vector<bool> known;                     // verified before, by a checkpoint; empty: none
  std::size_t next_block = 0;                  // where the next turn begins
  std::vector<std::uint32_t> missing;          // block numbers to fetch, ascending
  std::uint64_t bytes_kept = 0;                // found in the temp file
  std::uint64_t bytes_copied = 0;              // copied from donors
  [[nodiscard]] bool complete() const { return next_block == blocks.size(); }
};
// One turn over at most ~kTurnBytes of file: keeps what the temp file has, leaves zero blocks as holes, copies what
// a donor has (hash checked on the bytes that are written), and lists the rest as missing.
[[nodiscard]] base::Status prepare_turn(const TempFile& temp, Prepare& prepare);

// Past the page cache: the file is open under O_DIRECT, and the block begins and ends on its alignment.
[[nodiscard]] bool goes_direct(const TempFile& temp, const proto::Block& block);
// Verifies, then writes, direct where it can. kCorrupt when the hash differs: nothing was written.
[[nodiscard]] base::Status write_block(const TempFile& temp, const proto::Block& block, base::Bytes bytes);

}  // namespace weft::model
