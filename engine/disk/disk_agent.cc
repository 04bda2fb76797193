#include "engine/disk/disk_agent.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "engine/disk/ring.hh"
#include "engine/share/memory_file.hh"

namespace weft::disk {
namespace {

using Kind = share::DiskJob::Kind;

constexpr std::uint32_t round_up(std::uint32_t bytes) {
  return (bytes + base::kDirectAlignment - 1) / base::kDirectAlignment * base::kDirectAlignment;
}
constexpr std::uint32_t round_down(std::uint32_t bytes) {
  return bytes / base::kDirectAlignment * base::kDirectAlignment;
}
static_assert(round_up(base::kSlotBytes) == base::kSlotBytes);  // rounding up never leaves the slot

constexpr std::uint64_t kOffsetMax = std::numeric_limits<std::int64_t>::max() - base::kSlotBytes;

bool is_transfer(const share::DiskJob& job) {
  return job.kind == Kind::kRead || job.kind == Kind::kWrite;
}

const char* why_no_buffers(int error) {
  if (error == -ENOMEM) {
    return "slot buffers are not registered: the locked-memory limit is too small "
           "(raise ulimit -l)";
  }
  return "slot buffers are not registered: the kernel refuses it";
}

const char* why_no_files(int error) {
  if (error == -EMFILE) {
    return "files are not registered: the open-files limit is below the table (raise ulimit -n)";
  }
  return "files are not registered: the kernel refuses it";
}

}  // namespace

base::Result<std::unique_ptr<DiskAgent>> DiskAgent::start(
    const DiskLimits& limits, SlotBuffers& buffers, share::SpscRing<share::DiskJob>& jobs,
    share::SpscRing<share::DiskDone>& dones) {
  if (limits.files == 0 || limits.files > kFilesMax) {
    return base::fail(base::Errc::kInvalidArgument, "the disk's file table is outside 1 … 32768");
  }
  if (limits.depth == 0 || limits.depth > kDepthMax) {
    return base::fail(base::Errc::kInvalidArgument, "the disk's depth is outside 1 … 4096");
  }
  std::unique_ptr<Ring> ring = TRY(Ring::open(limits.depth));
  std::unique_ptr<DiskAgent> agent(new DiskAgent(limits, buffers, jobs, dones, std::move(ring)));
  agent->register_all();
  return agent;
}

DiskAgent::DiskAgent(const DiskLimits& limits, SlotBuffers& buffers,
                     share::SpscRing<share::DiskJob>& jobs, share::SpscRing<share::DiskDone>& dones,
                     std::unique_ptr<Ring> ring)
    : limits_(limits),
      buffers_(buffers),
      jobs_(jobs),
      dones_(dones),
      ring_(std::move(ring)),
      operations_(std::make_unique<Operation[]>(limits.depth)),
      files_(std::make_unique<File[]>(limits.files)),
      has_pattern_(buffers.count()),
      free_(limits.depth),
      pending_(limits.depth),
      held_(limits.depth) {
  for (std::uint32_t i = 0; i < limits.depth; ++i) free_.push(i);
}

DiskAgent::~DiskAgent() = default;

void DiskAgent::register_all() {
  if (!limits_.register_files) {
    fallback_reason_ = "files are not registered: switched off";
  } else if (const int error = ring_->register_file_table(limits_.files); error < 0) {
    fallback_reason_ = why_no_files(error);
  } else {
    files_registered_ = true;
  }
  // Last, so that of two reasons the one that costs more is told.
  if (!limits_.register_buffers) {
    fallback_reason_ = "slot buffers are not registered: switched off";
  } else if (const int error = ring_->register_buffers(buffers_); error < 0) {
    fallback_reason_ = why_no_buffers(error);
  } else {
    buffers_registered_ = true;
  }
}

// The thread that polls first is the one that the kernel binds the ring to.
void DiskAgent::become_owner() noexcept {
  owner_ = std::this_thread::get_id();
  ring_->enable();
}

std::uint32_t DiskAgent::poll(base::Instant now) noexcept {
  if (owner_ == std::thread::id{}) become_owner();
  MUST_SLOW(owner_ == std::this_thread::get_id());
  deliver_held();
  // What has already finished makes room for new jobs, and its continuations travel with this
  // turn's entry.
  std::uint32_t work = reap(now);
  work += take_jobs();
  work += queue_due(now);
  ring_->enter();
  work += reap(now);  // reads from the page cache finish within the entry
  return work;
}

std::uint32_t DiskAgent::take_jobs() noexcept {
  std::uint32_t taken = 0;
  std::uint32_t table_changes = 0;
  while (taken < limits_.depth && table_changes < kTableChangesPerPoll && !free_.empty()) {
    share::DiskJob job;
    if (!jobs_.pop_one(job)) break;
    const std::uint32_t index = free_.pop();
    operations_[index] = Operation{};
    operations_[index].job = job;
    if (!is_transfer(job)) ++table_changes;
    start_job(index);
    ++taken;
  }
  return taken;
}

void DiskAgent::start_job(std::uint32_t index) noexcept {
  const share::DiskJob& job = operations_[index].job;
  if (job.file >= limits_.files) return refuse(index, -EINVAL);
  switch (job.kind) {
    case Kind::kInstall: return start_install(index);
    case Kind::kRemove: return start_remove(index);
    case Kind::kRead: return start_transfer(index);
    case Kind::kWrite: return start_transfer(index);
  }
  MUST(false);  // no such kind
}

void DiskAgent::start_install(std::uint32_t index) noexcept {
  const share::DiskJob& job = operations_[index].job;
  File& file = files_[job.file];
  const bool nowhere = share::is_nowhere(job.fd);
  if (job.fd < 0 && !nowhere) return refuse(index, -EBADF);
  if (file.fd != -1) return refuse(index, -EBUSY);
  if (files_registered_ && !nowhere) {
    if (const int error = ring_->set_file(job.file, job.fd); error < 0) return refuse(index, error);
  }
  file = File{};
  file.fd = job.fd;
  file.direct = job.direct;
  answer(index, 0);
}

void DiskAgent::start_remove(std::uint32_t index) noexcept {
  File& file = files_[operations_[index].job.file];
  if (file.fd == -1 || file.removing) return refuse(index, -EBADF);
  file.removing = true;
  file.removal = index;
  if (file.busy == 0) finish_remove(index);
}

void DiskAgent::start_transfer(std::uint32_t index) noexcept {
  Operation& operation = operations_[index];
  const share::DiskJob& job = operation.job;
  File& file = files_[job.file];
  MUST(job.slot < buffers_.count());
  if (file.fd == -1 || file.removing) return refuse(index, -EBADF);
  if (job.length == 0 || job.length > base::kSlotBytes) return refuse(index, -EINVAL);
  if (job.offset > kOffsetMax) return refuse(index, -EINVAL);
  if (file.direct && job.offset % base::kDirectAlignment != 0) return refuse(index, -EINVAL);
  if (share::is_nowhere(file.fd)) return transfer_nowhere(index);
  if (job.kind == Kind::kRead) has_pattern_[job.slot] = false;
  operation.direct = file.direct;
  if (file.direct && job.kind == Kind::kWrite) {
    // Zeros, so that what an earlier block left in the slot does not reach this file.
    const base::MutableBytes slot = buffers_.slot(job.slot);
    std::memset(slot.data() + job.length, 0, round_up(job.length) - job.length);
  }
  ++file.busy;
  pending_.push(index);
}

void DiskAgent::transfer_nowhere(std::uint32_t index) noexcept {
  const share::DiskJob& job = operations_[index].job;
  if (job.kind == Kind::kRead && job.offset % base::kSlotBytes == 0) {
    if (!has_pattern_[job.slot]) share::fill_pattern(buffers_.slot(job.slot), 0);
    has_pattern_[job.slot] = true;
  } else if (job.kind == Kind::kRead) {
    if (job.offset % 8 != 0) return refuse(index, -EINVAL);
    share::fill_pattern(buffers_.slot(job.slot).first(job.length), job.offset);
    has_pattern_[job.slot] = false;
  }
  ++files_[job.file].busy;
  finish_transfer(index, static_cast<std::int32_t>(job.length));
}

// Hands operations whose time has come to the ring, the oldest first; one that waits for its next
// attempt goes to the back. Bounded, because the kernel copies what the page cache holds within our
// entry.
std::uint32_t DiskAgent::queue_due(base::Instant now) noexcept {
  std::uint32_t queued = 0;
  for (std::uint32_t left = pending_.size(); left > 0 && queued < kTransfersPerPoll; --left) {
    const std::uint32_t index = pending_.pop();
    const Operation& operation = operations_[index];
    if (operation.not_before > now) {
      pending_.push(index);
      continue;
    }
    ++queued;
    const share::DiskJob& job = operation.job;
    const std::uint32_t end = operation.direct ? round_up(job.length) : job.length;
    MUST(operation.start < end);
    ring_->queue({.write = job.kind == Kind::kWrite,
                  .fixed_file = files_registered_,
                  .fixed_buffer = buffers_registered_,
                  .file = files_registered_ ? static_cast<std::int32_t>(job.file)
                                            : files_[job.file].fd,
                  .length = end - operation.start,
                  .memory = buffers_.slot(job.slot).data() + operation.start,
                  .offset = job.offset + operation.start,
                  .cookie = index});
  }
  return queued;
}

std::uint32_t DiskAgent::reap(base::Instant now) noexcept {
  std::array<Completion, 64> batch;
  std::uint32_t handled = 0;
  while (handled < limits_.depth) {
    const std::uint32_t count = ring_->reap(batch);
    for (const Completion& completion : std::span(batch).first(count)) {
      MUST(completion.cookie < limits_.depth);
      const std::int32_t result = completion.result;
      if (result >= 0) {
        advance(completion.cookie, static_cast<std::uint32_t>(result), now);
      } else if (result == -EINTR || result == -EAGAIN) {
        stall(completion.cookie, now);
      } else {
        finish_transfer(completion.cookie, result);
      }
    }
    handled += count;
    if (count < batch.size()) break;
  }
  return handled;
}

// `moved` bytes of the attempt under way: done, to be continued, at the end of the file, or stuck.
void DiskAgent::advance(std::uint32_t index, std::uint32_t moved, base::Instant now) noexcept {
  Operation& operation = operations_[index];
  const share::DiskJob& job = operation.job;
  const std::uint32_t reached = operation.start + moved;
  MUST(reached <= base::kSlotBytes);
  if (reached >= job.length) return finish_transfer(index, static_cast<std::int32_t>(job.length));
  if (reached <= operation.reached) {
    // Asked again, nothing new. For a read that is the end of the file.
    if (job.kind == Kind::kRead) return finish_transfer(index, static_cast<std::int32_t>(reached));
    return stall(index, now);
  }
  operation.reached = reached;
  // Under O_DIRECT the next attempt starts at the last aligned byte and moves a part twice: same
  // bytes, no harm.
  operation.start = operation.direct ? round_down(reached) : reached;
  operation.stalls = 0;
  ++counters_.continued;
  pending_.push(index);
}

void DiskAgent::stall(std::uint32_t index, base::Instant now) noexcept {
  Operation& operation = operations_[index];
  if (++operation.stalls >= kRetriesMax) return finish_transfer(index, -EIO);
  operation.not_before = now + kRetryDelay;
  ++counters_.retried;
  pending_.push(index);
}

void DiskAgent::finish_transfer(std::uint32_t index, std::int32_t result) noexcept {
  const share::DiskJob job = operations_[index].job;
  MUST(is_transfer(job));
  File& file = files_[job.file];
  MUST(file.busy > 0);
  --file.busy;
  if (result < 0) {
    ++counters_.failed;
  } else if (job.kind == Kind::kWrite) {
    ++counters_.writes;
    counters_.write_bytes += static_cast<std::uint32_t>(result);
  } else {
    ++counters_.reads;
    counters_.read_bytes += static_cast<std::uint32_t>(result);
  }
  answer(index, result);
  if (file.removing && file.busy == 0) finish_remove(file.removal);
}

// The number is free again even when the kernel's table keeps the file (it has no memory for the
// change): the next kInstall of the number overwrites it there.
void DiskAgent::finish_remove(std::uint32_t index) noexcept {
  const std::uint32_t number = operations_[index].job.file;
  MUST(files_[number].busy == 0);
  const int error = files_registered_ && files_[number].fd >= 0 ? ring_->set_file(number, -1) : 0;
  files_[number] = File{};
  if (error < 0) ++counters_.failed;
  answer(index, error);
}

void DiskAgent::refuse(std::uint32_t index, std::int32_t error) noexcept {
  MUST(error < 0);
  ++counters_.refused;
  answer(index, error);
}

void DiskAgent::answer(std::uint32_t index, std::int32_t result) noexcept {
  operations_[index].result = result;
  held_.push(index);  // behind those that wait already
  deliver_held();
  if (!held_.empty()) ++counters_.dones_held;
}

void DiskAgent::deliver_held() noexcept {
  while (!held_.empty()) {
    const Operation& operation = operations_[held_.front()];
    const share::DiskDone done{.cookie = operation.job.cookie, .result = operation.result};
    if (!dones_.push_one(done)) return;
    free_.push(held_.pop());
  }
}

}  // namespace weft::disk
