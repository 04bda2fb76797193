// The heap while blocks come and go by TLS links. By itself glibc gives a freed block back to the system, and the next one is
// faulted in again page by page: a third of the kernel's time at a link's full speed (bench/README.md). Here freed memory is
// kept for the next block, and given back when the heap rests, whatever has used it: links, scans, an index. (What was
// given back, taken and freed again between two looks stays until a look sees a change.)
// Thread: control; made before any other thread. Bounds: kKeptMax free bytes at the heap's end, until two looks see the same.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>

#include "engine/base/time.hh"

namespace weft::run {

// When giving back is worth while. All numbers are of malloc's free bytes, of which those that were given back are a part.
class HeapRest {
 public:
  static constexpr std::uint64_t kRestBytes = 256u << 10;   // change from one look to the next: a daemon that has nothing to do
  static constexpr std::uint64_t kWorthBytes = 4u << 20;    // more than after the last time

  [[nodiscard]] bool look(std::uint64_t free_bytes) noexcept {
    const std::uint64_t change = free_bytes > seen_ ? free_bytes - seen_ : seen_ - free_bytes;
    seen_ = free_bytes;
    if (free_bytes < given_back_) given_back_ = free_bytes;
    return change < kRestBytes && free_bytes - given_back_ >= kWorthBytes;
  }
  void on_given_back(std::uint64_t free_bytes) noexcept { seen_ = given_back_ = free_bytes; }

 private:
  std::uint64_t seen_ = 0, given_back_ = 0;
};

class HeapCare {
 public:
  static constexpr base::Duration kLookEvery = base::seconds(5);
  static constexpr int kKeptMax = 64 << 20;    // the blocks that a link may have on their way, twice
  static constexpr int kMappedMin = 32 << 20;  // malloc's own upper end: smaller blocks come from the heap

  // Changes malloc for the whole process.
  explicit HeapCare(boost::asio::io_context& io);
  void start();
  void stop() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
  HeapRest rest_;
};

}  // namespace weft::run
