// Ring: the one wrapper of liburing. Sets up an io_uring with the best flags that this kernel has,
// and turns transfers into submissions and completions into values. Private to engine/disk.
// Threads: opened and registered on any thread; enable() binds it to the calling thread, which
//          alone calls the rest from then on (IORING_SETUP_SINGLE_ISSUER makes the kernel insist).
// Bounds:  `depth` transfers between queue() and reap(); the completion queue holds twice as many,
//          so it cannot overflow.
// Not here: what a completion means (disk_agent.cc).
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/base/result.hh"
#include "engine/disk/slot_buffers.hh"

namespace weft::disk {

struct Transfer {
  bool write = false;
  bool fixed_file = false;       // `file` is a number of the registered table, not an fd
  bool fixed_buffer = false;     // `memory` lies in the registered slots
  std::int32_t file = -1;
  std::uint32_t length = 0;
  std::byte* memory = nullptr;
  std::uint64_t offset = 0;
  std::uint32_t cookie = 0;
};

struct Completion {
  std::uint32_t cookie = 0;
  std::int32_t result = 0;
};

class Ring {
 public:
  // Errors: kUnsupported (no io_uring here, or one without the operations we need), kLimit
  //         (memory).
  [[nodiscard]] static base::Result<std::unique_ptr<Ring>> open(std::uint32_t depth);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Both return 0 or a negative errno; without them transfers use plain memory and plain
  // descriptors.
  [[nodiscard]] int register_buffers(const SlotBuffers& buffers);
  [[nodiscard]] int register_file_table(std::uint32_t files);

  void enable() noexcept;
  // Puts `fd` (-1: nothing) at a place of the registered table; 0 or a negative errno.
  [[nodiscard]] int set_file(std::uint32_t file, int fd) noexcept;
  void queue(const Transfer& transfer) noexcept;
  // Hands over what was queued and lets the kernel finish what it deferred to us: one system call,
  // or none when there is nothing of either. What the kernel does not take now stays queued.
  void enter() noexcept;
  // Finished transfers, from memory alone. Returns how many were written to the front of `out`.
  [[nodiscard]] std::uint32_t reap(std::span<Completion> out) noexcept;

 private:
  Ring() = default;
  io_uring ring_{};
  const std::byte* slots_start_ = nullptr;
};

}  // namespace weft::disk
