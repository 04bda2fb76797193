// A disk whose files all hold one pattern, behind the job ring of a data core: it knows what every byte of every file
// must be, so a wrong byte is seen when it is written.
#pragma once

#include <array>
#include <deque>

#include "engine/run/chunk_map.hh"
#include "engine/run/disk_gate.hh"
#include "engine/run/file_table.hh"
#include "engine/wire/sha256.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {

inline constexpr std::size_t kFileBytes = 600'000;      // of each file: several extents and a short one

// What stands at each offset.
inline base::Bytes pattern(std::uint64_t offset, std::size_t length) {
  static const Buffer all = [] {
    Buffer out(kFileBytes);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(i * 167 + (i >> 8) * 13 + (i >> 16));
    return out;
  }();
  CHECK(offset <= all.size() && length <= all.size() - offset);
  return base::Bytes(all).subspan(offset, length);
}

// Slots of one core. One for the process: 20 MiB anew for every input would be all that is measured.
inline base::MutableBytes slot_memory(std::uint32_t slots) {
  static Buffer memory;
  const std::size_t bytes = std::size_t{slots} * base::kSlotBytes;
  if (memory.size() < bytes) memory.resize(bytes);
  return base::MutableBytes(memory).first(bytes);
}

class RunDisk {
 public:
  RunDisk(std::uint32_t ring, base::MutableBytes memory)
      : job_slots_(ring), done_slots_(ring), memory_(memory), jobs(job_slots_), dones(done_slots_) {}

  // Takes the jobs that were submitted; at most `count` of them are answered now, oldest first.
  void poll(std::uint32_t count, std::int32_t error = 0) {
    for (share::DiskJob job; jobs.pop_one(job);) {
      check_job(job);
      taken_.push_back(job);
    }
    for (; count > 0 && !taken_.empty() && dones.room() > 0; --count) {
      const share::DiskJob job = taken_.front();
      taken_.pop_front();
      CHECK(dones.push_one({.cookie = job.cookie, .result = error != 0 ? error : carry_out(job)}));
    }
  }
  [[nodiscard]] bool idle() { return taken_.empty() && jobs.room() == jobs.capacity(); }
  [[nodiscard]] bool slot_in_use(std::uint16_t slot) const {
    return std::ranges::any_of(taken_, [&](const share::DiskJob& job) { return moves_bytes(job) && job.slot == slot; });
  }

  std::uint64_t bytes_written = 0;

 private:
  std::vector<share::DiskJob> job_slots_;
  std::vector<share::DiskDone> done_slots_;
  base::MutableBytes memory_;
  std::deque<share::DiskJob> taken_;

  static bool moves_bytes(const share::DiskJob& job) {
    return job.kind == share::DiskJob::Kind::kRead || job.kind == share::DiskJob::Kind::kWrite;
  }
  void check_job(const share::DiskJob& job) {
    if (!moves_bytes(job)) return;
    CHECK(job.length >= 1 && job.length <= base::kSlotBytes);
    CHECK(job.offset <= kFileBytes && job.length <= kFileBytes - job.offset);
    CHECK((std::size_t{job.slot} + 1) * base::kSlotBytes <= memory_.size());
    CHECK(!slot_in_use(job.slot));                        // no buffer has two owners
    if (job.kind == share::DiskJob::Kind::kWrite) check_write(job);
  }
  [[nodiscard]] base::MutableBytes bytes_of_slot(const share::DiskJob& job) const {
    return memory_.subspan(std::size_t{job.slot} * base::kSlotBytes, job.length);
  }
  // The promise of the whole datapath: no wrong byte is handed to the disk.
  void check_write(const share::DiskJob& job) const {
    CHECK(std::ranges::equal(bytes_of_slot(job), pattern(job.offset, job.length)));
  }
  std::int32_t carry_out(const share::DiskJob& job) {
    if (!moves_bytes(job)) return 0;
    if (job.kind == share::DiskJob::Kind::kWrite) {
      check_write(job);                                   // and nobody touched it meanwhile
      bytes_written += job.length;
    } else {
      std::ranges::copy(pattern(job.offset, job.length), bytes_of_slot(job).begin());
    }
    return static_cast<std::int32_t>(job.length);
  }

 public:
  share::SpscRing<share::DiskJob> jobs;
  share::SpscRing<share::DiskDone> dones;
};

}  // namespace weft::fuzz
