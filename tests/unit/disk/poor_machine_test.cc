// Machines that lack something: no locked memory, few descriptors, a full disk, a read-only disk,
// O_DIRECT refused. Each case runs in a child process, which takes the thing away from itself
// alone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>

#include "agent_bench.hh"
#include "engine/disk/file_open.hh"
#include "temp_dir.hh"

namespace weft::disk {
namespace {

using test::AgentBench;

constexpr int kSkipped = 77;
constexpr uid_t kNobody = 65534;

// Runs `body` in a child; it returns kSkipped when the machine does not allow the case, else its
// failures count.
template <typename Body> int in_child(Body body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int result = body();
    std::fflush(nullptr);
    ::_exit(result == kSkipped ? kSkipped : (testing::Test::HasFailure() ? 1 : 0));
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool limit(decltype(RLIMIT_NOFILE) what, rlim_t value) {
  const rlimit both{value, value};
  return ::setrlimit(what, &both) == 0;
}

// Writes and reads back one slot.
void expect_works(AgentBench& bench, const OpenFile& file) {
  base::Prng random(5);
  const auto content = test::random_bytes(random, base::kSlotBytes);
  std::ranges::copy(content, bench.slot(0).begin());
  ASSERT_EQ(bench.install(1, file.fd.get(), file.direct), 0);
  ASSERT_EQ(bench.run(AgentBench::write(1, 0, 0, base::kSlotBytes)), int{base::kSlotBytes});
  ASSERT_EQ(bench.run(AgentBench::read(1, 1, 0, base::kSlotBytes)), int{base::kSlotBytes});
  EXPECT_TRUE(std::ranges::equal(bench.slot(1), content));
  EXPECT_EQ(bench.remove(1), 0);
}

// A mount namespace of our own with a tmpfs of `bytes` at `where`; false when that is not allowed
// here.
bool mount_small_disk(const std::string& where, const char* options) {
  const int flags = CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER);
  if (::unshare(flags) != 0) return false;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("weft", where.c_str(), "tmpfs", 0, options) == 0;
}

TEST(PoorMachine, WithoutLockedMemoryPlainReadsAndWritesDoTheWork) {
  const test::TempDir dir;
  const auto file = open_temp_for_write(dir.fd(), "f", base::kSlotBytes, TempFile::kFresh);
  ASSERT_TRUE(file);
  const int result = in_child([&] {
    // Enough for the ring, which newer kernels count too, and too little for 16 slots.
    if (!limit(RLIMIT_MEMLOCK, 1u << 20)) return kSkipped;
    if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) return kSkipped;
    AgentBench bench({.files = 4, .depth = 4});
    if (bench.agent().buffers_registered()) return kSkipped;  // the limit does not bind us
    EXPECT_NE(std::string(bench.agent().fallback_reason()).find("ulimit -l"), std::string::npos);
    expect_works(bench, *file);
    return 0;
  });
  if (result == kSkipped) GTEST_SKIP() << "the locked-memory limit does not apply here";
  EXPECT_EQ(result, 0);
}

TEST(PoorMachine, WithFewDescriptorsFilesAreNotRegistered) {
  const test::TempDir dir;
  const auto file = open_temp_for_write(dir.fd(), "f", base::kSlotBytes, TempFile::kFresh);
  ASSERT_TRUE(file);
  const int result = in_child([&] {
    if (!limit(RLIMIT_NOFILE, 64)) return kSkipped;
    AgentBench bench({.files = 1024, .depth = 4});
    if (bench.agent().files_registered()) return kSkipped;
    EXPECT_NE(std::string(bench.agent().fallback_reason()).find("files"), std::string::npos);
    expect_works(bench, *file);
    return 0;
  });
  if (result == kSkipped) GTEST_SKIP() << "the open-files limit does not bound the table here";
  EXPECT_EQ(result, 0);
}

TEST(PoorMachine, WhatIsSwitchedOffIsSaid) {
  const test::TempDir dir;
  const auto file = open_temp_for_write(dir.fd(), "f", base::kSlotBytes, TempFile::kFresh);
  ASSERT_TRUE(file);
  AgentBench bench({.files = 4, .depth = 4, .register_buffers = false, .register_files = false});
  EXPECT_FALSE(bench.agent().buffers_registered());
  EXPECT_FALSE(bench.agent().files_registered());
  EXPECT_STRNE(bench.agent().fallback_reason(), "");
  expect_works(bench, *file);
}

TEST(PoorMachine, AFullDiskIsSaidAtTheReservationAndAtTheWrite) {
  const test::TempDir dir;
  const int result = in_child([&] {
    const std::string where = dir.path("small");
    std::filesystem::create_directory(where);
    if (!mount_small_disk(where, "size=1m")) return kSkipped;
    const base::UniqueFd small(::open(where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto refused = open_temp_for_write(small.get(), "f", 4u << 20, TempFile::kFresh);
    EXPECT_FALSE(refused);
    if (!refused) {
      EXPECT_EQ(refused.error().code, base::Errc::kNoSpace);
    }
    EXPECT_FALSE(std::filesystem::exists(where + "/f"));

    const auto file = open_temp_for_write(small.get(), "f", 0, TempFile::kFresh);
    EXPECT_TRUE(file);
    AgentBench bench({.files = 4, .depth = 4});
    EXPECT_EQ(bench.install(0, file->fd.get(), file->direct), 0);
    int last = 0;
    for (std::uint64_t at = 0; at < (2u << 20) && last >= 0; at += base::kSlotBytes) {
      last = bench.run(AgentBench::write(0, 0, at, base::kSlotBytes));
      EXPECT_TRUE(last == -ENOSPC || last == int{base::kSlotBytes}) << last;
    }
    EXPECT_EQ(last, -ENOSPC);
    return 0;
  });
  if (result == kSkipped) GTEST_SKIP() << "no private mount namespace here";
  EXPECT_EQ(result, 0);
}

TEST(PoorMachine, AReadOnlyDiskIsSaidAtTheOpen) {
  const test::TempDir dir;
  const int result = in_child([&] {
    const std::string where = dir.path("fixed");
    std::filesystem::create_directory(where);
    if (!mount_small_disk(where, "size=1m")) return kSkipped;
    if (::mount("weft", where.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "") != 0) return kSkipped;
    const base::UniqueFd fixed(::open(where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto refused = open_temp_for_write(fixed.get(), "f", 10, TempFile::kFresh);
    EXPECT_FALSE(refused);
    if (!refused) {
      EXPECT_EQ(refused.error().code, base::Errc::kReadOnly);
    }
    return 0;
  });
  if (result == kSkipped) GTEST_SKIP() << "no private mount namespace here";
  EXPECT_EQ(result, 0);
}

// proc refuses O_DIRECT on every kernel; tmpfs does so only on older ones.
TEST(PoorMachine, WhereODirectIsRefusedTheFileIsBuffered) {
  const base::UniqueFd proc(::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!proc) GTEST_SKIP() << "no /proc here";
  const auto file = open_for_read(proc.get(), "status", {.direct_bytes_min = 0});
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->direct);
  AgentBench bench({.files = 4, .depth = 4});
  ASSERT_EQ(bench.install(0, file->fd.get(), file->direct), 0);
  EXPECT_GT(bench.run(AgentBench::read(0, 0, 0, base::kSlotBytes)), 0);
}

}  // namespace
}  // namespace weft::disk
