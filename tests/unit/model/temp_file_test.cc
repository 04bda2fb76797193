// The temp file: what is kept of an earlier one, what is copied from donors, what may never be overwritten.
#include "bep/model/temp_file.hh"

#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "bep/model/beneath.hh"
#include "bep/model/hasher.hh"
#include "bep/model/workers.hh"
#include "tests/unit/model/tree.hh"

namespace weft::model::test {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kBlock = 131'072;

std::vector<proto::Block> blocks_of(const std::string& content) {
  std::vector<proto::Block> blocks;
  for (std::size_t at = 0; at < content.size(); at += kBlock) {
    const std::string piece = content.substr(at, kBlock);
    blocks.push_back({static_cast<std::int64_t>(at), static_cast<std::int32_t>(piece.size()),
                      sha256(std::as_bytes(std::span(piece)))});
  }
  return blocks;
}

// Of the first `size` bytes of a file, without looking at a byte, which would fetch it.
std::ptrdiff_t pages_in_memory(int fd, std::size_t size) {
  struct statfs where {};
  EXPECT_EQ(::fstatfs(fd, &where), 0);
  if (where.f_type == TMPFS_MAGIC) return 0;   // takes O_DIRECT, and is nothing but page cache
  std::vector<unsigned char> resident(size / 4096);
  void* const view = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  EXPECT_NE(view, MAP_FAILED);
  EXPECT_EQ(::mincore(view, size, resident.data()), 0);
  ::munmap(view, size);
  return std::ranges::count_if(resident, [](unsigned char page) { return (page & 1) != 0; });
}

class TempFileTest : public ::testing::Test {
 protected:
  TempFile open(std::size_t size, bool sparse = false, DirectIo direct = DirectIo::kNever) {
    base::Result<TempFile> temp = open_temp(directories_, "name", static_cast<std::int64_t>(size), sparse, direct);
    EXPECT_TRUE(temp.has_value());
    return std::move(*temp);
  }
  static Prepare prepare(const TempFile& temp, const std::string& content, std::vector<base::UniqueFd> donors = {}) {
    Prepare out;
    out.blocks = blocks_of(content);
    out.donors = std::move(donors);
    while (!out.complete()) EXPECT_TRUE(prepare_turn(temp, out).has_value());
    return out;
  }

  static void write(const TempFile& temp, const std::string& content, std::size_t block) {
    const proto::Block wanted = blocks_of(content.substr(0, (block + 1) * kBlock)).back();
    ASSERT_TRUE(write_block(temp, wanted, std::as_bytes(std::span(content)).subspan(block * kBlock, kBlock)));
  }

  TempDir dir_;
  base::UniqueFd root_ = std::move(*open_root(dir_.path().string()));
  Directories directories_{root_.get()};
  const fs::path temp_path_ = dir_.path() / ".syncthing.name.tmp";
};

TEST_F(TempFileTest, FreshOneLacksEverythingButZeros) {
  const std::string content = random_bytes(kBlock, 1) + std::string(kBlock, '\0') + random_bytes(10, 2);
  const TempFile temp = open(content.size(), true);
  EXPECT_FALSE(temp.resumed);
  const Prepare found = prepare(temp, content);
  EXPECT_EQ(found.missing, (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(found.bytes_kept, kBlock);
}

TEST_F(TempFileTest, ACheckpointIsOfThisFileAsItWasLeft) {
  const std::string content = random_bytes(kBlock * 200, 7);
  std::vector<bool> have(200);
  for (std::size_t i = 0; i < have.size(); i += 3) have[i] = true;
  std::vector<std::byte> checkpoint;
  {
    const TempFile temp = open(content.size());
    EXPECT_TRUE(temp.mark.empty()) << "a new one has nothing to be known by";
    for (std::size_t i = 0; i < have.size(); ++i)
      if (have[i]) write(temp, content, i);
    checkpoint = Checkpoint::make(temp.fd.get(), blocks_of(content), have);
  }
  TempFile temp = open(content.size());
  const std::vector<proto::Block> blocks = blocks_of(content);
  EXPECT_EQ(Checkpoint::read(checkpoint, temp.mark, blocks), have);
  EXPECT_TRUE(Checkpoint::read(checkpoint, temp.mark, blocks_of(content.substr(kBlock))).empty()) << "another number of blocks";
  std::vector<proto::Block> others = blocks;
  others[0].hash[0] ^= std::byte{1};
  EXPECT_TRUE(Checkpoint::read(checkpoint, temp.mark, others).empty()) << "what stands there was verified against something else";
  EXPECT_TRUE(Checkpoint::read({}, temp.mark, blocks).empty());
  std::vector<std::byte> other_boot = checkpoint;
  other_boot[0] ^= std::byte{1};
  EXPECT_TRUE(Checkpoint::read(other_boot, temp.mark, blocks).empty()) << "what was not synced may be gone";

  Prepare prepared;
  prepared.blocks = blocks;
  prepared.known = Checkpoint::read(checkpoint, temp.mark, blocks);
  while (!prepared.complete()) ASSERT_TRUE(prepare_turn(temp, prepared).has_value());
  EXPECT_EQ(prepared.bytes_kept, 67 * kBlock);
  EXPECT_EQ(prepared.missing.size(), 133u);

  std::ofstream(temp_path_, std::ios::in | std::ios::out).write("x", 1);        // somebody writes to it
  temp = open(content.size());
  EXPECT_TRUE(Checkpoint::read(checkpoint, temp.mark, blocks).empty());
  fs::copy_file(temp_path_, dir_.path() / "copy");                              // or puts another in its place
  const std::vector<std::byte> again = Checkpoint::make(temp.fd.get(), blocks, have);
  fs::rename(dir_.path() / "copy", temp_path_);
  EXPECT_TRUE(Checkpoint::read(again, open(content.size()).mark, blocks).empty());
}

TEST_F(TempFileTest, KeepsWhatMatchesAndClearsWhatMustBeZero) {
  const std::string content = random_bytes(kBlock * 2, 3) + std::string(kBlock, '\0') + random_bytes(kBlock, 4);
  std::string left = content;
  left[kBlock + 5] = static_cast<char>(left[kBlock + 5] + 1);      // one bad byte in block 1
  left[kBlock * 2 + 7] = 'x';                                      // garbage where zeros belong
  write_file(temp_path_, left.substr(0, kBlock * 3));
  const TempFile temp = open(content.size());
  EXPECT_TRUE(temp.resumed);
  const Prepare found = prepare(temp, content);
  EXPECT_EQ(found.missing, (std::vector<std::uint32_t>{1, 3}));
  EXPECT_EQ(found.bytes_kept, kBlock * 2);
  EXPECT_EQ(read_file(temp_path_).substr(kBlock * 2, kBlock), std::string(kBlock, '\0'));
}

TEST_F(TempFileTest, ReservedRoomIsNotTakenForData) {
  const std::string content = random_bytes(kBlock * 20, 5);
  { const TempFile temp = open(content.size()); }
  const TempFile again = open(content.size());
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(prepare(again, content).missing.size(), 20u);
}

TEST_F(TempFileTest, CopiesFromDonorsWhatTheHashConfirms) {
  const std::string content = random_bytes(kBlock * 3, 6);
  std::string old = content;
  old[0] = static_cast<char>(old[0] + 1);
  write_file(dir_.path() / "old", old);
  DiskState state;
  std::vector<base::UniqueFd> donors;
  donors.push_back(std::move(*open_file(root_.get(), "old", state)));
  const TempFile temp = open(content.size());
  const Prepare found = prepare(temp, content, std::move(donors));
  EXPECT_EQ(found.missing, (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(found.bytes_copied, kBlock * 2);
  EXPECT_EQ(read_file(temp_path_).substr(kBlock, kBlock * 2), content.substr(kBlock));
}

TEST_F(TempFileTest, WrongBytesAreNotWritten) {
  const std::string content = random_bytes(1000, 7);
  const TempFile temp = open(content.size());
  const proto::Block block = blocks_of(content)[0];
  std::string wrong = content;
  wrong[999] = static_cast<char>(wrong[999] + 1);
  EXPECT_EQ(write_block(temp, block, std::as_bytes(std::span(wrong))).error().code, base::Errc::kCorrupt);
  EXPECT_EQ(write_block(temp, block, std::as_bytes(std::span(content)).first(999)).error().code,
            base::Errc::kCorrupt);
  EXPECT_EQ(fs::file_size(temp_path_), 0u);
  EXPECT_TRUE(write_block(temp, block, std::as_bytes(std::span(content))).has_value());
  EXPECT_EQ(read_file(temp_path_), content);
}

// Whole blocks of a large file go past the page cache, the rest of it does not; what stands there is the same.
TEST_F(TempFileTest, BlocksOfALargeFileAreWrittenDirect) {
  const std::string content = random_bytes(static_cast<std::size_t>(kDirectBytesMin) + 1000, 8);
  const TempFile temp = open(content.size(), false, DirectIo::kAuto);
  if (!temp.direct) GTEST_SKIP() << "this file system has no O_DIRECT";
  const std::vector<proto::Block> blocks = blocks_of(content);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const bool last = i + 1 == blocks.size();
    ASSERT_EQ(goes_direct(temp, blocks[i]), !last);
    const base::Bytes bytes = std::as_bytes(std::span(content)).subspan(i * kBlock, static_cast<std::size_t>(blocks[i].size));
    ASSERT_TRUE(write_block(temp, blocks[i], bytes));
  }
  EXPECT_EQ(pages_in_memory(temp.fd.get(), content.size() / kBlock * kBlock), 0);
  EXPECT_EQ(read_file(temp_path_).substr(0, content.size()), content);
}

TEST_F(TempFileTest, LinksUnderTheTempNameAreReplacedAndNotFollowed) {
  write_file(dir_.path() / "victim", "untouched");
  fs::create_symlink("victim", temp_path_);
  {
    const TempFile temp = open(5);
    EXPECT_FALSE(temp.resumed);
    EXPECT_TRUE(write_block(temp, blocks_of("12345")[0], std::as_bytes(std::span("12345", 5))).has_value());
  }
  fs::remove(temp_path_);
  fs::create_hard_link(dir_.path() / "victim", temp_path_);
  const TempFile temp = open(5);
  EXPECT_TRUE(write_block(temp, blocks_of("12345")[0], std::as_bytes(std::span("12345", 5))).has_value());
  EXPECT_EQ(read_file(dir_.path() / "victim"), "untouched");
}

TEST_F(TempFileTest, NameBelowASymlinkIsRefused) {
  fs::create_symlink("/tmp", dir_.path() / "out");
  EXPECT_EQ(open_temp(directories_, "out/name", 1, false, DirectIo::kNever).error().code, base::Errc::kNotFound);
  EXPECT_EQ(open_temp(directories_, "../name", 1, false, DirectIo::kNever).error().code,
            base::Errc::kInvalidArgument);
}

TEST(Workers, NothingIsDeliveredAfterStop) {
  boost::asio::io_context io;
  int delivered = 0;
  {
    Workers workers(io, 2);
    for (int i = 0; i < 50; ++i) workers.run([] { return 1; }, [&](int one) { delivered += one; });
    workers.stop();
    workers.run([] { return 1; }, [&](int one) { delivered += one; });
  }
  io.run();
  EXPECT_EQ(delivered, 0);
}

}  // namespace
}  // namespace weft::model::test
