#include "engine/disk/slot_buffers.hh"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

namespace weft::disk {
namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
constexpr std::size_t kPageBytes = 4096;

std::byte* align_up(std::byte* address, std::size_t alignment) {
  const std::size_t beyond = reinterpret_cast<std::uintptr_t>(address) % alignment;
  return beyond == 0 ? address : address + (alignment - beyond);
}

// madvise's answers are not looked at: each is a wish whose refusal costs speed, never correctness.
void advise(std::byte* start, std::size_t bytes) {
  ::madvise(start, bytes, MADV_HUGEPAGE);
  // The content of users' files does not belong into a core dump.
  ::madvise(start, bytes, MADV_DONTDUMP);
  // A fork would make the pages copy-on-write while the device writes into them.
  ::madvise(start, bytes, MADV_DONTFORK);
}

// By stores and not by MADV_POPULATE_WRITE, which keeps the whole address space locked meanwhile: DPDK starts on another
// thread and maps a hundred drivers.
void touch_all(std::byte* start, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += kPageBytes) *static_cast<volatile std::byte*>(start + at) = std::byte{0};
}

}  // namespace

base::Result<SlotBuffers> SlotBuffers::allocate(std::uint32_t count, Prefault prefault) {
  if (count == 0 || count > kSlotsMax) {
    return base::fail(base::Errc::kInvalidArgument, "number of slots is outside 1 … 65534");
  }
  const std::size_t bytes = std::size_t{count} * base::kSlotBytes;
  const std::size_t mapped = bytes + kHugePageBytes;  // room to start on a boundary
  void* const address =
      ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    return base::fail(base::Errc::kLimit, "no memory for the slot buffers", errno);
  }
  auto* const first = static_cast<std::byte*>(address);
  std::byte* const start = align_up(first, kHugePageBytes);
  std::byte* const end = start + bytes;
  if (start != first) ::munmap(first, static_cast<std::size_t>(start - first));
  if (end != first + mapped) ::munmap(end, static_cast<std::size_t>(first + mapped - end));
  advise(start, bytes);
  if (prefault == Prefault::kYes) touch_all(start, bytes);
  return SlotBuffers(start, count);
}

SlotBuffers::SlotBuffers(SlotBuffers&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)), count_(std::exchange(other.count_, 0)) {}

SlotBuffers& SlotBuffers::operator=(SlotBuffers&& other) noexcept {
  if (this != &other) {
    unmap();
    start_ = std::exchange(other.start_, nullptr);
    count_ = std::exchange(other.count_, 0);
  }
  return *this;
}

SlotBuffers::~SlotBuffers() { unmap(); }

void SlotBuffers::unmap() noexcept {
  if (start_ == nullptr) return;
  const int unmapped = ::munmap(start_, std::size_t{count_} * base::kSlotBytes);
  MUST(unmapped == 0);
  start_ = nullptr;
}

}  // namespace weft::disk
