// A disk that is full: the folder says so, nothing half-written takes a name, and the sync goes on by itself when
// there is room. The disk is a small tmpfs in a mount namespace of this process.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include "tests/unit/model/node.hh"

namespace weft::model::test {
namespace {

namespace fs = std::filesystem;

class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& at) : at_(at) {
    fs::create_directories(at_);
    made_ = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
            ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=3m") == 0;
  }
  ~SmallDisk() {
    if (made_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool made() const { return made_; }
  [[nodiscard]] bool remount(const char* options, unsigned long flags = 0) const {
    return ::mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT | flags, options) == 0;
  }

 private:
  fs::path at_;
  bool made_ = false;
};

class DiskFullTest : public ::testing::TestWithParam<bool> {};   // by the datapath, or by the link

TEST_P(DiskFullTest, WaitsAndGoesOn) {
  TempDir dir;
  const SmallDisk disk(dir.path() / "disk");
  if (!disk.made()) GTEST_SKIP() << "needs root for a mount namespace";
  boost::asio::io_context io;
  Node a(io, "a");
  Node b(io, "b", {.root = dir.path() / "disk" / "folder"});
  a.share_with(b);
  b.share_with(a);
  write_file(a.root() / "a-small", "fits");
  write_file(a.root() / "big", random_bytes(5'000'000, 1));
  a.start();
  b.start();
  ASSERT_TRUE(run_until(io, [&] { return a.status().last_scan_s != 0; }));
  if (GetParam()) b.fabric->connect(b.id(), a.id(), a.model.get());
  a.listen();
  b.dial(a);
  ASSERT_TRUE(run_until(io, [&] { return b.status().state == FolderState::kError; }));
  EXPECT_NE(b.status().error.find("no space left"), std::string::npos) << b.status().error;
  EXPECT_FALSE(fs::exists(b.root() / "big"));
  ASSERT_TRUE(disk.remount("size=16m"));
  ASSERT_TRUE(run_until(io, [&] { return b.in_sync(); }));
  EXPECT_EQ(snapshot(b.root()), snapshot(a.root()));
  EXPECT_EQ(b.status().error, "");
}

INSTANTIATE_TEST_SUITE_P(Ways, DiskFullTest, ::testing::Bool());

// A file that can never fit starves no other, and deletes make the room that another one needs.
TEST(FullDisk, TakesWhatFitsAndRunsDeletes) {
  TempDir dir;
  const SmallDisk disk(dir.path() / "disk");
  if (!disk.made()) GTEST_SKIP() << "needs root for a mount namespace";
  boost::asio::io_context io;
  Node a(io, "a");
  Node b(io, "b", {.root = dir.path() / "disk" / "folder"});
  a.share_with(b);
  b.share_with(a);
  write_file(a.root() / "old", random_bytes(2'000'000, 1));
  a.start();
  b.start();
  a.listen();
  b.dial(a);
  ASSERT_TRUE(run_until(io, [&] { return b.in_sync() && fs::exists(b.root() / "old"); }));
  fs::remove(a.root() / "old");
  for (int i = 0; i < 3; ++i) write_file(a.root() / ("huge" + std::to_string(i)), random_bytes(5'000'000, 2));
  write_file(a.root() / "new", random_bytes(2'000'000, 3));        // fits when "old" is gone
  for (int i = 0; i < 20; ++i) write_file(a.root() / ("small" + std::to_string(i)), random_bytes(1000, 4));
  ASSERT_TRUE(a.model->scan("f").has_value());
  EXPECT_TRUE(run_until(io, [&] {
    return !fs::exists(b.root() / "old") && fs::exists(b.root() / "new") && fs::exists(b.root() / "small19") &&
           b.status().state == FolderState::kError;
  }));
  EXPECT_NE(b.status().error.find("no space left"), std::string::npos) << b.status().error;
  EXPECT_EQ(b.status().counts.need.files, 3);
  EXPECT_EQ(b.status().counts.need.deleted, 0);
}

TEST(ReadOnlyDisk, WaitsAndGoesOn) {
  TempDir dir;
  const SmallDisk disk(dir.path() / "disk");
  if (!disk.made()) GTEST_SKIP() << "needs root for a mount namespace";
  boost::asio::io_context io;
  Node a(io, "a");
  Node b(io, "b", {.root = dir.path() / "disk"});
  a.share_with(b);
  b.share_with(a);
  write_file(a.root() / "file", "content");
  a.start();
  b.start();
  ASSERT_TRUE(run_until(io, [&] { return b.status().last_scan_s != 0; }));
  ASSERT_TRUE(disk.remount("size=3m", MS_RDONLY));
  a.listen();
  b.dial(a);
  ASSERT_TRUE(run_until(io, [&] { return b.status().state == FolderState::kError; }));
  EXPECT_NE(b.status().error.find("read-only"), std::string::npos) << b.status().error;
  ASSERT_TRUE(disk.remount("size=3m"));
  ASSERT_TRUE(run_until(io, [&] { return b.in_sync(); }));
  EXPECT_EQ(read_file(b.root() / "file"), "content");
}

}  // namespace
}  // namespace weft::model::test
