#include "bep/proto/file_info.hh"

#include <gtest/gtest.h>

#include <functional>

#include "bep/proto/pb.hh"
#include "bep/proto/sha256.hh"
#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

using test::Buffer;
using test::file_of;

Buffer encoded_file(const FileInfo& file) {
  Buffer out;
  encode_file(file, out);
  return out;
}

// A valid entry of 300 000 bytes (three blocks), bent by `bend` on its way.
DecodedFile decode_bent(const std::function<void(bep::FileInfo&)>& bend) {
  base::Prng prng(9);
  bep::FileInfo message;
  const bool parsed = message.ParseFromString(
      string_of(encoded_file(file_of("dir/file", 300'000, prng))));
  EXPECT_TRUE(parsed);
  bend(message);
  return decode_file(bytes_of(message.SerializeAsString()));
}

std::string name_of_reason(const DecodedFile& decoded) { return name_of(decoded.reason); }

TEST(FileInfo, RoundTripsFilesOfAllSizes) {
  base::Prng prng(2);
  for (const std::int64_t size : {0l, 1l, 131'071l, 131'072l, 131'073l, 5'000'000l, 300l << 20}) {
    FileInfo file = file_of("a/b", size, prng);
    file.no_permissions = prng.chance(2);
    file.previous_blocks_hash = vector_of("previous");
    file.platform = vector_of("owner");
    const DecodedFile decoded = decode_file(encoded_file(file));
    EXPECT_EQ(name_of_reason(decoded), "none") << size;
    EXPECT_EQ(decoded.file, file) << size;
  }
}

TEST(FileInfo, RoundTripsTheOtherKinds) {
  base::Prng prng(2);
  FileInfo base = file_of("x", 0, prng);
  base.block_size = 0;
  base.blocks.clear();
  base.blocks_hash.clear();
  FileInfo directory = base;
  directory.type = FileType::kDirectory;
  FileInfo symlink = base;
  symlink.type = FileType::kSymlink;
  symlink.symlink_target = "../\xFF/target";
  FileInfo deleted = base;
  deleted.deleted = true;
  FileInfo invalid = base;
  invalid.invalid = true;
  for (const FileInfo& file : {directory, symlink, deleted, invalid}) {
    const DecodedFile decoded = decode_file(encoded_file(file));
    EXPECT_EQ(name_of_reason(decoded), "none");
    EXPECT_EQ(decoded.file, file);
  }
}

TEST(FileInfo, AnEmptyFileLooksLikeStocks) {
  base::Prng prng(2);
  FileInfo file = file_of("e", 0, prng);
  file.blocks[0].hash = empty_block_hash();
  bep::FileInfo message;
  ASSERT_TRUE(message.ParseFromString(string_of(encoded_file(file))));
  ASSERT_EQ(message.blocks_size(), 1);
  // Offset and size are left out: tag and length of the hash and nothing else.
  EXPECT_EQ(message.blocks(0).SerializeAsString().size(), 34u);
}

TEST(FileInfo, NeverSendsBlocksOfWhatHasNone) {
  base::Prng prng(2);
  for (int kind = 0; kind < 4; ++kind) {
    FileInfo file = file_of("x", 300'000, prng);
    if (kind == 0) file.type = FileType::kDirectory;
    if (kind == 1) file.type = FileType::kSymlink;
    if (kind == 2) file.deleted = true;
    if (kind == 3) file.invalid = true;
    bep::FileInfo message;
    ASSERT_TRUE(message.ParseFromString(string_of(encoded_file(file))));
    EXPECT_EQ(message.blocks_size(), 0);
    EXPECT_EQ(message.blocks_hash(), "");
    EXPECT_EQ(message.size(), kind == 3 ? 300'000 : 0);
  }
}

TEST(FileInfo, WhatClosesTheLink) {
  struct Case { Reason reason; std::function<void(bep::FileInfo&)> bend; };
  for (const Case& c : std::vector<Case>{
           {Reason::kNameInvalid, [](auto& m) { m.set_name("../x"); }},
           {Reason::kNameInvalid, [](auto& m) { m.set_name("/x"); }},
           {Reason::kNameInvalid, [](auto& m) { m.set_name(""); }},
           {Reason::kNameInvalid, [](auto& m) { m.set_name(std::string("a\0b", 3)); }},
           {Reason::kNameInvalid, [](auto& m) { m.set_name("a\xFF"); }},
           {Reason::kFileWithoutBlocks, [](auto& m) { m.clear_blocks(); }},
           {Reason::kDeletedWithBlocks, [](auto& m) { m.set_deleted(true); }},
           {Reason::kDirectoryWithBlocks, [](auto& m) { m.set_type(1); }},
           {Reason::kSymlinkWithBlocks, [](auto& m) { m.set_type(4); }},
           {Reason::kMessageTooMany, [](auto& m) {
              for (int i = 0; i < 1000; ++i) m.add_blocks();
            }},
           {Reason::kMessageTooMany, [](auto& m) {
              for (int i = 0; i < 1001; ++i) m.mutable_version()->add_counters();
            }}}) {
    const DecodedFile decoded = decode_bent(c.bend);
    EXPECT_EQ(name_of_reason(decoded), name_of(c.reason));
    EXPECT_TRUE(closes_link(decoded.reason));
  }
}

TEST(FileInfo, WhatSpoilsOneEntry) {
  struct Case { Reason reason; std::function<void(bep::FileInfo&)> bend; };
  const auto no_blocks = [](bep::FileInfo& m) { m.clear_blocks(); m.set_size(0); };
  for (const Case& c : std::vector<Case>{
           {Reason::kFileTypeUnknown, [](auto& m) { m.set_type(5); }},
           {Reason::kFileTypeUnknown, [](auto& m) { m.set_type(-1); }},
           {Reason::kFileTypeUnknown, [=](auto& m) { m.set_type(99); no_blocks(m); }},
           {Reason::kFileSizeNegative, [](auto& m) { m.set_size(-1); }},
           {Reason::kFileSizeNegative, [](auto& m) { m.set_size(INT64_MIN); }},
           {Reason::kFileSizeNegative, [=](auto& m) {
              no_blocks(m); m.set_invalid(true); m.set_size(-1);
            }},
           {Reason::kBlockSizeInvalid, [](auto& m) { m.set_block_size(-1); }},
           {Reason::kBlockSizeInvalid, [](auto& m) { m.set_block_size(32 << 20); }},
           {Reason::kBlockSizeInvalid, [](auto& m) { m.set_block_size(INT32_MAX); }},
           {Reason::kBlockSizeInvalid, [](auto& m) { m.set_block_size((128 << 10) + 40); }},
           {Reason::kBlockLayout, [](auto& m) { m.set_size(300'001); }},
           {Reason::kBlockLayout, [](auto& m) { m.set_size(INT64_MAX); }},
           {Reason::kBlockLayout, [](auto& m) { m.set_size(0); }},
           {Reason::kBlockLayout, [](auto& m) { m.set_block_size(256 << 10); }},
           {Reason::kBlockLayout, [](auto& m) { m.mutable_blocks(0)->set_size(1000); }},
           {Reason::kBlockLayout, [](auto& m) { m.mutable_blocks(2)->set_size(-5); }},
           {Reason::kBlockLayout, [](auto& m) { m.mutable_blocks()->RemoveLast(); }},
           {Reason::kBlockHashLength, [](auto& m) { m.mutable_blocks(1)->clear_hash(); }},
           {Reason::kBlockHashLength, [](auto& m) {
              m.mutable_blocks(1)->set_hash(std::string(33, 'x'));
            }},
           {Reason::kVersionInvalid, [](auto& m) {
              *m.mutable_version()->add_counters() = m.version().counters(0);
            }},
           {Reason::kSymlinkTargetInvalid, [=](auto& m) { no_blocks(m); m.set_type(4); }},
           {Reason::kSymlinkTargetInvalid, [=](auto& m) {
              no_blocks(m); m.set_type(4); m.set_symlink_target(std::string("a\0b", 3));
            }},
           {Reason::kSymlinkTargetInvalid, [=](auto& m) {
              no_blocks(m); m.set_type(4); m.set_symlink_target(std::string(4096, 'x'));
            }}}) {
    const DecodedFile decoded = decode_bent(c.bend);
    EXPECT_EQ(name_of_reason(decoded), name_of(c.reason));
    EXPECT_FALSE(closes_link(decoded.reason));
    EXPECT_TRUE(decoded.file.invalid);
    EXPECT_TRUE(decoded.file.blocks.empty());
    EXPECT_EQ(decoded.file.size, 0);
    EXPECT_EQ(decoded.file.name, "dir/file");
  }
}

TEST(FileInfo, WhatIsReadGently) {
  const DecodedFile tiny = decode_bent([](auto& m) { m.set_block_size(0); });
  EXPECT_EQ(name_of_reason(tiny), "none");
  EXPECT_EQ(tiny.file.block_size, 128 << 10);
  const DecodedFile offsets = decode_bent([](auto& m) { m.mutable_blocks(1)->set_offset(-7); });
  EXPECT_EQ(name_of_reason(offsets), "none");
  EXPECT_EQ(offsets.file.blocks[1].offset, 128 << 10);
  const DecodedFile bits = decode_bent([](auto& m) { m.set_permissions(0104755); });
  EXPECT_EQ(bits.file.permissions, 0755u);
  const DecodedFile ns = decode_bent([](auto& m) { m.set_modified_ns(-1); });
  EXPECT_EQ(ns.file.modified_ns, 0);
  const DecodedFile sequence = decode_bent([](auto& m) { m.set_sequence(-1); });
  EXPECT_EQ(sequence.file.sequence, 0);
  const DecodedFile directory =
      decode_bent([](auto& m) { m.set_type(1); m.clear_blocks(); m.set_size(128); });
  EXPECT_EQ(name_of_reason(directory), "none");
  EXPECT_EQ(directory.file.size, 0);
  const DecodedFile old_symlink = decode_bent([](auto& m) {
    m.set_type(2); m.clear_blocks(); m.set_symlink_target("t");
  });
  EXPECT_EQ(old_symlink.file.type, FileType::kSymlink);
  const DecodedFile deleted = decode_bent([](auto& m) { m.set_deleted(true); m.clear_blocks(); });
  EXPECT_EQ(name_of_reason(deleted), "none");
  EXPECT_EQ(deleted.file.size, 0);
}

TEST(FileInfo, UnsortedVersionsAreSorted) {
  const DecodedFile decoded = decode_bent([](auto& m) {
    m.mutable_version()->clear_counters();
    for (const std::uint64_t id : {9u, 3u, 5u}) {
      auto& counter = *m.mutable_version()->add_counters();
      counter.set_id(id);
      counter.set_value(id == 5 ? 0 : 1);
    }
  });
  EXPECT_EQ(decoded.file.version, test::version_of({{3, 1}, {9, 1}}));
}

TEST(FileInfo, LocalFieldsOfStocksDatabaseAreIgnored) {
  base::Prng prng(4);
  const FileInfo file = file_of("x", 10, prng);
  Buffer bytes = encoded_file(file);
  append(bytes, test::hex("c03e7f ca3e0178 d83e05"));   // 1000, 1001, 1003
  const DecodedFile decoded = decode_file(bytes);
  EXPECT_EQ(decoded.file, file);
}

TEST(FileInfo, BlocksHashIsTheHashOfHashes) {
  base::Prng prng(4);
  const FileInfo file = file_of("x", 200'000, prng);
  Buffer hashes;
  for (const Block& block : file.blocks) append(hashes, block.hash);
  const base::Sha256 hash = sha256(hashes);
  EXPECT_TRUE(std::equal(hash.begin(), hash.end(), file.blocks_hash.begin()));
  EXPECT_TRUE(blocks_hash_of({}).empty());
}

TEST(Version, RefusesBrokenBytes) {
  for (const char* bytes : {"0a", "0a05", "0a0208", "0a04080110010a0408011002"})
    EXPECT_FALSE(decode_version(test::hex(bytes)).has_value()) << bytes;
  EXPECT_TRUE(decode_version({}).value().empty());
}

}  // namespace
}  // namespace weft::proto
