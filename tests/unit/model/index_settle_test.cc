// What is forgotten at start because the configuration changed, and that nothing is taken for deleted by it.
#include "bep/model/index_settle.hh"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "bep/model/index_db.hh"
#include "tests/unit/model/node.hh"

namespace weft::model::test {
namespace {

namespace fs = std::filesystem;

base::DeviceId device(int number) {
  base::DeviceId id{};
  id.fill(static_cast<std::byte>(number));
  return id;
}

proto::FileInfo file(const std::string& name, std::uint64_t counter, bool deleted = false) {
  proto::FileInfo info;
  info.name = name;
  info.deleted = deleted;
  info.sequence = 1;
  info.version.update(counter, counter);
  if (!deleted) {
    info.size = 1;
    info.block_size = 128 << 10;
    info.blocks = {{0, 1, {}}};
  }
  return info;
}

class IndexSettleTest : public ::testing::Test {
 protected:
  IndexSettleTest() {
    index_ = std::move(*IndexDb::open(dir_.path() / "index.db"));
    config_.folders.push_back({});
    config_.folders[0].id = "f";
    config_.folders[0].path = dir_.path() / "one";
    config_.folders[0].devices = {device(1), device(9)};
    settle_index(config_, *index_);
    const std::vector<proto::FileInfo> ours = {file("ours", 9)};
    EXPECT_TRUE(index_->update_local("f", std::span<const proto::FileInfo>(ours)).has_value());
  }
  std::string settle_at(const fs::path& path) {
    config_.folders[0].path = path;
    config_.folders[0].refusal.clear();
    settle_index(config_, *index_);
    return config_.folders[0].refusal;
  }
  [[nodiscard]] bool knows_ours() const { return index_->get_local("f", "ours").has_value(); }

  TempDir dir_;
  Config config_;
  std::unique_ptr<IndexDb> index_;
};

TEST_F(IndexSettleTest, AFolderThatLeftTheConfigurationIsForgotten) {
  ASSERT_TRUE(index_->ensure_folder("gone").has_value());
  settle_index(config_, *index_);
  EXPECT_EQ(index_->folder_ids(), std::vector<std::string>{"f"});
  EXPECT_TRUE(knows_ours());
}

TEST_F(IndexSettleTest, AnotherPathNeedsItsMarkerAndBeginsAnew) {
  const fs::path other = dir_.path() / "two";
  EXPECT_NE(settle_at(other).find("folder path changed"), std::string::npos);
  EXPECT_TRUE(knows_ours()) << "going back must cost nothing";
  EXPECT_EQ(settle_at(dir_.path() / "one"), "");
  EXPECT_TRUE(knows_ours());
  fs::create_directories(other / ".stfolder");
  EXPECT_EQ(settle_at(other), "");
  EXPECT_FALSE(knows_ours());
  EXPECT_EQ(index_->folder_path("f"), other.string());
}

TEST_F(IndexSettleTest, AnotherNameOfTheSameDirectoryChangesNothing) {
  fs::create_directories(dir_.path() / "one");
  fs::create_directory_symlink(dir_.path() / "one", dir_.path() / "alias");
  EXPECT_EQ(settle_at(dir_.path() / "alias"), "");
  EXPECT_TRUE(knows_ours());
}

TEST_F(IndexSettleTest, WordsOfDevicesThatDoNotShareTheFolderAnyMore) {
  const std::vector<proto::FileInfo> kept = {file("kept", 1)};
  const std::vector<proto::FileInfo> gone = {file("theirs", 2), file("ours", 9, true)};
  ASSERT_TRUE(index_->set_remote_index_id("f", device(1), 11).has_value());
  ASSERT_TRUE(index_->set_remote_index_id("f", device(2), 22).has_value());
  ASSERT_TRUE(index_->update_remote("f", device(1), kept).has_value());
  std::vector<proto::FileInfo> words = gone;
  words[1].version = index_->get_local("f", "ours")->info.version;
  words[1].version.update(2, 1);
  ASSERT_TRUE(index_->update_remote("f", device(2), words).has_value());
  ASSERT_EQ(index_->counts("f").need.deleted, 1);
  settle_index(config_, *index_);
  EXPECT_EQ(index_->counts("f").need, (Counts{1, 0, 0, 0, 1}));
  EXPECT_EQ(index_->remote_devices("f"), std::vector<base::DeviceId>{device(1)});
  EXPECT_EQ(index_->remote_index_id("f", device(2)), 0u) << "its next index must come whole";
  EXPECT_EQ(index_->remote_index_id("f", device(1)), 11u);
}

TEST_F(IndexSettleTest, AFileOfTheFirstSchemaIsTakenUp) {
  index_.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open((dir_.path() / "index.db").c_str(), &raw), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(raw, "ALTER TABLE folders DROP COLUMN path; PRAGMA user_version = 1", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(raw);
  index_ = std::move(*IndexDb::open(dir_.path() / "index.db"));
  EXPECT_EQ(index_->folder_path("f"), "");
  EXPECT_EQ(settle_at(dir_.path() / "one"), "");
  EXPECT_TRUE(knows_ours());
  EXPECT_EQ(index_->folder_path("f"), (dir_.path() / "one").string());
}

// The whole way: an empty directory in place of a full one, though it has a marker.
TEST(IndexSettle, AFolderAtAnEmptyPathDeletesNothingElsewhere) {
  boost::asio::io_context io;
  TempDir dir;
  Node a(io, "a"), b(io, "b");
  a.share_with(b);
  b.share_with(a);
  write_file(a.root() / "precious", "x");
  a.start();
  b.start();
  a.listen();
  b.dial(a);
  ASSERT_TRUE(run_until(io, [&] { return b.in_sync() && fs::exists(b.root() / "precious"); }));
  b.stop();
  fs::create_directories(dir.path() / "new/.stfolder");
  b.move_to(dir.path() / "new");
  b.start();
  b.dial(a);
  EXPECT_TRUE(run_until(io, [&] { return b.in_sync() && fs::exists(b.root() / "precious"); }));
  EXPECT_EQ(read_file(a.root() / "precious"), "x");
}

}  // namespace
}  // namespace weft::model::test
