#include "tests/sim/sim_disk.hh"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>

namespace weft::sim {

using Kind = share::DiskJob::Kind;

SimDisk::~SimDisk() {
  for (const Operation& operation : operations_) {
    const share::DiskJob& job = operation.job;
    if (operation.result < 0) continue;
    if (job.kind == Kind::kRead) scene_.probes.fire(Probe::crash_during_read);
    if (job.kind != Kind::kWrite) continue;
    scene_.probes.fire(Probe::crash_during_write);
    const std::uint32_t kept = scene_.dice.one_in(2)   ? scene_.dice.below(job.length + 1)
                               : scene_.dice.one_in(2) ? job.length
                                                       : 0;
    scene_.probes.fire_if(kept > 0 && kept < job.length, Probe::crash_torn_write);
    Pulled& file = store_.pulled[static_cast<std::size_t>(files_.at(job.file).fd - kFdPulled)];
    std::memcpy(file.bytes.data() + job.offset, slot(job).data(), kept);
  }
}

base::Instant SimDisk::next_due() const {
  base::Instant due = held_.empty() ? base::kNever : scene_.now + base::microseconds(20);
  for (const Operation& operation : operations_) due = std::min(due, operation.due);
  return due;
}

void SimDisk::poll() {
  std::uint32_t delivered = 0;
  while (delivered < held_.size() && dones_.push_one(held_[delivered])) ++delivered;
  held_.erase(held_.begin(), held_.begin() + delivered);
  share::DiskJob job;
  while (operations_.size() + held_.size() < scene_.swarm.limits.disk_depth && jobs_.pop_one(job)) take(job);
  for (std::size_t i = 0; i < operations_.size();) {
    Operation& operation = operations_[i];
    // A removal waits for what was begun before it.
    const bool waits =
        operation.job.kind == Kind::kRemove && operation.result == 0 && files_.at(operation.job.file).busy > 0;
    if (operation.due > scene_.now || waits) {
      if (waits) operation.due = std::max(operation.due, scene_.now + base::microseconds(20));
      ++i;
      continue;
    }
    finish(operation);
    scene_.probes.fire_if(i > 0, Probe::disk_out_of_order);
    answer(operation);
    operations_.erase(operations_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void SimDisk::take(const share::DiskJob& job) {
  const Swarm& swarm = scene_.swarm;
  Operation operation{.job = job, .due = scene_.now, .result = begin(job)};
  if (job.kind == Kind::kRead || job.kind == Kind::kWrite)
    operation.due += scene_.dice.time(swarm.disk_min, swarm.disk_max);
  scene_.note(who_, "takes a job (kind, length)", static_cast<std::uint64_t>(job.kind), job.length);
  operations_.push_back(operation);
}

std::int32_t SimDisk::begin(const share::DiskJob& job) {
  if (job.kind == Kind::kInstall) {
    if (job.fd < 0) return -EBADF;
    const auto [file, added] = files_.try_emplace(job.file);
    if (!added) return -EBUSY;
    file->second.fd = job.fd;
    return 0;
  }
  const auto found = files_.find(job.file);
  if (found == files_.end() || found->second.removing) return -EBADF;
  File& file = found->second;
  if (job.kind == Kind::kRemove) {
    file.removing = true;
    return 0;
  }
  MUST(job.length > 0 && job.length <= base::kSlotBytes);
  if (slot_busy_.at(job.slot))
    scene_.checks.fail("buffer with two owners", "e%u core %u: slot %u is in two disk jobs", who_.engine,
                       who_.index, job.slot);
  slot_busy_[job.slot] = true;
  ++file.busy;
  if (job.kind == Kind::kWrite) check_write(job, file.fd, "given");
  else std::memset(slot(job).data(), 0xDB, job.length);  // whoever looks before the answer sees rubbish
  return 0;
}

void SimDisk::check_write(const share::DiskJob& job, int fd, const char* when) {
  const auto index = static_cast<std::size_t>(fd - kFdPulled);
  MUST(fd >= kFdPulled && index < store_.pulled.size());
  const Source& source = store_.sources[index];
  if (!store_.pulled[index].open)
    scene_.checks.fail("write to a closed file", "e%u core %u: %s, file %zu, offset %" PRIu64, who_.engine,
                       who_.index, when, index, job.offset);
  if (job.offset + job.length > source.bytes.size() ||
      std::memcmp(slot(job).data(), source.bytes.data() + job.offset, job.length) != 0)
    scene_.checks.fail("wrong byte",
                       "e%u core %u: when %s, a write of %u bytes at %" PRIu64 " of file %zu is not the source",
                       who_.engine, who_.index, when, job.length, job.offset, index);
}

void SimDisk::finish(Operation& operation) {
  if (operation.result < 0) return;
  const share::DiskJob& job = operation.job;
  if (job.kind == Kind::kInstall) return;
  if (job.kind == Kind::kRemove) {
    files_.erase(job.file);
    return;
  }
  File& file = files_.at(job.file);
  --file.busy;
  slot_busy_[job.slot] = false;
  if (job.kind == Kind::kRead) read(operation, file.fd);
  else write(operation, file.fd);
}

void SimDisk::read(Operation& operation, int fd) {
  const share::DiskJob& job = operation.job;
  const Source& source = store_.sources.at(static_cast<std::size_t>(fd - kFdServed));
  if (job.offset + job.length > source.bytes.size())
    return scene_.checks.fail("read beyond a file", "e%u core %u: %u bytes at %" PRIu64, who_.engine, who_.index,
                              job.length, job.offset);
  operation.result = static_cast<std::int32_t>(job.length);
  std::memcpy(slot(job).data(), source.bytes.data() + job.offset, job.length);
  const FaultRates& faults = scene_.swarm.faults;
  if (ppm(faults.read_error_ppm)) {
    operation.result = -EIO;
    scene_.probes.fire(Probe::read_failed);
  } else if (ppm(faults.read_short_ppm)) {
    operation.result = static_cast<std::int32_t>(scene_.dice.below(job.length));
    scene_.probes.fire(Probe::read_short);
  } else if (ppm(faults.read_rot_ppm)) {
    slot(job)[scene_.dice.below(job.length)] ^= std::byte{0x10};
    scene_.probes.fire(Probe::read_rotten);
  }
}

void SimDisk::write(Operation& operation, int fd) {
  const share::DiskJob& job = operation.job;
  check_write(job, fd, "done");
  if (scene_.checks.failed()) return;
  operation.result = static_cast<std::int32_t>(job.length);
  std::uint32_t kept = job.length;
  if (scene_.now < store_.full_until) {
    operation.result = -ENOSPC;
    kept = 0;
  } else if (ppm(scene_.swarm.faults.write_error_ppm)) {
    operation.result = -EIO;
    kept = scene_.dice.below(job.length);
  }
  std::memcpy(store_.pulled[static_cast<std::size_t>(fd - kFdPulled)].bytes.data() + job.offset, slot(job).data(),
              kept);
}

void SimDisk::answer(const Operation& operation) {
  const share::DiskDone done{.cookie = operation.job.cookie, .result = operation.result};
  scene_.note(who_, "answers (kind, result)", static_cast<std::uint64_t>(operation.job.kind),
              static_cast<std::uint64_t>(static_cast<std::int64_t>(operation.result)));
  if (held_.empty() && dones_.push_one(done)) return;
  scene_.probes.fire(Probe::done_ring_full);
  held_.push_back(done);
}

}  // namespace weft::sim
