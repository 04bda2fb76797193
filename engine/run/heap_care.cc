#include "engine/run/heap_care.hh"

#include <malloc.h>

#include <chrono>

namespace weft::run {

// mallopt's answers are not looked at: a refusal costs speed.
HeapCare::HeapCare(boost::asio::io_context& io) : timer_(io) {
  ::mallopt(M_ARENA_MAX, 1);   // malloc_trim() gives back the free end of the first arena alone
  ::mallopt(M_TRIM_THRESHOLD, kKeptMax);
  ::mallopt(M_MMAP_THRESHOLD, kMappedMin);
}

void HeapCare::start() {
  timer_.expires_after(std::chrono::nanoseconds(kLookEvery.ns));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (rest_.look(::mallinfo2().fordblks)) {
      ::malloc_trim(0);
      rest_.on_given_back(::mallinfo2().fordblks);
    }
    start();
  });
}

}  // namespace weft::run
