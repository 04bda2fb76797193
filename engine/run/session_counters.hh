// What became of the paths of one session. Plain values; thread: control.
#pragma once

#include <cstdint>

namespace weft::run {

// Since the session's place was made, over all its links and paths.
struct SessionCounters {
  std::uint64_t falls = 0;             // paths that carried data, or might, and died
  std::uint64_t failovers = 0;         // of those, with another path left that took over
  std::uint64_t takeovers = 0;         // no path was left: the link took over
  std::uint64_t returns = 0;           // paths that answered again after a fall
};

}  // namespace weft::run
