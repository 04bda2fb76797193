// How an entry of the index lies in a row of the table `files`, and the two forms in which it is
// read: Entry, what the global rule needs, and LocalFile, everything. Layouts of the packed columns
// stand in index_rows.cc. Threads: one (index_db.hh).
#pragma once

#include <cstdint>
#include <string_view>

#include "bep/model/global.hh"
#include "bep/model/index_db.hh"
#include "bep/model/index_sql.hh"

namespace weft::model {

inline constexpr std::int64_t kLocalDevice =
    0;  // rows of our own; others are rows of `devices`, from 1

// read_file() takes the columns name, sequence, type, bits, flags, size, permissions, modified_s,
// modified_ns, modified_by, version, block_size, symlink, extra, and then `blocks` where wanted
// (WEFT_FILE_COLUMNS).
inline constexpr int kBlocksColumn = 14;

// A row that does not decode gives an entry marked invalid: nobody pulls it, and the next scan or
// Index mends it.
[[nodiscard]] LocalFile read_file(const Query& query, bool with_blocks);

// One packed row, its buffers alive for the query it is bound to.
class PackedFile {
 public:
  PackedFile(const LocalFile& file, std::int64_t sequence);
  // Binds the same columns without the name, then block_key and blocks.
  void bind_to(Query& query) const;

 private:
  const LocalFile& file_;
  std::int64_t sequence_;
  std::vector<std::byte> version_, extra_, blocks_;
};

[[nodiscard]] std::vector<std::byte> pack_version(const proto::VersionVector& version);
// False when the bytes are not what pack_version() makes.
[[nodiscard]] bool unpack_version(base::Bytes bytes, proto::VersionVector& out);

// A number that is equal for equal lists of blocks, 0 for none; to find candidates, which are then
// compared.
[[nodiscard]] std::int64_t block_key_of(const proto::FileInfo& file) noexcept;

// What one device has under a name, as far as the global rule and the counts care.
struct Entry {
  std::int64_t row = 0;  // of `files`
  std::int64_t device = kLocalDevice;
  proto::VersionVector version;
  proto::FileType type = proto::FileType::kFile;
  bool deleted = false, invalid = false;  // invalid: as announced; flags apart
  std::uint32_t flags = 0;                // local entries only
  std::int64_t size = 0;
  std::int64_t modified_s = 0;
  std::int32_t modified_ns = 0;

  [[nodiscard]] Candidate candidate() const noexcept {
    return {&version, deleted, invalid || flags != 0, modified_s, modified_ns};
  }
};
// Takes the columns id, device, version, type, bits, flags, size, modified_s, modified_ns.
[[nodiscard]] Entry read_entry(const Query& query);
[[nodiscard]] Entry entry_of(const LocalFile& file, std::int64_t device);

}  // namespace weft::model
