#include "bench/timed.hh"

#include <cstdlib>
#include <new>

namespace {
std::size_t count = 0;
}
// Not inlined: GCC would see malloc() meet a delete expression and warn of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++count;
  if (void* const memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace weft::bench {
std::size_t allocations() noexcept { return count; }
}  // namespace weft::bench
