#include "engine/disk/file_open.hh"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>

#include "agent_bench.hh"
#include "engine/base/limits.hh"
#include "temp_dir.hh"

namespace weft::disk {
namespace {

namespace fs = std::filesystem;
using base::Errc;

// Every case both ways: by openat2 and by the walk that stands in for it.
class FileOpen : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    fs::create_directories(folder_.path("folder/sub/deep"));
    fs::create_directories(folder_.path("outside"));
    base::Prng random(3);
    content_ = test::random_bytes(random, 6000);
    folder_.write("folder/plain", content_);
    folder_.write("folder/sub/deep/inner", content_);
    folder_.write("outside/secret", content_);
    const std::string folder = folder_.path("folder");
    fd_ = base::UniqueFd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(fd_);
  }
  [[nodiscard]] OpenPolicy policy() const { return {.use_openat2 = GetParam()}; }
  [[nodiscard]] auto read(std::string_view name) const {
    return open_for_read(fd_.get(), name, policy());
  }
  [[nodiscard]] auto temp(std::string_view name, std::uint64_t size, TempFile use) const {
    return open_temp_for_write(fd_.get(), name, size, use, policy());
  }
  [[nodiscard]] std::string in_folder(const std::string& name) const {
    return folder_.path("folder/" + name);
  }

  test::TempDir folder_;
  std::vector<std::byte> content_;
  base::UniqueFd fd_;
};

TEST_P(FileOpen, ReadsRegularFilesAtAnyDepth) {
  for (const char* name : {"plain", "sub/deep/inner"}) {
    ASSERT_EQ(::chmod(in_folder(name).c_str(), 0640), 0);
    const std::array<timespec, 2> times = {timespec{1, 2}, timespec{1'700'000'000, 123'456'789}};
    ASSERT_EQ(::utimensat(AT_FDCWD, in_folder(name).c_str(), times.data(), 0), 0);
    const auto file = read(name);
    ASSERT_TRUE(file) << name;
    EXPECT_EQ(file->size, content_.size());
    EXPECT_EQ(file->mode, 0640u);
    EXPECT_EQ(file->mtime_s, 1'700'000'000);
    EXPECT_EQ(file->mtime_ns, 123'456'789);
    EXPECT_FALSE(file->direct) << "too small for it to be worth it";
    std::vector<std::byte> got(content_.size());
    ASSERT_EQ(::pread(file->fd.get(), got.data(), got.size(), 0), static_cast<ssize_t>(got.size()));
    EXPECT_EQ(got, content_);
    EXPECT_EQ(::fcntl(file->fd.get(), F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_RDONLY);
    EXPECT_NE(::fcntl(file->fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_P(FileOpen, RefusesNamesThatAreNotPlainAndRelative) {
  const std::string with_nul("plain\0x", 7);
  const std::string too_long(kNameBytesMax + 1, 'a');
  for (const std::string_view name :
       {std::string_view(""), std::string_view("/etc/passwd"), std::string_view(".."),
        std::string_view("../outside/secret"), std::string_view("sub/../plain"),
        std::string_view("./plain"), std::string_view("sub//deep"), std::string_view("sub/"),
        std::string_view("sub/deep/."), std::string_view(with_nul), std::string_view(too_long)}) {
    const auto file = read(name);
    ASSERT_FALSE(file) << name;
    EXPECT_EQ(file.error().code, Errc::kInvalidArgument) << name;
    const auto made = temp(name, 0, TempFile::kReuse);
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code, Errc::kInvalidArgument) << name;
  }
  const auto long_component = read(std::string(300, 'a'));
  ASSERT_FALSE(long_component);
  EXPECT_EQ(long_component.error().sys_errno, ENAMETOOLONG);
}

TEST_P(FileOpen, NeverFollowsASymbolicLink) {
  fs::create_symlink("../outside/secret", in_folder("leaf"));
  fs::create_symlink("plain", in_folder("inside"));
  fs::create_directory_symlink("../outside", in_folder("door"));
  fs::create_directory_symlink("/", in_folder("root"));
  for (const char* name : {"leaf", "inside", "door/secret", "root/etc/passwd"}) {
    const auto file = read(name);
    ASSERT_FALSE(file) << name;
    EXPECT_EQ(file.error().code, Errc::kPermission) << name;
    EXPECT_EQ(file.error().sys_errno, ELOOP) << name;
  }
  for (const char* name : {"leaf", "door/new"}) {
    for (const TempFile use : {TempFile::kFresh, TempFile::kReuse}) {
      EXPECT_FALSE(temp(name, 10, use)) << name;
    }
  }
  EXPECT_FALSE(fs::exists(folder_.path("outside/new")));
  EXPECT_EQ(folder_.read("outside/secret"), content_);
}

TEST_P(FileOpen, OnlyRegularFiles) {
  ASSERT_EQ(::mkfifo(in_folder("fifo").c_str(), 0600), 0);
  for (const char* name : {"fifo", "sub"}) {
    const auto file = read(name);  // a FIFO without a writer would hang here for ever
    ASSERT_FALSE(file) << name;
    EXPECT_EQ(file.error().code, Errc::kUnsupported) << name;
    const auto made = temp(name, 10, TempFile::kReuse);
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code, Errc::kUnsupported) << name;
  }
}

TEST_P(FileOpen, SaysWhatIsMissing) {
  for (const char* name : {"absent", "absent/plain", "plain/below"}) {
    const auto file = read(name);
    ASSERT_FALSE(file) << name;
    EXPECT_EQ(file.error().code, Errc::kNotFound) << name;
  }
}

TEST_P(FileOpen, AParentIsTheDirectoryOfTheLastComponent) {
  const std::string name = "sub/deep/inner";
  const auto nested = open_parent(fd_.get(), name, policy());
  ASSERT_TRUE(nested);
  EXPECT_EQ(nested->leaf, "inner");
  EXPECT_EQ(::faccessat(nested->fd(), "inner", F_OK, 0), 0);
  const auto top = open_parent(fd_.get(), "plain", policy());
  ASSERT_TRUE(top);
  EXPECT_EQ(top->fd(), fd_.get());
  EXPECT_FALSE(top->owned);
}

TEST_P(FileOpen, AFreshTempFileIsPrivateAndHasItsRoom) {
  const auto file = temp("sub/.new.tmp", 10'000, TempFile::kFresh);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->mode, 0600u);
  struct stat found {};
  ASSERT_EQ(::stat(in_folder("sub/.new.tmp").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777u, 0600u);
  EXPECT_TRUE(file->size == 3 * base::kDirectAlignment || file->size == 0) << file->size;
  EXPECT_EQ(::pwrite(file->fd.get(), "x", 1, 0), 1);
  const auto again = temp("sub/.new.tmp", 10'000, TempFile::kFresh);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kExists);
  EXPECT_TRUE(fs::exists(in_folder("sub/.new.tmp"))) << "not ours to delete";
}

TEST_P(FileOpen, AReusedTempFileKeepsItsContentAndBecomesPrivate) {
  const auto file = temp("plain", content_.size(), TempFile::kReuse);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->mode, 0600u);
  std::vector<std::byte> got(content_.size());
  ASSERT_EQ(::pread(file->fd.get(), got.data(), got.size(), 0), static_cast<ssize_t>(got.size()));
  EXPECT_EQ(got, content_);
  EXPECT_TRUE(temp("created", 1, TempFile::kReuse)) << "created where there is none";
}

TEST_P(FileOpen, ATempFileWithAnotherNameIsRefused) {
  fs::create_hard_link(folder_.path("outside/secret"), in_folder("linked"));
  const auto file = temp("linked", 10'000, TempFile::kReuse);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::kPermission);
  EXPECT_EQ(folder_.read("outside/secret"), content_);
}

TEST_P(FileOpen, AFailedReservationLeavesNothing) {
  const std::uint64_t beyond = std::uint64_t{1} << 62;  // more than any file system takes
  const auto fresh = temp("fresh", beyond, TempFile::kFresh);
  ASSERT_FALSE(fresh);
  EXPECT_FALSE(fs::exists(in_folder("fresh")));
  ASSERT_FALSE(temp("plain", beyond, TempFile::kReuse));
  EXPECT_EQ(folder_.read("folder/plain"), content_);
  const auto absurd = temp("fresh", UINT64_MAX, TempFile::kFresh);
  ASSERT_FALSE(absurd);
  EXPECT_EQ(absurd.error().code, Errc::kInvalidArgument);
}

TEST_P(FileOpen, DirectOnlyFromTheThresholdOn) {
  OpenPolicy wants = policy();
  wants.direct_bytes_min = content_.size();
  wants.direct_when_cached = true;
  auto file = open_for_read(fd_.get(), "plain", wants);
  ASSERT_TRUE(file);
  // Whether it is direct is the file system's choice; what we say must be what the descriptor is.
  EXPECT_EQ(file->direct, (::fcntl(file->fd.get(), F_GETFL) & O_DIRECT) != 0);
  ASSERT_TRUE(make_buffered(*file));
  EXPECT_FALSE(file->direct);
  EXPECT_EQ(::fcntl(file->fd.get(), F_GETFL) & (O_DIRECT | O_NONBLOCK), 0);
  ASSERT_TRUE(make_buffered(*file)) << "a second time does nothing";

  wants.direct_bytes_min = content_.size() + 1;
  const auto smaller = open_for_read(fd_.get(), "plain", wants);
  ASSERT_TRUE(smaller);
  EXPECT_FALSE(smaller->direct);
}

TEST_P(FileOpen, WhatThePageCacheHoldsIsReadThroughIt) {
  // The file was written a moment ago.
  const base::UniqueFd plain(::openat(fd_.get(), "plain", O_RDONLY | O_CLOEXEC));
  std::byte byte{};
  const iovec into{&byte, 1};
  if (::preadv2(plain.get(), &into, 1, 0, RWF_NOWAIT) != 1) {
    GTEST_SKIP() << "this file system does not say what is cached";
  }
  OpenPolicy wants = policy();
  wants.direct_bytes_min = 1;
  const auto file = open_for_read(fd_.get(), "plain", wants);
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->direct);
}

INSTANTIATE_TEST_SUITE_P(Ways, FileOpen, testing::Bool(),
                         [](const auto& way) { return way.param ? "openat2" : "walk"; });

}  // namespace
}  // namespace weft::disk
