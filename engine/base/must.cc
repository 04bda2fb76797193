#include "engine/base/must.hh"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace weft::base {

void must_failed(const char* condition, const char* file, int line) noexcept {
  // A fixed buffer and one write: the heap may be the thing that is broken.
  char text[512];
  const int length = std::snprintf(text, sizeof text, "weft: MUST(%s) failed at %s:%d\n", condition, file, line);
  if (length > 0) {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, static_cast<unsigned>(length));
  }
  std::abort();
}

}  // namespace weft::base
