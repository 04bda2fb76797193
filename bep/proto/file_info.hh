// FileInfo: one entry of an index, as weft holds it, and its wire form (also its stored form in the
// index database). A decoded FileInfo keeps the invariants below; what breaks them is either a
// Reason that closes the link or turns the entry into an invalid one that nobody pulls (reason.hh).
// Encoding never sends what is local (flags, version hash).
// Invariants after decode:
//   - the name passes check_name(); the version is sorted, each id once
//   - deleted, invalid, directory and symlink entries have no blocks and block_size 0;
//     directories, symlinks and deleted files have size 0
//   - of any other file: block_size is a power of two in [128 KiB, 16 MiB], and the blocks tile
//     [0, size), all block_size long but the last; an empty file has one empty block
// Pure values, any thread. Source: bep_facts §6, §8, §10, §11.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bep/proto/reason.hh"
#include "bep/proto/version_vector.hh"
#include "engine/base/bytes.hh"
#include "engine/base/result.hh"
#include "engine/base/types.hh"

namespace weft::proto {

enum class FileType : std::uint8_t { kFile, kDirectory, kSymlink };
// REST's "FILE_INFO_TYPE_FILE" and so on.
[[nodiscard]] const char* name_of(FileType type) noexcept;

struct Block {
  std::int64_t offset = 0;
  std::int32_t size = 0;
  base::Sha256 hash{};
  friend bool operator==(const Block&, const Block&) = default;
};

struct FileInfo {
  std::string name;
  FileType type = FileType::kFile;
  bool deleted = false;
  bool invalid = false;              // the sender cannot or will not serve it
  bool no_permissions = false;
  std::int64_t size = 0;             // bytes
  std::uint32_t permissions = 0;     // low 9 bits
  std::int64_t modified_s = 0;
  std::int32_t modified_ns = 0;      // 0 … 999 999 999
  ShortId modified_by = 0;
  VersionVector version;
  std::int64_t sequence = 0;         // of the device that announces it; > 0 once stored
  std::int32_t block_size = 0;       // bytes; 0 for everything but files
  std::vector<Block> blocks;
  std::string symlink_target;        // bytes, not necessarily UTF-8
  std::vector<std::byte> blocks_hash;            // a hint for receivers, never verified
  std::vector<std::byte> previous_blocks_hash;   // of the version before a local change
  std::vector<std::byte> platform;               // field 14 as it came, for announcing again
  std::vector<std::byte> encrypted;              // field 19 as it came
  friend bool operator==(const FileInfo&, const FileInfo&) = default;
};

// The 2.x form: SHA-256 of the concatenated block hashes. Empty for no blocks.
[[nodiscard]] std::vector<std::byte> blocks_hash_of(const std::vector<Block>& blocks);

// Appends the protobuf form. Blocks of deleted, invalid, directory and symlink entries are not
// written.
void encode_file(const FileInfo& file, std::vector<std::byte>& out);

struct DecodedFile {
  FileInfo file;
  // closes_link(reason): `file` is not whole. Else kNone, or what spoilt the entry (now invalid).
  Reason reason = Reason::kNone;
};
[[nodiscard]] DecodedFile decode_file(base::Bytes bytes);

// A version vector alone, in its protobuf form; for the index database and private messages.
void encode_version(const VersionVector& version, std::vector<std::byte>& out);
[[nodiscard]] base::Result<VersionVector> decode_version(base::Bytes bytes);   // kCorrupt

}  // namespace weft::proto
