// What one disk agent moves: 128 KiB jobs at a fixed depth, direct or through the page cache,
// registered or plain.
// The file lies in the working directory: run it on the disk in question. Buffered reads find their
// file in the page cache; buffered writes are measured without the write-back that follows. Bytes
// per second is the column to read.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "engine/disk/disk_agent.hh"
#include "engine/disk/file_open.hh"

namespace weft::disk {
namespace {

constexpr std::uint64_t kFileBytes = std::uint64_t{512} << 20;
constexpr std::uint32_t kRingItems = 64;

// An unlinked file of kFileBytes, written once so that reads meet data and not holes.
base::Result<OpenFile> make_file(bool direct) {
  std::string name = ".disk_bench." + std::to_string(::getpid());
  const base::UniqueFd here(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto file = open_temp_for_write(here.get(), name, kFileBytes, TempFile::kFresh,
                                  {.direct_bytes_min = kNeverDirect});
  if (!file) return file;
  const std::vector<std::byte> block(std::size_t{1} << 20, std::byte{0x5A});
  for (std::uint64_t at = 0; at < kFileBytes; at += block.size()) {
    if (::pwrite(file->fd.get(), block.data(), block.size(), static_cast<off_t>(at)) < 0) {
      return base::fail_errno(errno, "cannot fill the file");
    }
  }
  ::fdatasync(file->fd.get());
  if (direct) {
    file = open_temp_for_write(here.get(), name, kFileBytes, TempFile::kReuse,
                               {.direct_bytes_min = 1});
  }
  ::unlinkat(here.get(), name.c_str(), 0);
  return file;
}

void move_slots(benchmark::State& state, share::DiskJob::Kind kind) {
  const bool direct = state.range(0) != 0;
  const auto depth = static_cast<std::uint32_t>(state.range(1));
  const bool registered = state.range(2) != 0;
  const auto file = make_file(direct);
  auto buffers = SlotBuffers::allocate(depth);
  if (!file || !buffers) return state.SkipWithError("no file or no memory");
  if (file->direct != direct) return state.SkipWithError("this file system refuses O_DIRECT");
  std::vector<share::DiskJob> job_slots(kRingItems);
  std::vector<share::DiskDone> done_slots(kRingItems);
  share::SpscRing<share::DiskJob> jobs(job_slots);
  share::SpscRing<share::DiskDone> dones(done_slots);
  auto agent = DiskAgent::start({.files = 1, .depth = depth, .register_buffers = registered,
                                 .register_files = registered}, *buffers, jobs, dones);
  if (!agent) return state.SkipWithError(agent.error().text);
  if ((*agent)->buffers_registered() != registered) return state.SkipWithError("not registered");

  base::Instant now;  // advances only for the retry delays, which a healthy disk never needs
  const auto poll = [&] { (*agent)->poll(now += base::microseconds(1)); };
  share::DiskDone done;
  (void)jobs.push_one({.kind = share::DiskJob::Kind::kInstall, .direct = direct,
                       .fd = file->fd.get()});
  while (!dones.pop_one(done)) poll();
  std::uint64_t offset = 0;
  const auto submit = [&](std::uint64_t slot) {
    (void)jobs.push_one({.kind = kind, .slot = static_cast<std::uint16_t>(slot),
                         .length = base::kSlotBytes, .offset = offset, .cookie = slot});
    offset = (offset + base::kSlotBytes) % kFileBytes;
  };
  for (std::uint32_t slot = 0; slot < depth; ++slot) submit(slot);
  for ([[maybe_unused]] auto iteration : state) {
    while (!dones.pop_one(done)) poll();
    if (done.result != int{base::kSlotBytes}) return state.SkipWithError("a transfer failed");
    submit(done.cookie);
  }
  while ((*agent)->in_flight() > 0) poll();
  state.SetBytesProcessed(state.iterations() * std::int64_t{base::kSlotBytes});
}

void read_slots(benchmark::State& state) { move_slots(state, share::DiskJob::Kind::kRead); }
void write_slots(benchmark::State& state) { move_slots(state, share::DiskJob::Kind::kWrite); }

BENCHMARK(read_slots)->ArgNames({"direct", "depth", "registered"})
    ->Args({1, 16, 1})->Args({1, 16, 0})->Args({0, 16, 1})->Args({0, 16, 0})->UseRealTime();
BENCHMARK(write_slots)->ArgNames({"direct", "depth", "registered"})
    ->Args({1, 16, 1})->Args({1, 16, 0})->Args({0, 16, 1})->Args({0, 16, 0})->UseRealTime();

}  // namespace
}  // namespace weft::disk

BENCHMARK_MAIN();
