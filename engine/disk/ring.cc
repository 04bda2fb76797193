#include "engine/disk/ring.hh"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

namespace weft::disk {
namespace {

// The kernel registers at most 1 GiB per piece. Slots never straddle two pieces: 1 GiB is a
// multiple.
constexpr std::size_t kPieceBytes = std::size_t{1} << 30;
static_assert(kPieceBytes % base::kSlotBytes == 0);

// In order of liking. Disabled at first, because control opens the ring and the polling thread owns
// it.
//  - Linux 6.1: completions run when we enter and not by interrupting the packet loop; only our
//    thread submits.
//  - Linux 5.19: at least no inter-processor interrupt per completion.
//  - any older one.
constexpr std::array<unsigned, 3> kSetupFlags = {
    IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
        IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_R_DISABLED | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_R_DISABLED};

bool has_operations(io_uring& ring) {
  io_uring_probe* const probe = io_uring_get_probe_ring(&ring);
  if (probe == nullptr) return false;
  bool all = true;
  for (const int operation :
       {IORING_OP_READ, IORING_OP_WRITE, IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED}) {
    all = all && io_uring_opcode_supported(probe, operation) != 0;
  }
  io_uring_free_probe(probe);
  return all;
}

}  // namespace

base::Result<std::unique_ptr<Ring>> Ring::open(std::uint32_t depth) {
  MUST(depth > 0);
  std::unique_ptr<Ring> self(new Ring);
  self->ring_.ring_fd = -1;
  io_uring opened{};
  int result = -EINVAL;
  for (const unsigned flags : kSetupFlags) {
    result = io_uring_queue_init(depth, &opened, flags);
    if (result != -EINVAL) break;
  }
  if (result == -ENOMEM) {
    return base::fail(base::Errc::kLimit, "no memory for io_uring: raise ulimit -l", ENOMEM);
  }
  if (result < 0) {
    return base::fail(base::Errc::kUnsupported,
                      "io_uring is missing or forbidden here (Linux 5.10 or newer, "
                      "sysctl kernel.io_uring_disabled=0, a container's seccomp profile)", -result);
  }
  self->ring_ = opened;
  if (!has_operations(self->ring_)) {
    return base::fail(base::Errc::kUnsupported, "this kernel's io_uring lacks read or write");
  }
  return self;
}

Ring::~Ring() {
  if (ring_.ring_fd >= 0) io_uring_queue_exit(&ring_);
}

int Ring::register_buffers(const SlotBuffers& buffers) {
  const base::MutableBytes all = buffers.all();
  std::vector<iovec> pieces;
  for (std::size_t at = 0; at < all.size(); at += kPieceBytes) {
    pieces.push_back({all.data() + at, std::min(kPieceBytes, all.size() - at)});
  }
  const int result =
      io_uring_register_buffers(&ring_, pieces.data(), static_cast<unsigned>(pieces.size()));
  if (result == 0) slots_start_ = all.data();
  return result;
}

int Ring::register_file_table(std::uint32_t files) {
  const int result = io_uring_register_files_sparse(&ring_, files);
  if (result != -EINVAL) return result;
  const std::vector<int> none(files, -1);  // before Linux 5.19
  return io_uring_register_files(&ring_, none.data(), files);
}

void Ring::enable() noexcept {
  // Debian 12's liburing.so does not export io_uring_enable_rings().
  const int result = io_uring_register(static_cast<unsigned>(ring_.ring_fd),
                                       IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  MUST(result == 0);
}

int Ring::set_file(std::uint32_t file, int fd) noexcept {
  const int result = io_uring_register_files_update(&ring_, file, &fd, 1);
  if (result < 0) return result;
  return result == 1 ? 0 : -EBADF;
}

void Ring::queue(const Transfer& transfer) noexcept {
  io_uring_sqe* const sqe = io_uring_get_sqe(&ring_);
  MUST(sqe != nullptr);  // the agent keeps no more than `depth` in flight
  if (transfer.fixed_buffer) {
    MUST(slots_start_ != nullptr);
    const auto at = static_cast<std::size_t>(transfer.memory - slots_start_);
    const int piece = static_cast<int>(at / kPieceBytes);
    if (transfer.write) {
      io_uring_prep_write_fixed(sqe, transfer.file, transfer.memory, transfer.length,
                                transfer.offset, piece);
    } else {
      io_uring_prep_read_fixed(sqe, transfer.file, transfer.memory, transfer.length,
                               transfer.offset, piece);
    }
  } else if (transfer.write) {
    io_uring_prep_write(sqe, transfer.file, transfer.memory, transfer.length, transfer.offset);
  } else {
    io_uring_prep_read(sqe, transfer.file, transfer.memory, transfer.length, transfer.offset);
  }
  if (transfer.fixed_file) io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
  io_uring_sqe_set_data64(sqe, transfer.cookie);
}

void Ring::enter() noexcept {
  const unsigned flags = IO_URING_READ_ONCE(*ring_.sq.kflags);
  const bool deferred = (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  if (io_uring_sq_ready(&ring_) == 0 && !deferred) return;
  const int result = io_uring_submit_and_get_events(&ring_);
  if (result >= 0) return;
  // These pass; the entries are still queued. Anything else means that we misuse the ring.
  MUST(result == -EINTR || result == -EAGAIN || result == -EBUSY || result == -ENOMEM);
}

std::uint32_t Ring::reap(std::span<Completion> out) noexcept {
  std::uint32_t count = 0;
  unsigned head = 0;
  io_uring_cqe* cqe = nullptr;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    if (count == out.size()) break;
    out[count++] = {static_cast<std::uint32_t>(io_uring_cqe_get_data64(cqe)), cqe->res};
  }
  if (count > 0) io_uring_cq_advance(&ring_, count);
  return count;
}

}  // namespace weft::disk
