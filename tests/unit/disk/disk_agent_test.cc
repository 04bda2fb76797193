#include "engine/disk/disk_agent.hh"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "agent_bench.hh"
#include "engine/disk/file_open.hh"
#include "engine/share/memory_file.hh"
#include "temp_dir.hh"

namespace weft::disk {
namespace {

using test::AgentBench;

struct Pipe {
  base::UniqueFd read, write;
  explicit Pipe(int flags) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), flags | O_CLOEXEC), 0);
    read = base::UniqueFd(ends[0]);
    write = base::UniqueFd(ends[1]);
  }
  void put(std::size_t count) const {
    const std::vector<char> bytes(count, 'x');
    ASSERT_EQ(::write(write.get(), bytes.data(), count), static_cast<ssize_t>(count));
  }
  void take(std::size_t count) const {
    std::vector<char> bytes(count);
    ASSERT_EQ(::read(read.get(), bytes.data(), count), static_cast<ssize_t>(count));
  }
};

TEST(DiskAgent, RefusesLimitsOutsideItsBounds) {
  auto buffers = SlotBuffers::allocate(1);
  ASSERT_TRUE(buffers);
  std::array<share::DiskJob, 2> job_slots;
  std::array<share::DiskDone, 2> done_slots;
  share::SpscRing<share::DiskJob> jobs(job_slots);
  share::SpscRing<share::DiskDone> dones(done_slots);
  for (const DiskLimits& limits :
       {DiskLimits{.files = 0}, DiskLimits{.files = kFilesMax + 1}, DiskLimits{.depth = 0},
        DiskLimits{.depth = kDepthMax + 1}}) {
    const auto agent = DiskAgent::start(limits, *buffers, jobs, dones);
    ASSERT_FALSE(agent);
    EXPECT_EQ(agent.error().code, base::Errc::kInvalidArgument);
  }
}

TEST(DiskAgent, AnIdlePollDoesNothing) {
  AgentBench bench({.files = 4, .depth = 4});
  EXPECT_EQ(bench.poll(), 0u);
  EXPECT_EQ(bench.agent().in_flight(), 0u);
}

TEST(DiskAgent, ReadsUpToTheEndOfTheFile) {
  const test::TempDir dir;
  base::Prng random(1);
  const auto content = test::random_bytes(random, 10'000);
  dir.write("f", content);
  for (const bool want_direct : {false, true}) {
    SCOPED_TRACE(want_direct ? "direct" : "buffered");
    auto file = open_for_read(dir.fd(), "f", {.direct_bytes_min = want_direct ? 1 : kNeverDirect,
                                              .direct_when_cached = true});
    ASSERT_TRUE(file);
    if (want_direct && !file->direct) GTEST_SKIP() << "this file system refuses O_DIRECT";
    AgentBench bench({.files = 4, .depth = 4});
    ASSERT_EQ(bench.install(2, file->fd.get(), file->direct), 0);
    EXPECT_EQ(bench.run(AgentBench::read(2, 0, 0, base::kSlotBytes)), 10'000);
    EXPECT_TRUE(std::equal(content.begin(), content.end(), bench.slot(0).begin()));
    EXPECT_EQ(bench.run(AgentBench::read(2, 1, 8192, 1000)), 1000) << "cut back to what was asked";
    EXPECT_TRUE(std::equal(content.begin() + 8192, content.begin() + 9192, bench.slot(1).begin()));
    EXPECT_EQ(bench.run(AgentBench::read(2, 1, 8192, 5000)), 1808) << "short, then nothing more";
    EXPECT_EQ(bench.run(AgentBench::read(2, 1, 12'288, 100)), 0);
    EXPECT_EQ(bench.remove(2), 0);
  }
}

TEST(DiskAgent, AFileNotInstalledIsAnErrorNotACrash) {
  AgentBench bench({.files = 4, .depth = 4});
  EXPECT_EQ(bench.run(AgentBench::read(1, 0, 0, 4096)), -EBADF);
  EXPECT_EQ(bench.run(AgentBench::write(1, 0, 0, 4096)), -EBADF);
  EXPECT_EQ(bench.remove(1), -EBADF);
  EXPECT_EQ(bench.run(AgentBench::read(4, 0, 0, 4096)), -EINVAL) << "beyond the table";
  EXPECT_EQ(bench.install(4, 0), -EINVAL);
  EXPECT_EQ(bench.remove(UINT32_MAX), -EINVAL);
  EXPECT_EQ(bench.install(1, -1), -EBADF);
  EXPECT_EQ(bench.install(1, 1'000'000), -EBADF) << "not an open descriptor";
  EXPECT_EQ(bench.agent().counters().refused, 8u);
}

TEST(DiskAgent, FilesThatAreNowhere) {
  const test::TempDir dir;
  dir.write("f", std::vector<std::byte>(8192, std::byte{7}));
  auto file = open_for_read(dir.fd(), "f", {.direct_bytes_min = kNeverDirect});
  ASSERT_TRUE(file);
  AgentBench bench({.files = 4, .depth = 4});
  ASSERT_EQ(bench.install(0, share::kMemoryFd), 0);
  ASSERT_EQ(bench.install(1, share::kNowhereFd), 0);
  ASSERT_EQ(bench.install(2, file->fd.get()), 0);
  EXPECT_EQ(bench.install(0, share::kMemoryFd), -EBUSY);
  std::vector<std::byte> pattern(base::kSlotBytes);
  const auto reads = [&](std::uint64_t offset, std::uint32_t length) {
    share::fill_pattern(pattern, offset);
    const bool whole = bench.run(AgentBench::read(0, 3, offset, length)) == static_cast<std::int32_t>(length);
    return whole && std::equal(pattern.begin(), pattern.begin() + length, bench.slot(3).begin());
  };
  EXPECT_TRUE(reads(std::uint64_t{9} * base::kSlotBytes, base::kSlotBytes));
  EXPECT_EQ(bench.run(AgentBench::read(2, 3, 0, 8192)), 8192) << "another file's bytes in that slot";
  EXPECT_TRUE(reads(0, base::kSlotBytes)) << "are not taken for the pattern";
  EXPECT_TRUE(reads(4096, 10'000));
  EXPECT_TRUE(reads(0, base::kSlotBytes));
  EXPECT_EQ(bench.run(AgentBench::read(0, 3, 4, 8)), -EINVAL);
  EXPECT_EQ(bench.run(AgentBench::write(1, 3, 1 << 20, base::kSlotBytes)), static_cast<int>(base::kSlotBytes));
  for (const std::uint32_t number : {0u, 1u, 2u}) EXPECT_EQ(bench.remove(number), 0);
  EXPECT_EQ(bench.run(AgentBench::read(0, 3, 0, 8)), -EBADF);
}

TEST(DiskAgent, RefusesLengthsAndOffsetsThatNoFileTakes) {
  const test::TempDir dir;
  dir.write("f", {});
  auto file = open_temp_for_write(dir.fd(), "f", 0, TempFile::kReuse);
  ASSERT_TRUE(file);
  AgentBench bench({.files = 2, .depth = 4});
  ASSERT_EQ(bench.install(0, file->fd.get()), 0);
  ASSERT_EQ(bench.install(1, file->fd.get(), true), 0);
  EXPECT_EQ(bench.install(0, file->fd.get()), -EBUSY);
  EXPECT_EQ(bench.run(AgentBench::read(0, 0, 0, 0)), -EINVAL);
  EXPECT_EQ(bench.run(AgentBench::write(0, 0, 0, base::kSlotBytes + 1)), -EINVAL);
  EXPECT_EQ(bench.run(AgentBench::read(0, 0, UINT64_MAX, 1)), -EINVAL);
  EXPECT_EQ(bench.run(AgentBench::read(0, 0, INT64_MAX, 4096)), -EINVAL);
  EXPECT_EQ(bench.run(AgentBench::read(1, 0, 100, 4096)), -EINVAL) << "off the alignment";
}

TEST(DiskAgentDeathTest, ASlotBeyondTheBuffersIsOurBug) {
  EXPECT_DEATH(
      {
        AgentBench bench({.files = 2, .depth = 4});
        bench.run(AgentBench::read(0, 16, 0, 4096));
      },
      "MUST");
}

TEST(DiskAgent, ShortReadsAreContinued) {
  const Pipe pipe(0);
  AgentBench bench({.files = 2, .depth = 4});
  ASSERT_EQ(bench.install(0, pipe.read.get()), 0);
  pipe.put(100);
  const auto cookie = bench.submit(AgentBench::read(0, 0, 0, 300));
  for (int i = 0; i < 20; ++i) bench.poll();
  EXPECT_EQ(bench.collect(), 0u) << "100 of 300 bytes are not an answer";
  pipe.put(200);
  EXPECT_EQ(bench.wait(cookie), 300);
  EXPECT_GE(bench.agent().counters().continued, 1u);
}

TEST(DiskAgent, ShortWritesAreContinued) {
  const Pipe pipe(O_NONBLOCK);
  ASSERT_EQ(::fcntl(pipe.write.get(), F_SETPIPE_SZ, 4096), 4096);
  AgentBench bench({.files = 2, .depth = 4});
  ASSERT_EQ(bench.install(0, pipe.write.get()), 0);
  const auto cookie = bench.submit(AgentBench::write(0, 0, 0, 10'000));
  for (int i = 0; i < 3; ++i) bench.poll();
  pipe.take(4096);
  for (int i = 0; i < 3; ++i) bench.poll();
  pipe.take(4096);
  EXPECT_EQ(bench.wait(cookie), 10'000);
  EXPECT_GE(bench.agent().counters().continued, 2u);
  pipe.take(10'000 - 8192);
}

// The memory of a process that has ended takes every write and moves no byte: the one descriptor
// that makes no progress and reports no error.
base::UniqueFd memory_of_the_dead() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const std::string path = "/proc/" + std::to_string(child) + "/mem";
  base::UniqueFd memory(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return memory;
}

TEST(DiskAgent, WritesWithoutProgressEndAsEio) {
  const base::UniqueFd memory = memory_of_the_dead();
  if (!memory) GTEST_SKIP() << "/proc/PID/mem of a child cannot be opened here";
  AgentBench bench({.files = 2, .depth = 4});
  ASSERT_EQ(bench.install(0, memory.get()), 0);
  EXPECT_EQ(bench.run(AgentBench::write(0, 0, 0, 4096)), -EIO);
  EXPECT_EQ(bench.agent().counters().retried, kRetriesMax - 1u);
}

TEST(DiskAgent, ErrorsOfTheKernelComeBackAsTheyAre) {
  const base::UniqueFd full(::open("/dev/full", O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(full);
  const base::UniqueFd read_only(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(read_only);
  AgentBench bench({.files = 2, .depth = 4});
  ASSERT_EQ(bench.install(0, full.get()), 0);
  ASSERT_EQ(bench.install(1, read_only.get()), 0);
  EXPECT_EQ(bench.run(AgentBench::write(0, 0, 0, 4096)), -ENOSPC);
  EXPECT_EQ(bench.run(AgentBench::write(1, 0, 0, 4096)), -EBADF);
  EXPECT_EQ(bench.agent().counters().failed, 2u);
}

TEST(DiskAgent, RemoveWaitsForOutstandingReads) {
  const Pipe pipe(0);
  AgentBench bench({.files = 2, .depth = 4});
  ASSERT_EQ(bench.install(0, pipe.read.get()), 0);
  const auto read = bench.submit(AgentBench::read(0, 0, 0, 100));
  const auto removal = bench.submit({.kind = test::Kind::kRemove, .file = 0});
  const auto late = bench.submit(AgentBench::read(0, 1, 0, 100));
  EXPECT_EQ(bench.wait(late), -EBADF) << "asked for behind the removal";
  EXPECT_FALSE(bench.answered(read));
  EXPECT_FALSE(bench.answered(removal));
  EXPECT_EQ(bench.install(0, pipe.read.get()), -EBUSY) << "the number is not free yet";
  pipe.put(100);
  EXPECT_EQ(bench.wait(read), 100);
  EXPECT_EQ(bench.wait(removal), 0);
  EXPECT_EQ(bench.install(0, pipe.read.get()), 0) << "free again";
}

TEST(DiskAgent, TakesNoMoreThanItsDepth) {
  const Pipe pipe(0);
  AgentBench bench({.files = 2, .depth = 2});
  ASSERT_EQ(bench.install(0, pipe.read.get()), 0);
  std::vector<std::uint64_t> cookies;
  for (std::uint16_t i = 0; i < 10; ++i) {
    cookies.push_back(bench.submit(AgentBench::read(0, i, 0, 100)));
  }
  for (int i = 0; i < 5; ++i) bench.poll();
  EXPECT_EQ(bench.agent().in_flight(), 2u);
  pipe.put(1000);
  for (const auto cookie : cookies) EXPECT_EQ(bench.wait(cookie), 100);
  EXPECT_EQ(bench.agent().in_flight(), 0u);
}

TEST(DiskAgent, ADepthOfOneIsEnoughForInstallWriteReadRemove) {
  const test::TempDir dir;
  auto file = open_temp_for_write(dir.fd(), "f", 5000, TempFile::kFresh);
  ASSERT_TRUE(file);
  AgentBench bench({.files = 1, .depth = 1}, 8, 1);
  const auto first = bench.submit({.kind = test::Kind::kInstall, .file = 0, .fd = file->fd.get()});
  const auto write = bench.submit(AgentBench::write(0, 0, 0, 5000));
  const auto read = bench.submit(AgentBench::read(0, 1, 0, 5000));
  const auto last = bench.submit({.kind = test::Kind::kRemove, .file = 0});
  EXPECT_EQ(bench.wait(last), 0);
  EXPECT_EQ(bench.wait(first), 0);
  EXPECT_EQ(bench.wait(write), 5000);
  EXPECT_EQ(bench.wait(read), 5000);
}

TEST(DiskAgent, AFullRingOfAnswersLosesNone) {
  const test::TempDir dir;
  base::Prng random(2);
  dir.write("f", test::random_bytes(random, 4096));
  auto file = open_for_read(dir.fd(), "f");
  ASSERT_TRUE(file);
  AgentBench bench({.files = 2, .depth = 8}, 64, 2);
  ASSERT_EQ(bench.install(0, file->fd.get()), 0);
  std::vector<std::uint64_t> cookies;
  for (std::uint16_t i = 0; i < 16; ++i) {
    cookies.push_back(bench.submit(AgentBench::read(0, i, 0, 4096)));
  }
  // With nobody collecting, the agent fills the ring of two, keeps eight, and takes nothing more.
  while (bench.agent().counters().reads < 10) bench.poll();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bench.poll(), 0u);
  EXPECT_EQ(bench.agent().in_flight(), 8u);
  EXPECT_EQ(bench.agent().counters().reads, 10u);
  EXPECT_GE(bench.agent().counters().dones_held, 8u);
  for (const auto cookie : cookies) EXPECT_EQ(bench.wait(cookie), 4096);
  EXPECT_EQ(bench.agent().in_flight(), 0u);
}

// As in the engine: control starts and destroys it, a data thread polls it.
TEST(DiskAgent, StartsOnOneThreadAndRunsOnAnother) {
  const test::TempDir dir;
  auto file = open_temp_for_write(dir.fd(), "f", base::kSlotBytes, TempFile::kFresh);
  ASSERT_TRUE(file);
  AgentBench bench({.files = 2, .depth = 4});
  std::thread data([&] {
    EXPECT_EQ(bench.install(0, file->fd.get(), file->direct), 0);
    EXPECT_EQ(bench.run(AgentBench::write(0, 0, 0, base::kSlotBytes)), int{base::kSlotBytes});
    EXPECT_EQ(bench.remove(0), 0);
  });
  data.join();
  EXPECT_EQ(bench.agent().in_flight(), 0u);
}

TEST(DiskAgent, MayGoWithReadsUnderWay) {
  const Pipe pipe(0);
  {
    AgentBench bench({.files = 2, .depth = 4});
    ASSERT_EQ(bench.install(0, pipe.read.get()), 0);
    bench.submit(AgentBench::read(0, 0, 0, 100));
    for (int i = 0; i < 3; ++i) bench.poll();
    EXPECT_EQ(bench.agent().in_flight(), 1u);
  }
  AgentBench next({.files = 2, .depth = 4});
  EXPECT_EQ(next.install(0, pipe.read.get()), 0);
}

TEST(DiskAgent, OneTurnChangesTheFileTableABoundedNumberOfTimes) {
  AgentBench bench({.files = 64, .depth = 64});
  std::vector<std::uint64_t> cookies;
  for (std::uint32_t i = 0; i < 64; ++i) {
    cookies.push_back(bench.submit({.kind = test::Kind::kInstall, .file = i, .fd = 0}));
  }
  EXPECT_EQ(bench.poll(), kTableChangesPerPoll);
  for (const auto cookie : cookies) EXPECT_EQ(bench.wait(cookie), 0);
}

TEST(DiskAgent, OneTurnStartsABoundedNumberOfTransfers) {
  const Pipe pipe(0);
  pipe.put(1600);  // all sixteen could be answered at once
  AgentBench bench({.files = 2, .depth = 64});
  ASSERT_EQ(bench.install(0, pipe.read.get()), 0);
  std::vector<std::uint64_t> cookies;
  for (std::uint16_t i = 0; i < 16; ++i) {
    cookies.push_back(bench.submit(AgentBench::read(0, i, 0, 100)));
  }
  EXPECT_GE(bench.poll(), 16 + kTransfersPerPoll);
  EXPECT_LE(bench.agent().counters().reads, kTransfersPerPoll);
  EXPECT_GE(bench.poll(), kTransfersPerPoll) << "the rest counts as work";
  for (const auto cookie : cookies) EXPECT_EQ(bench.wait(cookie), 100);
}

}  // namespace
}  // namespace weft::disk
