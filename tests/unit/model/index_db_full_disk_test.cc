// The index on a disk without space: a small tmpfs in a mount namespace of a child process. Needs
// root.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "bep/model/index_db.hh"
#include "tests/unit/model/temp_home.hh"

namespace weft::model {
namespace {

using proto::FileInfo;

std::vector<FileInfo> batch(int first) {
  std::vector<FileInfo> files(100);
  for (int i = 0; i < 100; ++i) {
    FileInfo& info = files[static_cast<std::size_t>(i)];
    info.name = "file" + std::to_string(first + i);
    info.version = *proto::VersionVector::from_counters({{1, 1}});
    info.size = 20 * (128 << 10);
    info.block_size = 128 << 10;
    info.blocks.assign(20, {0, 128 << 10, {}});
  }
  return files;
}

// What went wrong; 0 = nothing.
int fill_the_disk(const std::filesystem::path& directory) {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return 100;
  if (::mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=2m") != 0) return 100;
  auto opened = IndexDb::open(directory / "index.db");
  if (!opened) return 1;
  IndexDb& db = **opened;
  if (!db.ensure_folder("f")) return 2;
  int done = 0;
  base::Error refused{};
  for (bool good = true; good;) {
    const auto files = batch(done);
    const base::Status status = db.update_local("f", std::span<const FileInfo>(files));
    good = status.has_value();
    if (good) done += 100;
    else refused = status.error();
    if (done == 10'000) return 3;
  }
  if (refused.code != base::Errc::kNoSpace) return 4;
  // All of a batch or none of it, and the database still answers.
  if (db.counts("f").local.files != done) return 5;
  if (db.max_sequence_local("f") != done) return 6;
  if (!db.get_local("f", "file" + std::to_string(done - 1))) return 7;
  if (db.get_local("f", "file" + std::to_string(done))) return 8;
  if (!db.status()) return 9;
  // With space again, the same call goes through.
  if (::mount("tmpfs", directory.c_str(), "tmpfs", MS_REMOUNT, "size=8m") != 0) return 10;
  const auto files = batch(done);
  if (!db.update_local("f", std::span<const FileInfo>(files))) return 11;
  if (db.counts("f").local.files != done + 100) return 12;
  opened->reset();
  opened = IndexDb::open(directory / "index.db");
  if (!opened) return 13;
  return (*opened)->counts("f").local.files == done + 100 ? 0 : 14;
}

TEST(IndexDbFullDisk, RefusesWholeBatchesAndGoesOnWhenThereIsSpace) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for a small file system of its own";
  const TempHome home;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(fill_the_disk(home.path()));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 100) GTEST_SKIP() << "mounting is not allowed here";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "step of fill_the_disk()";
}

}  // namespace
}  // namespace weft::model
