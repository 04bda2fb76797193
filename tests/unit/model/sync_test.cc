// Two models joined by real links on loopback, no datapath: what one has, the other gets.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bep/model/conflicts.hh"
#include "bep/model/hasher.hh"
#include "bep/proto/names.hh"
#include "tests/unit/model/node.hh"

namespace weft::model::test {
namespace {

namespace fs = std::filesystem;

class SyncTest : public ::testing::Test {
 protected:
  void make(NodeOptions a = {}, NodeOptions b = {}) {
    a_ = std::make_unique<Node>(io_, "a", std::move(a));
    b_ = std::make_unique<Node>(io_, "b", std::move(b));
    a_->share_with(*b_);
    b_->share_with(*a_);
    fs::create_directories(a_->root());
    fs::create_directories(b_->root());
  }
  void start() {
    a_->start();
    b_->start();
    a_->listen();
    b_->dial(*a_);
  }
  void scan_both() {
    (void)a_->model->scan("f");
    (void)b_->model->scan("f");
  }
  // Both idle and needing nothing, and both trees the same.
  [[nodiscard]] bool converge() {
    return run_until(io_, [this] {
      return a_->in_sync() && b_->in_sync() && snapshot(a_->root()) == snapshot(b_->root());
    });
  }
  void expect_same() {
    EXPECT_TRUE(converge());
    EXPECT_EQ(snapshot(a_->root()), snapshot(b_->root()));
    EXPECT_EQ(count_names_with(b_->root(), ".syncthing."), 0u);
  }
  // Rescans `node` and waits until it has.
  void rescan(Node& node) {
    const std::int64_t before = node.status().sequence;
    write_file(node.root() / "rescan-mark", std::to_string(++marks_));
    ASSERT_TRUE(node.model->scan("f").has_value());
    EXPECT_TRUE(run_until(io_, [&] { return node.status().sequence > before; }));
  }

  boost::asio::io_context io_;
  std::unique_ptr<Node> a_, b_;
  int marks_ = 0;
};

void make_tree(const fs::path& root) {
  write_file(root / "top.txt", "hello");
  write_file(root / "empty", "");
  write_file(root / "deep/er/and/deeper/big.bin", random_bytes(3'000'000, 11));
  write_file(root / "run.sh", "#!/bin/sh\n");
  ::chmod((root / "run.sh").c_str(), 0755);
  write_file(root / "old.txt", "old");
  set_mtime(root / "old.txt", 1'000'000'000, 5'000);
  fs::create_symlink("top.txt", root / "link");
  fs::create_symlink("../outside", root / "deep/dangling");
  fs::create_directories(root / "nothing/inside");
  for (int i = 0; i < 300; ++i)
    write_file(root / "many" / ("f" + std::to_string(i)), random_bytes(static_cast<std::size_t>(i) * 7, 100));
}

TEST_F(SyncTest, TreeCrosses) {
  make();
  make_tree(a_->root());
  const std::map<std::string, std::string> before = snapshot(a_->root());
  start();
  expect_same();
  EXPECT_EQ(snapshot(b_->root()), before);
  EXPECT_EQ(b_->model->totals().bytes_via_fabric, 0u);
  EXPECT_GT(b_->model->totals().bytes_via_link, 3'000'000u);
  // The other side announces what it finished in batches: a hears of the last one a little later.
  EXPECT_TRUE(run_until(io_, [&] { return percent(*a_->model->completion("f", b_->id())) == 100.0; }));
}

TEST_F(SyncTest, BothDirectionsThenChangesAndDeletes) {
  make();
  make_tree(a_->root());
  write_file(b_->root() / "from-b/x", random_bytes(400'000, 3));
  start();
  expect_same();
  write_file(a_->root() / "top.txt", "hello again");
  ::chmod((a_->root() / "empty").c_str(), 0600);
  fs::remove_all(a_->root() / "deep");
  fs::remove(a_->root() / "link");
  fs::create_symlink("empty", a_->root() / "link");
  fs::remove(a_->root() / "old.txt");
  write_file(a_->root() / "old.txt/now-a-directory", "x");
  rescan(*a_);
  expect_same();
  EXPECT_FALSE(fs::exists(b_->root() / "deep"));
  EXPECT_TRUE(fs::is_directory(b_->root() / "old.txt"));
  fs::remove_all(b_->root() / "old.txt");
  write_file(b_->root() / "old.txt", "a file again");
  rescan(*b_);
  expect_same();
  EXPECT_EQ(read_file(a_->root() / "old.txt"), "a file again");
}

TEST_F(SyncTest, RenameUsesNoNetwork) {
  make();
  write_file(a_->root() / "first", random_bytes(2'000'000, 21));
  start();
  expect_same();
  const std::uint64_t before = b_->model->totals().bytes_via_link;
  fs::create_directory(a_->root() / "moved");
  fs::rename(a_->root() / "first", a_->root() / "moved/second");
  rescan(*a_);
  expect_same();
  EXPECT_FALSE(fs::exists(b_->root() / "first"));
  EXPECT_LT(b_->model->totals().bytes_via_link - before, 1000u);   // the mark of rescan()
  EXPECT_GE(b_->model->totals().bytes_reused, 2'000'000u);
}

TEST_F(SyncTest, ChangedBlockAloneIsFetched) {
  make();
  std::string content = random_bytes(2'000'000, 22);
  write_file(a_->root() / "file", content);
  start();
  expect_same();
  const std::uint64_t before = b_->model->totals().bytes_via_link;
  content[1'000'000] = static_cast<char>(content[1'000'000] + 1);
  write_file(a_->root() / "file", content);
  rescan(*a_);
  expect_same();
  EXPECT_LT(b_->model->totals().bytes_via_link - before, 140'000u);
}

TEST_F(SyncTest, ConflictKeepsBothCopies) {
  make();
  write_file(a_->root() / "doc.txt", "as a wrote it");
  write_file(b_->root() / "doc.txt", "as b wrote it, later");
  set_mtime(a_->root() / "doc.txt", 1'700'000'000, 0);
  set_mtime(b_->root() / "doc.txt", 1'700'000'100, 0);
  start();
  expect_same();
  EXPECT_EQ(read_file(a_->root() / "doc.txt"), "as b wrote it, later");
  ASSERT_EQ(count_names_with(a_->root(), "doc.sync-conflict-"), 1u);
  for (const auto& entry : fs::directory_iterator(b_->root()))
    if (proto::is_conflict_name(entry.path().filename().string())) {
      EXPECT_EQ(read_file(entry.path()), "as a wrote it");
    }
}

TEST_F(SyncTest, SameContentOnBothSidesIsNoConflict) {
  make();
  write_file(a_->root() / "doc.txt", "the same");
  write_file(b_->root() / "doc.txt", "the same");
  start();
  expect_same();
  EXPECT_EQ(count_names_with(a_->root(), "sync-conflict"), 0u);
  EXPECT_EQ(b_->model->totals().bytes_via_link + a_->model->totals().bytes_via_link, 0u);
}

TEST_F(SyncTest, UnscannedLocalChangeIsNeverOverwritten) {
  make();
  write_file(a_->root() / "doc.txt", "one");
  start();
  expect_same();
  write_file(b_->root() / "doc.txt", "b changed it and nobody has scanned");
  write_file(a_->root() / "doc.txt", "two, from a");
  rescan(*a_);
  EXPECT_TRUE(run_until(io_, [&] { return count_names_with(a_->root(), "sync-conflict") == 1; }));
  rescan(*b_);                                 // also takes away the temp file of the version that lost
  expect_same();
  std::map<std::string, int> texts;
  for (const auto& entry : fs::directory_iterator(a_->root()))
    if (entry.path().filename().string().starts_with("doc")) ++texts[read_file(entry.path())];
  EXPECT_EQ(texts["b changed it and nobody has scanned"], 1);
  EXPECT_EQ(texts["two, from a"], 1);
}

TEST_F(SyncTest, ResumesFromTempFile) {
  make();
  const std::string content = random_bytes(2'000'000, 31);
  write_file(a_->root() / "big", content);
  // What an earlier run left: the first half right, then a block of garbage.
  write_file(b_->root() / ".syncthing.big.tmp", content.substr(0, 131'072 * 8) + std::string(131'072, 'x'));
  ::chmod((b_->root() / ".syncthing.big.tmp").c_str(), 0444);
  start();
  expect_same();
  EXPECT_EQ(b_->model->totals().bytes_reused, 131'072u * 8);
  EXPECT_EQ(b_->model->totals().bytes_via_link, 2'000'000u - 131'072u * 8);
}

TEST_F(SyncTest, HolesAreNotFetched) {
  make();
  write_file(a_->root() / "sparse", random_bytes(131'072, 1) + std::string(131'072 * 20, '\0') + "end");
  start();
  expect_same();
  EXPECT_EQ(b_->model->totals().bytes_via_link, 131'075u);
  struct stat st {};
  ASSERT_EQ(::stat((b_->root() / "sparse").c_str(), &st), 0);
  EXPECT_LT(st.st_blocks * 512, 131'072 * 4);
}

TEST_F(SyncTest, ReceiveOnlyKeepsItsChangesToItself) {
  make({}, {.type = FolderType::kReceiveOnly, .root = {}});
  write_file(a_->root() / "shared", "from a");
  start();
  expect_same();
  write_file(b_->root() / "mine", "b alone");
  write_file(b_->root() / "shared", "changed by b");
  ASSERT_TRUE(b_->model->scan("f").has_value());
  EXPECT_TRUE(run_until(io_, [&] { return b_->status().counts.receive_only_changed.files == 2; }));
  run_a_while(io_);
  EXPECT_FALSE(fs::exists(a_->root() / "mine"));
  EXPECT_EQ(read_file(a_->root() / "shared"), "from a");
  EXPECT_EQ(read_file(b_->root() / "shared"), "changed by b");
  write_file(a_->root() / "new", "still arrives");
  rescan(*a_);
  EXPECT_TRUE(run_until(io_, [&] { return fs::exists(b_->root() / "new"); }));
}

TEST_F(SyncTest, SendOnlyTakesNothing) {
  make({.type = FolderType::kSendOnly, .root = {}}, {});
  write_file(a_->root() / "given", "from a");
  write_file(b_->root() / "offered", "from b");
  start();
  EXPECT_TRUE(run_until(io_, [&] { return fs::exists(b_->root() / "given"); }));
  run_a_while(io_);
  EXPECT_FALSE(fs::exists(a_->root() / "offered"));
  EXPECT_EQ(a_->status().counts.need.files, 1);
}

TEST_F(SyncTest, ReconnectSendsOnlyTheNews) {
  make();
  make_tree(a_->root());
  start();
  expect_same();
  b_->stop();
  write_file(a_->root() / "news", "x");
  ASSERT_TRUE(a_->model->scan("f").has_value());
  b_->start();
  b_->dial(*a_);
  expect_same();
  ASSERT_NE(b_->model->peer(a_->id()), nullptr);
  EXPECT_LE(b_->model->peer(a_->id())->counters().index_entries_in, 2u);
  EXPECT_LE(a_->model->peer(b_->id())->counters().index_entries_in, 2u);
}

TEST_F(SyncTest, MarkerGoneStopsAndDeletesNothing) {
  make();
  write_file(a_->root() / "precious", "x");
  start();
  expect_same();
  fs::remove_all(b_->root());
  fs::create_directory(b_->root());            // as when a disk is not mounted
  ASSERT_TRUE(b_->model->scan("f").has_value());
  EXPECT_TRUE(run_until(io_, [&] { return b_->status().state == FolderState::kError; }));
  EXPECT_NE(b_->status().error.find("marker missing"), std::string::npos);
  run_a_while(io_);
  EXPECT_EQ(read_file(a_->root() / "precious"), "x");
}

TEST_F(SyncTest, FileInADirectoryThatTheOtherDeletedComesBackWithIt) {
  make();
  write_file(a_->root() / "d/old", "old");
  start();
  expect_same();
  b_->stop();
  fs::remove_all(a_->root() / "d");
  rescan(*a_);
  write_file(b_->root() / "d/new", "new");
  b_->start();
  b_->dial(*a_);
  EXPECT_TRUE(run_until(io_, [&] { return fs::exists(a_->root() / "d/new"); }));
  expect_same();
  EXPECT_EQ(read_file(a_->root() / "d/new"), "new");
  EXPECT_FALSE(fs::exists(b_->root() / "d/old"));
}

TEST_F(SyncTest, WhatNoScanCanIndexIsNotScannedForEver) {
  make();
  write_file(a_->root() / "pipe", "a file here");
  ASSERT_EQ(::mkfifo((b_->root() / "pipe").c_str(), 0600), 0);
  start();
  EXPECT_TRUE(run_until(io_, [&] { return b_->status().pull_errors == 1; }));
  run_a_while(io_);
  run_a_while(io_);
  EXPECT_LE(b_->status().scans, 8u);           // the first, three at once, then with growing waits
  ASSERT_TRUE(fs::remove(b_->root() / "pipe"));
  expect_same();
}

TEST_F(SyncTest, IgnorePatternsStopTheFolder) {
  make();
  write_file(b_->root() / ".stignore", "// a comment\n\n*.secret\n");
  write_file(b_->root() / "my.secret", "x");
  start();
  EXPECT_TRUE(run_until(io_, [&] { return b_->status().state == FolderState::kError; }));
  EXPECT_NE(b_->status().error.find("ignore patterns"), std::string::npos);
  run_a_while(io_);
  EXPECT_FALSE(fs::exists(a_->root() / "my.secret"));
  write_file(b_->root() / ".stignore", "// a comment alone\n");
  EXPECT_TRUE(run_until(io_, [&] { return fs::exists(a_->root() / "my.secret"); }));
  EXPECT_EQ(b_->status().error, "");
}

TEST_F(SyncTest, DirectoriesWithoutWritePermission) {
  make();
  write_file(a_->root() / "ro/file", "x");
  ::chmod((a_->root() / "ro").c_str(), 0555);
  start();
  expect_same();
}

TEST(Folder, OneThatNeverHeldAnythingIsMadeAlsoAfterAnUncleanEnd) {
  boost::asio::io_context io;
  TempDir dir;
  {
    const auto first = IndexDb::open(dir.path() / "first.db");
    ASSERT_TRUE(first.has_value());
    ASSERT_TRUE((*first)->ensure_folder("f").has_value());
    for (const char* suffix : {"", "-wal"})    // as a power cut leaves it
      fs::copy_file((dir.path() / "first.db").string() + suffix, (dir.path() / "index.db").string() + suffix);
  }
  const auto index = std::move(*IndexDb::open(dir.path() / "index.db"));
  ASSERT_GT(index->max_sequence_local("f"), 0);
  Config config;
  config.folders.push_back({});
  config.folders[0].id = "f";
  config.folders[0].path = dir.path() / "folder";
  ModelOptions options;
  options.self.fill(std::byte{1});
  ASSERT_TRUE(prepare(config, options.self, "a").has_value());
  Workers workers(io, 1);
  FakeFabric fabric(io);
  Model model(io, std::move(config), options, *index, fabric, workers);
  model.start();
  EXPECT_TRUE(run_until(io, [&] {
    const FolderStatus status = *model.folder_status("f");
    return status.last_scan_s != 0 || !status.error.empty();
  }));
  EXPECT_EQ(model.folder_status("f")->error, "");
  EXPECT_TRUE(fs::is_directory(dir.path() / "folder/.stfolder"));
  model.stop();
}

class Silent : public PullObserver {
  void on_bytes(Way, std::uint64_t) override {}
  void on_reused(std::uint64_t) override {}
  void on_index_changed(const std::string&) override {}
  void on_pull_ended(const std::string&) override {}
};

TEST(Puller, LongNeedListWithNobodyConnectedLetsOthersRun) {
  boost::asio::io_context io;
  TempDir dir;
  const base::UniqueFd root = std::move(*open_root(dir.path().string()));
  std::unique_ptr<IndexDb> index = std::move(*IndexDb::open(dir.path() / "index.db"));
  ASSERT_TRUE(index->ensure_folder("f").has_value());
  std::vector<proto::FileInfo> theirs(1000);
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    theirs[i].name = "f" + std::to_string(i);
    theirs[i].size = 3;
    theirs[i].blocks = {{0, 3, sha256({})}};
    theirs[i].version.update(99, 1);
    theirs[i].sequence = static_cast<std::int64_t>(i) + 1;
  }
  base::DeviceId peer{};
  peer[0] = std::byte{9};
  ASSERT_TRUE(index->update_remote("f", peer, theirs).has_value());
  Workers workers(io, 1);
  FakeFabric fabric(io);
  Sources sources(fabric);
  Silent observer;
  std::optional<PullResult> result;
  PullOptions options;
  options.folder = "f";
  options.root = root.get();
  Puller puller(std::move(options), *index, workers, sources, observer,
                [&](PullResult done) { result = std::move(done); });
  puller.start();
  std::size_t handlers = 0;
  for (int turn = 0; turn < 1000 && !result; ++turn) {
    io.restart();
    handlers += io.poll_one();
  }
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->stranded);
  EXPECT_EQ(result->failed, 0u);
  EXPECT_GE(handlers, 5u);
  workers.stop();
}

TEST(Folder, IgnorePatternText) {
  EXPECT_FALSE(has_ignore_pattern(""));
  EXPECT_FALSE(has_ignore_pattern("\n  \n// x\n#escape=|\n"));
  EXPECT_TRUE(has_ignore_pattern("// x\n  *.o\n"));
  EXPECT_TRUE(has_ignore_pattern("#include other"));
  EXPECT_TRUE(has_ignore_pattern("!keep"));
}

TEST(Conflicts, Rules) {
  proto::FileInfo local;
  local.name = "a.txt";
  local.blocks = {{0, 3, sha256({})}};
  local.version.update(1, 10);
  proto::FileInfo newer = local;
  newer.blocks[0].hash[0] ^= std::byte{1};
  newer.version.update(2, 11);
  EXPECT_FALSE(is_conflict(local, newer, 1));
  proto::FileInfo mine = local;
  mine.version.update(1, 12);
  EXPECT_TRUE(is_conflict(mine, newer, 1));
  EXPECT_EQ(conflict_name_for(local, newer, 1, 0), "");
  EXPECT_TRUE(proto::is_conflict_name(conflict_name_for(mine, newer, 1, 0)));
  proto::FileInfo same = newer;
  same.blocks = mine.blocks;
  EXPECT_EQ(conflict_name_for(mine, same, 1, 0), "");
  mine.type = proto::FileType::kSymlink;
  EXPECT_EQ(conflict_name_for(mine, newer, 1, 0), "");
  const proto::FileInfo copy = entry_of_copy(local, "copy", 1, 99);
  EXPECT_EQ(copy.version.value_of(1), 99u);
  EXPECT_EQ(copy.blocks, local.blocks);
}

}  // namespace
}  // namespace weft::model::test
