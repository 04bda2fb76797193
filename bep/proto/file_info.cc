#include "bep/proto/file_info.hh"

#include <optional>
#include <string_view>
#include <utility>

#include "bep/proto/block_size.hh"
#include "bep/proto/names.hh"
#include "bep/proto/pb_convert.hh"
#include "bep/proto/sha256.hh"
#include "bep/proto/text.hh"

namespace weft::proto {
namespace {

constexpr std::uint32_t kVersionField = 9, kBlocksField = 16;   // of FileInfo
constexpr std::uint32_t kPermissionBits = 0777;
// PATH_MAX without its NUL: symlink(2) takes no more.
constexpr std::size_t kTargetBytesMax = 4095;
// A block's hash alone takes this much of a message; what has less per block is made to cost
// memory.
constexpr std::size_t kBlockWireBytesMin = 34;
constexpr auto kBlockMin = static_cast<std::int32_t>(base::kBlockBytesMin);
constexpr auto kBlockMax = static_cast<std::int32_t>(base::kBlockBytesMax);

// Wire numbers: 2 and 3 are older kinds of symlink.
std::optional<FileType> type_of_wire(std::int32_t type) {
  switch (type) {
    case 0: return FileType::kFile;
    case 1: return FileType::kDirectory;
    case 2:
    case 3:
    case 4: return FileType::kSymlink;
    default: return std::nullopt;
  }
}

std::int32_t wire_of_type(FileType type) {
  switch (type) {
    case FileType::kFile: return 0;
    case FileType::kDirectory: return 1;
    case FileType::kSymlink: return 4;
  }
  MUST(false);
}

bool has_blocks(const FileInfo& file) {
  return file.type == FileType::kFile && !file.deleted && !file.invalid;
}

// Before protobuf makes an object of each block and counter: kNone, or why not.
Reason check_bounds(base::Bytes bytes) {
  WireReader reader(bytes);
  std::size_t blocks = 0, counters = 0;
  for (WireField field; reader.next(field);) {
    if (field.number == kBlocksField) ++blocks;
    // The field may stand several times; protobuf then joins the counters.
    if (field.number == kVersionField && field.type == WireType::kBytes) {
      const auto more = count_entries(field.bytes, 1);
      if (!more) return Reason::kMessageBroken;
      counters += *more;
    }
  }
  if (!reader.ok()) return Reason::kMessageBroken;
  // One block may be small: the entry is then spoilt alone, by its hash's length.
  const bool blocks_bounded = blocks <= 1 || blocks * kBlockWireBytesMin <= bytes.size();
  return blocks_bounded && counters <= kCountersMax ? Reason::kNone : Reason::kMessageTooMany;
}

// What stock closes a link for.
Reason check_consistency(const FileInfo& file, int block_count) {
  if (check_name(file.name) != NameFault::kOk) return Reason::kNameInvalid;
  if (block_count > 0) {
    if (file.deleted) return Reason::kDeletedWithBlocks;
    if (file.type == FileType::kDirectory) return Reason::kDirectoryWithBlocks;
    if (file.type == FileType::kSymlink) return Reason::kSymlinkWithBlocks;
  }
  if (has_blocks(file) && block_count == 0) return Reason::kFileWithoutBlocks;
  return Reason::kNone;
}

// Blocks into file.blocks; offsets are summed up, as stock does, whatever the peer wrote.
Reason take_blocks(const bep::FileInfo& from, FileInfo& file) {
  if (file.size < 0) return Reason::kFileSizeNegative;
  // Stock reads a missing or tiny block size as the smallest one.
  if (from.block_size() >= 0 && from.block_size() < kBlockMin) file.block_size = kBlockMin;
  else file.block_size = from.block_size();
  const bool power_of_two = (file.block_size & (file.block_size - 1)) == 0;
  if (file.block_size < kBlockMin || file.block_size > kBlockMax || !power_of_two)
    return Reason::kBlockSizeInvalid;
  const BlockLayout layout{file.size, file.block_size};
  if (from.blocks_size() != layout.count()) return Reason::kBlockLayout;
  file.blocks.resize(static_cast<std::size_t>(from.blocks_size()));
  for (int i = 0; i < from.blocks_size(); ++i) {
    const bep::BlockInfo& block = from.blocks(i);
    if (block.size() != layout.size_of(i)) return Reason::kBlockLayout;
    if (block.hash().size() != sizeof(base::Sha256)) return Reason::kBlockHashLength;
    Block& to = file.blocks[static_cast<std::size_t>(i)];
    to.offset = layout.offset_of(i);
    to.size = block.size();
    std::memcpy(to.hash.data(), block.hash().data(), to.hash.size());
  }
  return Reason::kNone;
}

Reason check_target(std::string_view target) {
  const bool usable = !target.empty() && target.size() <= kTargetBytesMax &&
                      target.find('\0') == std::string_view::npos;
  return usable ? Reason::kNone : Reason::kSymlinkTargetInvalid;
}

// The fields that have no invariant but a range.
void take_plain(const bep::FileInfo& from, FileInfo& file) {
  file.deleted = from.deleted();
  file.invalid = from.invalid();
  file.no_permissions = from.no_permissions();
  file.permissions = from.permissions() & kPermissionBits;
  file.modified_s = from.modified_s();
  const bool ns_in_range = from.modified_ns() >= 0 && from.modified_ns() < 1'000'000'000;
  file.modified_ns = ns_in_range ? from.modified_ns() : 0;
  file.modified_by = from.modified_by();
  file.sequence = from.sequence() > 0 ? from.sequence() : 0;
  file.blocks_hash = vector_of(from.blocks_hash());
  file.previous_blocks_hash = vector_of(from.previous_blocks_hash());
  file.platform = vector_of(from.platform());
  file.encrypted = vector_of(from.encrypted());
}

// The fields with invariants, after the type is known. kNone or what spoils the entry.
Reason take_checked(const bep::FileInfo& from, FileInfo& file) {
  auto version = from_pb(from.version());
  if (!version) return Reason::kVersionInvalid;
  file.version = *std::move(version);
  if (file.type == FileType::kSymlink) {
    file.symlink_target = from.symlink_target();
    const bool used = !file.deleted && !file.invalid;
    return used ? check_target(file.symlink_target) : Reason::kNone;
  }
  if (file.type == FileType::kDirectory || file.deleted) return Reason::kNone;
  file.size = from.size();
  if (file.invalid) return file.size < 0 ? Reason::kFileSizeNegative : Reason::kNone;
  return take_blocks(from, file);
}

// An entry that nobody will pull, but that still names the file at its sequence.
void spoil(FileInfo& file) {
  file.invalid = true;
  file.size = 0;
  file.block_size = 0;
  file.blocks.clear();
}

}  // namespace

const char* name_of(FileType type) noexcept {
  switch (type) {
    case FileType::kFile: return "FILE_INFO_TYPE_FILE";
    case FileType::kDirectory: return "FILE_INFO_TYPE_DIRECTORY";
    case FileType::kSymlink: return "FILE_INFO_TYPE_SYMLINK";
  }
  return "FILE_INFO_TYPE_UNKNOWN";
}

std::vector<std::byte> blocks_hash_of(const std::vector<Block>& blocks) {
  if (blocks.empty()) return {};
  std::vector<std::byte> hashes;
  hashes.reserve(blocks.size() * sizeof(base::Sha256));
  for (const Block& block : blocks) append(hashes, block.hash);
  const base::Sha256 hash = sha256(hashes);
  return {hash.begin(), hash.end()};
}

void encode_file(const FileInfo& file, std::vector<std::byte>& out) {
  bep::FileInfo to;
  to.set_name(file.name);
  to.set_type(wire_of_type(file.type));
  to.set_size(file.type == FileType::kFile && !file.deleted ? file.size : 0);
  to.set_permissions(file.permissions & kPermissionBits);
  to.set_modified_s(file.modified_s);
  to.set_modified_ns(file.modified_ns);
  to.set_modified_by(file.modified_by);
  to.set_deleted(file.deleted);
  to.set_invalid(file.invalid);
  to.set_no_permissions(file.no_permissions);
  to_pb(file.version, *to.mutable_version());
  to.set_sequence(file.sequence);
  to.set_block_size(file.block_size);
  to.set_symlink_target(file.symlink_target);
  to.set_platform(std::string(text_of_bytes(file.platform)));
  to.set_encrypted(std::string(text_of_bytes(file.encrypted)));
  to.set_previous_blocks_hash(std::string(text_of_bytes(file.previous_blocks_hash)));
  if (has_blocks(file)) {
    to.set_blocks_hash(std::string(text_of_bytes(file.blocks_hash)));
    to.mutable_blocks()->Reserve(static_cast<int>(file.blocks.size()));
    for (const Block& block : file.blocks) {
      bep::BlockInfo& info = *to.add_blocks();
      info.set_offset(block.offset);
      info.set_size(block.size);
      info.set_hash(block.hash.data(), block.hash.size());
    }
  }
  append_message(to, out);
}

DecodedFile decode_file(base::Bytes bytes) {
  DecodedFile decoded;
  FileInfo& file = decoded.file;
  decoded.reason = check_bounds(bytes);
  if (decoded.reason != Reason::kNone) return decoded;
  bep::FileInfo from;
  if (!parse(bytes, from)) {
    decoded.reason = Reason::kMessageBroken;
    return decoded;
  }
  const std::optional<FileType> type = type_of_wire(from.type());
  file.name = from.name();
  // A kind nobody knows has no blocks that we could judge: it is only named.
  file.type = type.value_or(FileType::kFile);
  take_plain(from, file);
  if (!type) file.invalid = true;
  decoded.reason = check_consistency(file, from.blocks_size());
  if (decoded.reason != Reason::kNone) return decoded;
  decoded.reason = take_checked(from, file);
  if (!type) decoded.reason = Reason::kFileTypeUnknown;
  if (decoded.reason != Reason::kNone) spoil(file);
  if (!has_blocks(file)) file.blocks.clear();
  return decoded;
}

void encode_version(const VersionVector& version, std::vector<std::byte>& out) {
  bep::Vector to;
  to_pb(version, to);
  append_message(to, out);
}

base::Result<VersionVector> decode_version(base::Bytes bytes) {
  bep::Vector from;
  if (!vector_is_bounded(bytes) || !parse(bytes, from))
    return base::fail(base::Errc::kCorrupt, "version vector does not decode");
  auto version = from_pb(from);
  if (!version) return base::fail(base::Errc::kCorrupt, "version vector names a device twice");
  return *std::move(version);
}

}  // namespace weft::proto
