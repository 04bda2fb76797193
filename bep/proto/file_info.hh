// FileInfo: one entry of an index, as weft holds it, and its wire form (also its stored form in the index database).
// A decoded FileInfo keeps the invariants below; what breaks them is either a Reason that closes the link or turns the
// entry into an invalid one that nobody pulls (reason.hh). Encoding never sends what is local (flags, version hash).
// Invariants after decode:  name passes check_name() · version sorted, unique · deleted, invalid, directory and symlink
// have no blocks · directory and symlink have size 0 · a file's blocks tile [0, size): all block_size long but the last
// · block_size in [128 KiB, 16 MiB] for files that may be pulled · an empty file has one empty block.
// block_size may be a value outside the table of block_size.hh: a peer chooses it. Exception: a small odd block size
// (stock takes any) is an entry-level kBlockSizeInvalid here.
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
[[nodiscard]] const char* name_of(FileType type) noexcept;   // REST's "FILE_INFO_TYPE_FILE" and so on

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
  bool invalid = false;              // the sender cannot or will not serve it: ignored, unsupported, changed
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
  std::vector<std::byte> blocks_hash;            // an optimisation of receivers: never verified (bep_facts §10)
  std::vector<std::byte> previous_blocks_hash;   // of the version before a local change
  std::vector<std::byte> platform;               // field 14 as it came: kept when we announce the file again
  std::vector<std::byte> encrypted;              // field 19 as it came
  friend bool operator==(const FileInfo&, const FileInfo&) = default;
};

// The 2.x form: SHA-256 of the concatenated block hashes. Empty for no blocks.
[[nodiscard]] std::vector<std::byte> blocks_hash_of(const std::vector<Block>& blocks);

// Appends the protobuf form. Blocks of deleted, invalid, directory and symlink entries are not written.
void encode_file(const FileInfo& file, std::vector<std::byte>& out);

struct DecodedFile {
  FileInfo file;
  Reason reason = Reason::kNone;   // closes_link(reason): `file` holds the name at most. Else the entry was spoilt
};                                 // by it (now invalid), or kNone.
[[nodiscard]] DecodedFile decode_file(base::Bytes bytes);

// A version vector alone, in its protobuf form; for the index database and private messages.
void encode_version(const VersionVector& version, std::vector<std::byte>& out);
[[nodiscard]] base::Result<VersionVector> decode_version(base::Bytes bytes);   // kCorrupt

}  // namespace weft::proto
