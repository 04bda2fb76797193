// Packed columns, all numbers big-endian:
//   version  16 bytes per counter: id, value
//   blocks   36 bytes per block: size, SHA-256; offsets are sums of the sizes before
//   extra    NULL when all four are empty, else four times: u32 length, bytes
//            (blocks_hash, previous_blocks_hash, platform, encrypted)
//   bits     1 deleted, 2 invalid, 4 no permissions
#include "bep/model/index_rows.hh"

#include <algorithm>
#include <cstring>

#include "engine/base/bytes.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

constexpr std::size_t kCounterBytes = 16, kPackedBlockBytes = 36;
constexpr std::int64_t kBitDeleted = 1, kBitInvalid = 2, kBitNoPermissions = 4;

std::int64_t bits_of(const proto::FileInfo& file) {
  return (file.deleted ? kBitDeleted : 0) | (file.invalid ? kBitInvalid : 0) |
         (file.no_permissions ? kBitNoPermissions : 0);
}

std::vector<std::byte> pack_blocks(const std::vector<proto::Block>& blocks) {
  std::vector<std::byte> out(blocks.size() * kPackedBlockBytes);
  base::ByteWriter writer(out);
  for (const proto::Block& block : blocks) {
    writer.be(static_cast<std::uint32_t>(block.size));
    writer.put(block.hash);
  }
  return out;
}

bool unpack_blocks(base::Bytes bytes, std::vector<proto::Block>& out) {
  if (bytes.size() % kPackedBlockBytes != 0) return false;
  out.resize(bytes.size() / kPackedBlockBytes);
  base::ByteReader reader(bytes);
  std::int64_t offset = 0;
  for (proto::Block& block : out) {
    block.offset = offset;
    block.size = static_cast<std::int32_t>(reader.be<std::uint32_t>());
    std::ranges::copy(reader.take(block.hash.size()), block.hash.begin());
    if (block.size < 0) return false;
    offset += block.size;
  }
  return true;
}

std::vector<std::byte> pack_extra(const proto::FileInfo& file) {
  const std::vector<std::byte>* parts[] = {&file.blocks_hash, &file.previous_blocks_hash,
                                           &file.platform, &file.encrypted};
  std::size_t bytes = 0;
  for (const auto* part : parts) bytes += part->size();
  if (bytes == 0) return {};
  std::vector<std::byte> out(bytes + 4 * std::size(parts));
  base::ByteWriter writer(out);
  for (const auto* part : parts) {
    writer.be(static_cast<std::uint32_t>(part->size()));
    writer.put(*part);
  }
  return out;
}

bool unpack_extra(base::Bytes bytes, proto::FileInfo& file) {
  if (bytes.empty()) return true;
  base::ByteReader reader(bytes);
  for (auto* part :
       {&file.blocks_hash, &file.previous_blocks_hash, &file.platform, &file.encrypted}) {
    const base::Bytes taken = reader.take(reader.be<std::uint32_t>());
    part->assign(taken.begin(), taken.end());
  }
  return reader.ok() && reader.empty();
}

proto::FileType type_of(std::int64_t stored, bool& good) {
  good = good && stored >= 0 && stored <= static_cast<std::int64_t>(proto::FileType::kSymlink);
  return good ? static_cast<proto::FileType>(stored) : proto::FileType::kFile;
}

}  // namespace

std::vector<std::byte> pack_version(const proto::VersionVector& version) {
  std::vector<std::byte> out(version.counters().size() * kCounterBytes);
  base::ByteWriter writer(out);
  for (const auto& counter : version.counters()) {
    writer.be(counter.id);
    writer.be(counter.value);
  }
  return out;
}

bool unpack_version(base::Bytes bytes, proto::VersionVector& out) {
  if (bytes.size() % kCounterBytes != 0) return false;
  std::vector<proto::VersionVector::Counter> counters(bytes.size() / kCounterBytes);
  base::ByteReader reader(bytes);
  for (auto& counter : counters) {
    counter.id = reader.be<std::uint64_t>();
    counter.value = reader.be<std::uint64_t>();
  }
  auto version = proto::VersionVector::from_counters(std::move(counters));
  if (!version) return false;
  out = std::move(*version);
  return true;
}

std::int64_t block_key_of(const proto::FileInfo& file) noexcept {
  if (file.blocks.empty()) return 0;
  // The hashes are random already; a multiply between them makes their order count.
  std::uint64_t key = 0;
  for (const proto::Block& block : file.blocks)
    key = (key ^ base::load_be<std::uint64_t>(block.hash.data())) * 0x9E3779B97F4A7C15u;
  return key == 0 ? 1 : static_cast<std::int64_t>(key);
}

PackedFile::PackedFile(const LocalFile& file, std::int64_t sequence)
    : file_(file),
      sequence_(sequence),
      version_(pack_version(file.info.version)),
      extra_(pack_extra(file.info)),
      blocks_(pack_blocks(file.info.blocks)) {}

void PackedFile::bind_to(Query& query) const {
  const proto::FileInfo& info = file_.info;
  query.bind(sequence_)
      .bind(static_cast<std::int64_t>(info.type))
      .bind(bits_of(info))
      .bind(std::int64_t{file_.flags})
      .bind(info.size)
      .bind(std::int64_t{info.permissions})
      .bind(info.modified_s)
      .bind(std::int64_t{info.modified_ns})
      .bind(static_cast<std::int64_t>(info.modified_by))
      .bind(base::Bytes(version_))
      .bind(std::int64_t{info.block_size});
  if (info.symlink_target.empty()) query.bind_null();
  else query.bind(std::as_bytes(std::span(info.symlink_target)));
  if (extra_.empty()) query.bind_null();
  else query.bind(base::Bytes(extra_));
  query.bind(block_key_of(info)).bind(base::Bytes(blocks_));
}

LocalFile read_file(const Query& query, bool with_blocks) {
  LocalFile file;
  proto::FileInfo& info = file.info;
  bool good = true;
  info.name = query.text(0);
  info.sequence = query.integer(1);
  info.type = type_of(query.integer(2), good);
  const std::int64_t bits = query.integer(3);
  info.deleted = (bits & kBitDeleted) != 0;
  info.invalid = (bits & kBitInvalid) != 0;
  info.no_permissions = (bits & kBitNoPermissions) != 0;
  file.flags = static_cast<std::uint32_t>(query.integer(4));
  info.size = query.integer(5);
  info.permissions = static_cast<std::uint32_t>(query.integer(6));
  info.modified_s = query.integer(7);
  info.modified_ns = static_cast<std::int32_t>(query.integer(8));
  info.modified_by = static_cast<std::uint64_t>(query.integer(9));
  good = unpack_version(query.bytes(10), info.version) && good;
  info.block_size = static_cast<std::int32_t>(query.integer(11));
  info.symlink_target = query.text(12);
  good = unpack_extra(query.bytes(13), info) && good;
  if (with_blocks) good = unpack_blocks(query.bytes(kBlocksColumn), info.blocks) && good;
  if (!good) {
    info.invalid = true;
    info.blocks.clear();
  }
  return file;
}

Entry read_entry(const Query& query) {
  Entry entry;
  bool good = true;
  entry.row = query.integer(0);
  entry.device = query.integer(1);
  good = unpack_version(query.bytes(2), entry.version);
  entry.type = type_of(query.integer(3), good);
  const std::int64_t bits = query.integer(4);
  entry.deleted = (bits & kBitDeleted) != 0;
  entry.invalid = (bits & kBitInvalid) != 0 || !good;
  entry.flags = static_cast<std::uint32_t>(query.integer(5));
  entry.size = query.integer(6);
  entry.modified_s = query.integer(7);
  entry.modified_ns = static_cast<std::int32_t>(query.integer(8));
  return entry;
}

Entry entry_of(const LocalFile& file, std::int64_t device) {
  const proto::FileInfo& info = file.info;
  Entry entry;
  entry.device = device;
  entry.version = info.version;
  entry.type = info.type;
  entry.deleted = info.deleted;
  entry.invalid = info.invalid;
  entry.flags = device == kLocalDevice ? file.flags : 0;
  entry.size = info.size;
  entry.modified_s = info.modified_s;
  entry.modified_ns = info.modified_ns;
  return entry;
}

}  // namespace weft::model
