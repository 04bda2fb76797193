// The scanner on real trees: what becomes an entry, what does not, and what is never announced as deleted.
#include "bep/model/scanner.hh"

#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bep/model/hasher.hh"
#include "bep/model/index_db.hh"
#include "bep/proto/block_size.hh"
#include "bep/proto/names.hh"
#include "tests/unit/model/node.hh"

namespace weft::model::test {
namespace {

namespace fs = std::filesystem;

class ScannerTest : public ::testing::Test {
 protected:
  ScannerTest() {
    root_ = dir_.path() / "tree";
    fs::create_directories(root_);
    index_ = std::move(*IndexDb::open(dir_.path() / "index.db"));
    EXPECT_TRUE(index_->ensure_folder("f").has_value());
  }
  ~ScannerTest() override { workers_.stop(); }

  Scanner::Result scan(bool receive_only = false) {
    const base::UniqueFd root = std::move(*open_root(root_.string()));
    std::optional<Scanner::Result> result;
    ScanOptions options{"f", root.get(), 7, false, receive_only};
    options.marker = marker_;
    options.temp_age_max_s = temp_age_max_s_;
    Scanner scanner(std::move(options), *index_, workers_, [] {},
                    [&](Scanner::Result done) { result = std::move(done); });
    scanner.start();
    EXPECT_TRUE(run_until(io_, [&] { return result.has_value(); }));
    return *result;
  }
  [[nodiscard]] std::optional<LocalFile> entry(const std::string& name) const { return index_->get_local("f", name); }

  TempDir dir_;
  fs::path root_;
  boost::asio::io_context io_;
  Workers workers_{io_, 2};
  std::unique_ptr<IndexDb> index_;
  std::string marker_;
  std::int64_t temp_age_max_s_ = 24 * 3600;
};

TEST_F(ScannerTest, FindsEveryKindOnceAndThenNothing) {
  write_file(root_ / "a/b/file", random_bytes(300'000, 1));
  write_file(root_ / "empty", "");
  fs::create_symlink("a/b/file", root_ / "link");
  fs::create_symlink("/nowhere", root_ / "a/broken");
  set_mtime(root_ / "a/b/file", 1'600'000'000, 123'456'789);
  ::chmod((root_ / "a/b/file").c_str(), 0640);

  const Scanner::Result first = scan();
  ASSERT_TRUE(first.status.has_value());
  EXPECT_EQ(first.progress.changed, 6u);
  EXPECT_EQ(first.progress.bytes_hashed, 300'000u);
  const LocalFile file = entry("a/b/file").value();
  EXPECT_EQ(file.info.blocks.size(), 3u);
  EXPECT_EQ(file.info.blocks[2].size, 300'000 - 2 * 131'072);
  EXPECT_EQ(file.info.modified_s, 1'600'000'000);
  EXPECT_EQ(file.info.modified_ns, 123'456'789);
  EXPECT_EQ(file.info.permissions, 0640u);
  EXPECT_EQ(file.info.modified_by, 7u);
  EXPECT_GT(file.info.version.value_of(7), 0u);
  const LocalFile empty = entry("empty").value();
  ASSERT_EQ(empty.info.blocks.size(), 1u);
  EXPECT_EQ(empty.info.blocks[0].hash, proto::empty_block_hash());
  EXPECT_EQ(entry("link")->info.symlink_target, "a/b/file");
  EXPECT_TRUE(entry("link")->info.no_permissions);
  EXPECT_EQ(entry("a")->info.type, proto::FileType::kDirectory);

  const Scanner::Result second = scan();
  EXPECT_EQ(second.progress.changed, 0u);
  EXPECT_EQ(second.progress.bytes_hashed, 0u);
  EXPECT_EQ(second.progress.entries_seen, 6u);
}

TEST_F(ScannerTest, ChangeBumpsTheVersionAndModeAloneIsNotHashed) {
  write_file(root_ / "file", "one");
  ASSERT_TRUE(scan().status.has_value());
  const LocalFile before = entry("file").value();
  ::chmod((root_ / "file").c_str(), 0600);
  const Scanner::Result mode = scan();
  EXPECT_EQ(mode.progress.changed, 1u);
  EXPECT_EQ(mode.progress.bytes_hashed, 0u);
  const LocalFile after = entry("file").value();
  EXPECT_EQ(after.info.version.compare(before.info.version), proto::Ordering::kGreater);
  EXPECT_EQ(after.info.blocks, before.info.blocks);
  EXPECT_GT(after.info.sequence, before.info.sequence);
  write_file(root_ / "file", "three");
  EXPECT_EQ(scan().progress.bytes_hashed, 5u);
  EXPECT_EQ(entry("file")->info.previous_blocks_hash, before.info.blocks_hash);
}

TEST_F(ScannerTest, DeletedAndChangedKind) {
  write_file(root_ / "dir/one", "1");
  write_file(root_ / "two", "2");
  ASSERT_TRUE(scan().status.has_value());
  fs::remove_all(root_ / "dir");
  fs::remove(root_ / "two");
  fs::create_directory(root_ / "two");
  const Scanner::Result result = scan();
  EXPECT_EQ(result.progress.deleted, 2u);
  EXPECT_TRUE(entry("dir")->info.deleted);
  EXPECT_TRUE(entry("dir/one")->info.deleted);
  EXPECT_TRUE(entry("dir/one")->info.blocks.empty());
  EXPECT_EQ(entry("dir/one")->info.size, 0);
  EXPECT_EQ(entry("two")->info.type, proto::FileType::kDirectory);
  EXPECT_EQ(scan().progress.deleted, 0u);
}

TEST_F(ScannerTest, TreeTakenAwayDuringTheScanAnnouncesNoDelete) {
  marker_ = ".stfolder";
  fs::create_directory(root_ / ".stfolder");
  for (int i = 0; i < 600; ++i) write_file(root_ / "d" / std::to_string(i), "x");
  ASSERT_TRUE(scan().status.has_value());
  fs::remove_all(root_ / "d");
  fs::remove(root_ / ".stfolder");             // the scan begins when the folder has looked for it already
  const Scanner::Result result = scan();
  ASSERT_FALSE(result.status.has_value());
  EXPECT_NE(std::string(result.status.error().text).find("marker missing"), std::string::npos);
  EXPECT_FALSE(entry("d")->info.deleted);
  EXPECT_FALSE(entry("d/599")->info.deleted);
  fs::create_directory(root_ / ".stfolder");
  EXPECT_EQ(scan().progress.deleted, 601u);
  EXPECT_TRUE(entry("d/599")->info.deleted);
}

TEST_F(ScannerTest, WhatStandsThereAsTheGlobalVersionIsTakenAsThat) {
  write_file(root_ / "file", "one");
  write_file(root_ / "other", "one");
  ASSERT_TRUE(scan().status.has_value());
  // A peer's next versions; a pull has renamed the first into place and was killed before it told the index.
  base::DeviceId peer{};
  peer[0] = std::byte{9};
  std::vector<proto::FileInfo> theirs;
  for (const char* name : {"file", "other"}) {
    proto::FileInfo info = entry(name)->info;
    const std::string content = "two";
    info.blocks = {{0, 3, sha256(std::as_bytes(std::span(content)))}};
    info.version.update(99, 1);
    info.modified_by = 99;
    info.modified_s = 1'700'000'000;
    info.modified_ns = 0;
    info.sequence = static_cast<std::int64_t>(theirs.size()) + 1;
    theirs.push_back(std::move(info));
  }
  ASSERT_TRUE(index_->update_remote("f", peer, theirs).has_value());
  write_file(root_ / "file", "two");
  set_mtime(root_ / "file", 1'700'000'000, 0);
  write_file(root_ / "other", "TWO");
  set_mtime(root_ / "other", 1'700'000'000, 0);
  EXPECT_EQ(scan().progress.changed, 2u);
  EXPECT_EQ(entry("file")->info.version, theirs[0].version);
  EXPECT_EQ(entry("file")->flags, 0u);
  EXPECT_NE(entry("other")->info.version, theirs[1].version);
  EXPECT_GT(entry("other")->info.version.value_of(7), 0u);
  EXPECT_EQ(entry("other")->info.version.value_of(99), 0u);
}

TEST_F(ScannerTest, SymlinkedParentMeansGoneAndIsNotFollowed) {
  write_file(root_ / "dir/inside", "1");
  write_file(dir_.path() / "elsewhere/inside", "secret");
  ASSERT_TRUE(scan().status.has_value());
  fs::remove_all(root_ / "dir");
  fs::create_symlink(dir_.path() / "elsewhere", root_ / "dir");
  ASSERT_TRUE(scan().status.has_value());
  EXPECT_EQ(entry("dir")->info.type, proto::FileType::kSymlink);
  EXPECT_TRUE(entry("dir/inside")->info.deleted);
}

TEST_F(ScannerTest, OwnAndUnusableNamesAreLeftOut) {
  write_file(root_ / ".stfolder/x", "");
  write_file(root_ / ".stversions/old", "old");
  write_file(root_ / ".stignore", "");
  write_file(root_ / "sub/.syncthing.file.tmp", "half");
  write_file(root_ / "bad\xff\xfename", "x");
  ASSERT_EQ(::mkfifo((root_ / "fifo").c_str(), 0600), 0);
  const Scanner::Result result = scan();
  EXPECT_EQ(result.progress.changed, 1u);      // "sub"
  EXPECT_EQ(result.progress.problems, 2u);
  ASSERT_EQ(result.problems.size(), 2u);
  for (const std::string& problem : result.problems) EXPECT_TRUE(proto::is_utf8(problem));
}

TEST_F(ScannerTest, TempFilesStayUntilStale) {
  write_file(root_ / "done", "x");
  ASSERT_TRUE(scan().status.has_value());
  write_file(root_ / ".syncthing.done.tmp", "of a version that came another way");
  write_file(root_ / ".syncthing.coming.tmp", "half");
  write_file(root_ / ".syncthing.whole.tmp", "waits for its name");
  set_mtime(root_ / ".syncthing.whole.tmp", 1'000'000'000, 0);     // its target's
  EXPECT_EQ(scan().progress.changed, 0u);
  EXPECT_FALSE(fs::exists(root_ / ".syncthing.done.tmp"));
  EXPECT_TRUE(fs::exists(root_ / ".syncthing.coming.tmp"));
  EXPECT_TRUE(fs::exists(root_ / ".syncthing.whole.tmp"));
  temp_age_max_s_ = -1;                        // everything is older than that
  EXPECT_EQ(scan().progress.changed, 0u);
  EXPECT_FALSE(fs::exists(root_ / ".syncthing.coming.tmp"));
  EXPECT_FALSE(fs::exists(root_ / ".syncthing.whole.tmp"));
}

TEST_F(ScannerTest, UnreadableIsShownAndNotDeleted) {
  write_file(root_ / "closed/inside", "1");
  ASSERT_TRUE(scan().status.has_value());
  ::chmod((root_ / "closed").c_str(), 0);
  // Root reads everything: the scan then runs as nobody, whose threads inherit it when they are made.
  const bool is_root = ::geteuid() == 0;
  for (const char* name : {".", "closed"}) {
    if (!is_root) continue;
    ASSERT_EQ(::chown((root_ / name).c_str(), 65534, 65534), 0);
  }
  const base::UniqueFd root = std::move(*open_root(root_.string()));
  if (is_root) ::setfsuid(65534);
  std::optional<Scanner::Result> result;
  {
    Workers workers(io_, 1);
    Scanner scanner({"f", root.get(), 7, false, false}, *index_, workers, [] {},
                    [&](Scanner::Result done) { result = std::move(done); });
    scanner.start();
    EXPECT_TRUE(run_until(io_, [&] { return result.has_value(); }));
  }
  if (is_root) ::setfsuid(0);
  ::chmod((root_ / "closed").c_str(), 0700);
  ASSERT_TRUE(result.has_value());
  EXPECT_GE(result->progress.problems, 1u);
  EXPECT_EQ(result->progress.deleted, 0u);
  EXPECT_FALSE(entry("closed/inside")->info.deleted);
}

TEST_F(ScannerTest, ReceiveOnlyChangeIsMarked) {
  write_file(root_ / "mine", "1");
  ASSERT_TRUE(scan(true).status.has_value());
  EXPECT_EQ(entry("mine")->flags, std::uint32_t{kLocalReceiveOnly});
  EXPECT_EQ(entry("mine")->info.blocks.size(), 1u);
  EXPECT_EQ(scan(true).progress.changed, 0u);
}

TEST_F(ScannerTest, ReceiveOnlyChangesAreReadmittedInAFolderOfAnotherType) {
  write_file(root_ / "taken", "theirs");
  write_file(root_ / "gone", "theirs");
  ASSERT_TRUE(scan().status.has_value());
  std::vector<proto::FileInfo> theirs = {entry("taken")->info, entry("gone")->info};
  for (proto::FileInfo& info : theirs) info.version.update(99, 1);
  ASSERT_TRUE(index_->update_local("f", std::span<const proto::FileInfo>(theirs)).has_value());
  write_file(root_ / "taken", "changed here");
  write_file(root_ / "dir/mine", "1");
  fs::remove(root_ / "gone");
  ASSERT_TRUE(scan(true).status.has_value());
  for (const char* name : {"taken", "gone", "dir", "dir/mine"})
    ASSERT_EQ(entry(name)->flags, std::uint32_t{kLocalReceiveOnly}) << name;

  const Scanner::Result result = scan(false);
  EXPECT_EQ(result.progress.changed, 4u);
  EXPECT_EQ(result.progress.bytes_hashed, 0u);
  for (const char* name : {"taken", "gone", "dir", "dir/mine"}) {
    EXPECT_EQ(entry(name)->flags, 0u) << name;
    EXPECT_EQ(entry(name)->info.version.value_of(99), 0u) << name << " must not succeed what others have";
    EXPECT_GT(entry(name)->info.version.value_of(7), 0u) << name;
  }
  EXPECT_TRUE(entry("gone")->info.deleted);
  EXPECT_EQ(scan(false).progress.changed, 0u);
}

TEST_F(ScannerTest, ManyFilesTakeSeveralTurns) {
  for (int i = 0; i < 2500; ++i)
    write_file(root_ / ("d" + std::to_string(i % 7)) / ("f" + std::to_string(i)), std::to_string(i));
  const Scanner::Result result = scan();
  ASSERT_TRUE(result.status.has_value());
  EXPECT_EQ(result.progress.changed, 2507u);
  EXPECT_EQ(index_->counts("f").local.files, 2500);
}

TEST(Hasher, TurnsGiveTheSameBlocksAsOnePass) {
  TempDir dir;
  const std::string content = random_bytes(1'000'003, 5);
  write_file(dir.path() / "x", content);
  DiskState state;
  const base::UniqueFd root = std::move(*open_root(dir.path().string()));
  const base::UniqueFd fd = std::move(*open_file(root.get(), "x", state));
  HashProgress whole{state.size, 131'072, 0, {}};
  ASSERT_TRUE(hash_turn(fd.get(), whole, 10'000'000).has_value());
  ASSERT_TRUE(whole.complete());
  HashProgress turns{state.size, 131'072, 0, {}};
  int count = 0;
  for (; !turns.complete(); ++count) ASSERT_TRUE(hash_turn(fd.get(), turns, 1).has_value());
  EXPECT_EQ(count, 8);
  EXPECT_EQ(turns.blocks, whole.blocks);
  HashProgress longer{state.size + 1, 131'072, 0, {}};
  EXPECT_EQ(hash_turn(fd.get(), longer, 10'000'000).error().code, base::Errc::kCorrupt);
}

TEST(Hasher, ZeroBlocksOfStandardSizesOnly) {
  const std::vector<std::byte> zeros(131'072);
  EXPECT_TRUE(is_zero_block(sha256(zeros), 131'072));
  EXPECT_FALSE(is_zero_block(sha256(zeros), 262'144));
  EXPECT_FALSE(is_zero_block(sha256(base::Bytes(zeros).first(1000)), 1000));
}

}  // namespace
}  // namespace weft::model::test
