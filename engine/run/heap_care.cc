#include "engine/run/heap_care.hh"

#include <malloc.h>

#include <chrono>
#include <utility>

namespace weft::run {

// mallopt's answers are not looked at: a refusal costs speed.
HeapCare::HeapCare(boost::asio::io_context& io, std::function<std::uint64_t()> moved)
    : timer_(io), moved_(std::move(moved)) {
  ::mallopt(M_TRIM_THRESHOLD, kKeptMax);
  ::mallopt(M_MMAP_THRESHOLD, kMappedMin);
}

void HeapCare::start() {
  timer_.expires_after(std::chrono::nanoseconds(kLookEvery.ns));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (rest_.look(moved_())) ::malloc_trim(0);
    start();
  });
}

}  // namespace weft::run
