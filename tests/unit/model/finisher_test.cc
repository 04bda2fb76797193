// The last step: the disk takes what was fetched only when it still is as indexed, and never half of it.
#include "bep/model/finisher.hh"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "bep/model/beneath.hh"
#include "bep/model/hasher.hh"
#include "tests/unit/model/tree.hh"

namespace weft::model::test {
namespace {

namespace fs = std::filesystem;
using Outcome = FinishResult::Outcome;
using base::Errc;

class FinisherTest : public ::testing::Test {
 protected:
  static proto::FileInfo info(const std::string& name, proto::FileType type) {
    proto::FileInfo out;
    out.name = name;
    out.type = type;
    out.permissions = type == proto::FileType::kDirectory ? 0755 : 0640;
    out.modified_s = 1'500'000'000;
    out.modified_ns = 42;
    return out;
  }
  FinishItem file(const std::string& name, const std::string& content) {
    FinishItem item;
    item.target = info(name, proto::FileType::kFile);
    item.target.size = static_cast<std::int64_t>(content.size());
    // Longer than the file, as after padded writes.
    Directories directories(root_.get());
    item.temp = std::make_shared<TempFile>(
        std::move(*open_temp(directories, name, item.target.size, false, DirectIo::kNever)));
    const std::string padded = content + std::string(100, '\0');
    EXPECT_EQ(::pwrite(item.temp->fd.get(), padded.data(), padded.size(), 0), static_cast<ssize_t>(padded.size()));
    return item;
  }
  // The index entry of what stands there now.
  proto::FileInfo entry(const std::string& name) {
    const DiskState state = *state_of(root_.get(), name);
    proto::FileInfo out = info(name, state.kind == DiskKind::kDirectory ? proto::FileType::kDirectory
                                     : state.kind == DiskKind::kSymlink ? proto::FileType::kSymlink
                                                                        : proto::FileType::kFile);
    out.permissions = state.permissions;
    out.size = state.size;
    out.modified_s = state.modified_s;
    out.modified_ns = state.modified_ns;
    if (out.type == proto::FileType::kSymlink) out.symlink_target = *read_link(root_.get(), name);
    return out;
  }
  FinishResult apply(FinishItem item) {
    std::vector<FinishItem> items;
    items.push_back(std::move(item));
    return apply_batch({root_.get(), false, true}, items)[0];
  }
  FinishResult remove(const proto::FileInfo& local) {
    FinishItem item;
    item.local = local;
    item.target = local;
    item.target.deleted = true;
    return apply(std::move(item));
  }

  TempDir dir_;
  base::UniqueFd root_ = std::move(*open_root(dir_.path().string()));
};

TEST_F(FinisherTest, NewFileGetsSizeModeAndTime) {
  const FinishResult result = apply(file("x", "content"));
  EXPECT_EQ(result.outcome, Outcome::kApplied);
  EXPECT_EQ(read_file(dir_.path() / "x"), "content");
  const DiskState state = *state_of(root_.get(), "x");
  EXPECT_EQ(state.permissions, 0640u);
  EXPECT_EQ(state.modified_s, 1'500'000'000);
  EXPECT_EQ(state.modified_ns, 42);
  EXPECT_FALSE(fs::exists(dir_.path() / ".syncthing.x.tmp"));
}

TEST_F(FinisherTest, WhatNobodyIndexedStays) {
  write_file(dir_.path() / "x", "mine");
  EXPECT_EQ(apply(file("x", "theirs")).outcome, Outcome::kChanged);
  EXPECT_EQ(read_file(dir_.path() / "x"), "mine");
  EXPECT_TRUE(fs::exists(dir_.path() / ".syncthing.x.tmp"));
}

TEST_F(FinisherTest, WhatChangedSinceStays) {
  write_file(dir_.path() / "x", "one");
  const proto::FileInfo local = entry("x");
  write_file(dir_.path() / "x", "two!");
  FinishItem item = file("x", "theirs");
  item.local = local;
  EXPECT_EQ(apply(std::move(item)).outcome, Outcome::kChanged);
  EXPECT_EQ(remove(local).outcome, Outcome::kChanged);
  EXPECT_EQ(read_file(dir_.path() / "x"), "two!");
}

TEST_F(FinisherTest, ConflictCopyIsMadeAndNeverOverAnother) {
  write_file(dir_.path() / "x", "mine");
  const auto item = [&] {
    FinishItem out = file("x", "theirs");
    out.local = entry("x");
    out.conflict_name = "copy";
    return out;
  };
  const FinishResult result = apply(item());
  EXPECT_EQ(result.outcome, Outcome::kApplied);
  EXPECT_TRUE(result.kept_copy);
  EXPECT_EQ(read_file(dir_.path() / "copy"), "mine");
  EXPECT_EQ(read_file(dir_.path() / "x"), "theirs");
  EXPECT_EQ(apply(item()).outcome, Outcome::kFailed);
  EXPECT_EQ(read_file(dir_.path() / "copy"), "mine");
}

TEST_F(FinisherTest, FailedRenameLeavesTheNameAndNoCopy) {
  write_file(dir_.path() / "x", "mine");
  FinishItem item = file("x", "theirs");
  item.local = entry("x");
  item.conflict_name = "copy";
  fs::remove(dir_.path() / ".syncthing.x.tmp");
  EXPECT_EQ(apply(std::move(item)).outcome, Outcome::kFailed);
  EXPECT_EQ(read_file(dir_.path() / "x"), "mine");
  EXPECT_FALSE(fs::exists(dir_.path() / "copy"));
  write_file(dir_.path() / "d/inside", "x");
  FinishItem link;
  link.target = info("d", proto::FileType::kSymlink);
  link.target.symlink_target = "anywhere";
  link.local = entry("d");
  EXPECT_EQ(apply(std::move(link)).outcome, Outcome::kFailed);
  EXPECT_FALSE(fs::is_symlink(dir_.path() / ".syncthing.d.tmp"));
}

TEST_F(FinisherTest, KindsTakeEachOthersPlace) {
  write_file(dir_.path() / "x", "file");
  FinishItem directory;
  directory.target = info("x", proto::FileType::kDirectory);
  directory.local = entry("x");
  EXPECT_EQ(apply(std::move(directory)).outcome, Outcome::kApplied);
  EXPECT_TRUE(fs::is_directory(dir_.path() / "x"));
  FinishItem link;
  link.target = info("x", proto::FileType::kSymlink);
  link.target.symlink_target = "anywhere";
  link.local = entry("x");
  EXPECT_EQ(apply(std::move(link)).outcome, Outcome::kApplied);
  EXPECT_EQ(fs::read_symlink(dir_.path() / "x"), "anywhere");
  FinishItem back = file("x", "a file again");
  back.local = entry("x");
  EXPECT_EQ(apply(std::move(back)).outcome, Outcome::kApplied);
  EXPECT_EQ(read_file(dir_.path() / "x"), "a file again");
}

TEST_F(FinisherTest, DirectoryWithUnknownContentStays) {
  write_file(dir_.path() / "d/unknown", "x");
  EXPECT_EQ(remove(entry("d")).outcome, Outcome::kFailed);
  EXPECT_TRUE(fs::exists(dir_.path() / "d/unknown"));
  fs::remove(dir_.path() / "d/unknown");
  write_file(dir_.path() / "d/.syncthing.half.tmp", "x");
  EXPECT_EQ(remove(entry("d")).outcome, Outcome::kApplied);
  EXPECT_FALSE(fs::exists(dir_.path() / "d"));
}

TEST_F(FinisherTest, DeletedTwiceIsFine) {
  write_file(dir_.path() / "d/x", "x");
  proto::FileInfo local = entry("d/x");
  EXPECT_EQ(remove(local).outcome, Outcome::kApplied);
  EXPECT_EQ(remove(local).outcome, Outcome::kApplied);
  fs::remove_all(dir_.path() / "d");
  EXPECT_EQ(remove(local).outcome, Outcome::kApplied);
}

TEST_F(FinisherTest, NeverThroughASymlink) {
  TempDir other;
  write_file(other.path() / "x", "precious");
  write_file(dir_.path() / "d/x", "x");
  const proto::FileInfo local = entry("d/x");
  fs::remove_all(dir_.path() / "d");
  fs::create_symlink(other.path(), dir_.path() / "d");
  (void)remove(local);
  EXPECT_EQ(read_file(other.path() / "x"), "precious");
}

TEST_F(FinisherTest, MissingParentsAreMadeAndNeverThroughASymlink) {
  FinishItem item = file("d/e/x", "content");
  EXPECT_TRUE(item.temp->made_parents);
  EXPECT_EQ(apply(std::move(item)).outcome, Outcome::kApplied);
  EXPECT_EQ(read_file(dir_.path() / "d/e/x"), "content");
  FinishItem link;
  link.target = info("f/g/link", proto::FileType::kSymlink);
  link.target.symlink_target = "anywhere";
  const FinishResult made = apply(std::move(link));
  EXPECT_EQ(made.outcome, Outcome::kApplied);
  EXPECT_TRUE(made.made_parents);
  TempDir other;
  fs::create_symlink(other.path(), dir_.path() / "s");
  write_file(dir_.path() / "plain", "x");
  Directories directories(root_.get());
  for (const char* name : {"s/sub/x", "plain/sub/x"})
    EXPECT_EQ(open_temp(directories, name, 1, false, DirectIo::kNever).error().code, Errc::kNotFound);
  EXPECT_TRUE(fs::is_empty(other.path()));
  fs::remove_all(dir_.path() / "d");
  FinishItem gone;
  gone.target = info("d/e/x", proto::FileType::kFile);
  gone.target.deleted = true;
  EXPECT_EQ(apply(std::move(gone)).outcome, Outcome::kApplied);
  EXPECT_FALSE(fs::exists(dir_.path() / "d"));
}

TEST_F(FinisherTest, OneBatchManyOutcomes) {
  write_file(dir_.path() / "b", "unknown");
  std::vector<FinishItem> items;
  items.push_back(file("a", "1"));
  items.push_back(file("b", "2"));
  items.push_back(file("c", "3"));
  const std::vector<FinishResult> results = apply_batch({root_.get(), false, true}, items);
  EXPECT_EQ(results[0].outcome, Outcome::kApplied);
  EXPECT_EQ(results[1].outcome, Outcome::kChanged);
  EXPECT_EQ(results[2].outcome, Outcome::kApplied);
  EXPECT_EQ(read_file(dir_.path() / "c"), "3");
}

}  // namespace
}  // namespace weft::model::test
