// DiskAgent: carries out one data core's DiskJobs by its own io_uring and answers each with one
// DiskDone.
// Threads: start() and the destructor on control, poll() always on one thread (the first to call it
//          owns the agent from then on). It is the consumer of `jobs` and the producer of `dones`.
// Bounds:  `depth` jobs taken and not yet answered, answers that found `dones` full among them;
//          what is beyond stays in `jobs`. One poll takes at most `depth` jobs, of which
//          kTableChangesPerPoll change the file table, starts at most kTransfersPerPoll transfers,
//          enters the kernel at most once for them, never waits, and takes nothing from the heap.
// Order:   jobs start in order; completions come in any order, with one promise: a kRemove is
//          answered after all earlier I/O of that file, and its fd is not used again after the
//          answer, whatever the result. I/O that stands behind its file's kRemove is answered
//          -EBADF.
// Reads:   repeated until `length` bytes or the end of the file. A short read is the end only when
//          asking again brings nothing more.
// Writes:  repeated until `length` bytes are written; the result is `length` or negative.
// Direct:  (kInstall said O_DIRECT) lengths are rounded up to kDirectAlignment. A read's result is
//          cut back to `length`; a write overwrites the slot between length and the rounded length
//          with zeros and writes them too, so only the last extent of a file may have a length off
//          the alignment, and the caller truncates the file to its size at the end.
// Errors (in DiskDone::result):
//   -EBADF   the file is not installed, or the fd of a kInstall is not open
//   -EBUSY   kInstall on a number that is not free
//   -EINVAL  a file number beyond the table, a length of 0 or above kSlotBytes, an offset past 2^63
//            or off the alignment of a direct file
//   -EIO     also: no progress in kRetriesMax attempts (EINTR and EAGAIN are such attempts)
//   else     what the kernel said: -ENOSPC, -EROFS, …
//   A slot beyond the buffers is our bug.
// Nowhere: a kInstall of one of the descriptors of share/memory_file.hh. Writes are answered as
//          done; reads give the pattern. A slot that the pattern was read into is not filled anew
//          until another file was read into it, so that only the first such read of a slot costs a
//          copy: who reads from memory does not write into the slots it reads to.
// Buffers: between a kRead or kWrite and its answer the slot belongs to the agent.
// Source:  io_uring_setup(2), io_uring_enter(2), io_uring_register(2); policy in README.md of this
//          folder.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "engine/base/result.hh"
#include "engine/base/time.hh"
#include "engine/disk/index_queue.hh"
#include "engine/disk/slot_buffers.hh"
#include "engine/share/disk_job.hh"
#include "engine/share/spsc_ring.hh"

namespace weft::disk {

class Ring;  // held by pointer, so that liburing.h stays out of everyone who includes this

inline constexpr std::uint32_t kDepthMax = 4096;  // far beyond where a disk gains from more
inline constexpr std::uint32_t kFilesMax = 32768;  // what every kernel's table takes
inline constexpr std::uint32_t kTableChangesPerPoll = 16;  // a system call of about 1 us each
inline constexpr std::uint32_t kTransfersPerPoll = 8;  // 1 MiB: 40 us if all is cached
inline constexpr std::uint8_t kRetriesMax = 16;              // attempts in a row without progress
inline constexpr base::Duration kRetryDelay = base::milliseconds(1);

struct DiskLimits {
  std::uint32_t files = 1024;     // file numbers 0 … files-1; 1 … kFilesMax
  std::uint32_t depth = 64;       // jobs in flight; 1 … kDepthMax
  bool register_buffers = true;   // false: plain reads and writes
  bool register_files = true;     // false: plain descriptors
};

// Since start. Owner: the agent; read on its thread.
struct DiskCounters {
  std::uint64_t reads = 0, writes = 0;             // answered without error
  std::uint64_t read_bytes = 0, write_bytes = 0;
  std::uint64_t refused = 0;                       // answered with an error before any I/O
  std::uint64_t failed = 0;                        // answered with an error of the kernel
  std::uint64_t continued = 0;                     // short transfers that were continued
  std::uint64_t retried = 0;                       // EINTR, EAGAIN, transfers without progress
  std::uint64_t dones_held = 0;                    // answers that found `dones` full
};

class DiskAgent {
 public:
  // `buffers` and the rings must outlive the agent.
  // Errors: kInvalidArgument (limits), kUnsupported (this kernel or container has no io_uring),
  //         kLimit (memory).
  [[nodiscard]] static base::Result<std::unique_ptr<DiskAgent>> start(
      const DiskLimits& limits, SlotBuffers& buffers, share::SpscRing<share::DiskJob>& jobs,
      share::SpscRing<share::DiskDone>& dones);
  // The owner polls until in_flight() is 0 first, to know the outcome of its I/O. I/O still in
  // flight is abandoned to the kernel: harmless with registered buffers, whose pages stay pinned;
  // without them it may write into its slot later, so the SlotBuffers must then live until the
  // process ends.
  ~DiskAgent();
  DiskAgent(const DiskAgent&) = delete;
  DiskAgent& operator=(const DiskAgent&) = delete;

  // One turn. Returns jobs taken, transfers started and completions handled: 0 means that there was
  // nothing to do.
  std::uint32_t poll(base::Instant now) noexcept;

  // Jobs taken and not yet answered. 0 and an empty `jobs` ring: the agent may sleep.
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return limits_.depth - free_.size(); }
  [[nodiscard]] bool buffers_registered() const noexcept { return buffers_registered_; }
  [[nodiscard]] bool files_registered() const noexcept { return files_registered_; }
  // Why one of the two above is false, with its remedy, for `weft doctor` and the log; "" when both
  // are true.
  [[nodiscard]] const char* fallback_reason() const noexcept { return fallback_reason_; }
  [[nodiscard]] const DiskCounters& counters() const noexcept { return counters_; }

 private:
  // One job from its being taken to its answer; the room for `depth` of them is all that the agent
  // has.
  struct Operation {
    share::DiskJob job{};
    std::uint32_t start = 0;         // first byte of the slot that the attempt under way asks for
    std::uint32_t reached = 0;       // the farthest byte that any attempt has moved
    std::uint8_t stalls = 0;         // attempts in a row without progress
    bool direct = false;
    std::int32_t result = 0;         // once finished
    base::Instant not_before{};
  };
  struct File {
    std::int32_t fd = -1;            // -1: the number is free; below: nowhere
    bool direct = false;
    bool removing = false;
    std::uint32_t busy = 0;          // reads and writes taken and not finished
    std::uint32_t removal = 0;       // the operation of its kRemove, while `removing`
  };

  DiskAgent(const DiskLimits& limits, SlotBuffers& buffers, share::SpscRing<share::DiskJob>& jobs,
            share::SpscRing<share::DiskDone>& dones, std::unique_ptr<Ring> ring);
  void register_all();
  void become_owner() noexcept;
  std::uint32_t take_jobs() noexcept;
  void start_job(std::uint32_t index) noexcept;
  void start_install(std::uint32_t index) noexcept;
  void start_remove(std::uint32_t index) noexcept;
  void start_transfer(std::uint32_t index) noexcept;
  void transfer_nowhere(std::uint32_t index) noexcept;
  std::uint32_t queue_due(base::Instant now) noexcept;
  std::uint32_t reap(base::Instant now) noexcept;
  void advance(std::uint32_t index, std::uint32_t moved, base::Instant now) noexcept;
  void stall(std::uint32_t index, base::Instant now) noexcept;
  void finish_transfer(std::uint32_t index, std::int32_t result) noexcept;
  void finish_remove(std::uint32_t index) noexcept;
  void refuse(std::uint32_t index, std::int32_t error) noexcept;
  void answer(std::uint32_t index, std::int32_t result) noexcept;
  void deliver_held() noexcept;

  const DiskLimits limits_;
  SlotBuffers& buffers_;
  share::SpscRing<share::DiskJob>& jobs_;
  share::SpscRing<share::DiskDone>& dones_;
  std::unique_ptr<Ring> ring_;
  std::unique_ptr<Operation[]> operations_;   // limits_.depth
  std::unique_ptr<File[]> files_;             // limits_.files
  std::vector<bool> has_pattern_;             // by slot
  IndexQueue free_;                           // operations without a job
  IndexQueue pending_;                        // waiting to be handed to the ring
  IndexQueue held_;                           // finished, but `dones` was full
  std::thread::id owner_;                     // none until the first poll
  bool buffers_registered_ = false;
  bool files_registered_ = false;
  const char* fallback_reason_ = "";
  DiskCounters counters_;
};

}  // namespace weft::disk
