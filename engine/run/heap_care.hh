// The heap while blocks come and go by TLS links. By itself glibc gives a freed block back to the system, and the next one is
// faulted in again page by page: a third of the kernel's time at a link's full speed (bench/README.md). Here freed memory is
// kept for the next block, and given back when the links are at rest.
// Thread: control. Bounds: kKeptMax free bytes at the top of each of malloc's arenas, for kLookEvery after the last block.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>

#include "engine/base/time.hh"

namespace weft::run {

// When it is worth while: once the links rest, after they moved something.
class HeapRest {
 public:
  static constexpr std::uint64_t kRestBytes = 1u << 20;   // from one look to the next: pings, and little else
  // `moved`: bytes so far.
  [[nodiscard]] bool look(std::uint64_t moved) noexcept {
    const bool rests = moved - seen_ < kRestBytes;
    seen_ = moved;
    const bool due = rests && worked_;
    worked_ = !rests;
    return due;
  }

 private:
  std::uint64_t seen_ = 0;
  bool worked_ = false;
};

class HeapCare {
 public:
  static constexpr base::Duration kLookEvery = base::seconds(5);
  static constexpr int kKeptMax = 64 << 20;    // the blocks that a link may have on their way, twice
  static constexpr int kMappedMin = 32 << 20;  // malloc's own upper end: smaller blocks come from its arenas

  // Changes malloc for the whole process. `moved`: bytes of all links so far.
  HeapCare(boost::asio::io_context& io, std::function<std::uint64_t()> moved);
  void start();
  void stop() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
  std::function<std::uint64_t()> moved_;
  HeapRest rest_;
};

}  // namespace weft::run
