// What became of the paths of one session. Plain values; thread: control.
#pragma once

#include <cstdint>

#include "engine/base/time.hh"

namespace weft::run {

// Since the session's place was made, over all its links and paths.
struct SessionCounters {
  std::uint64_t falls = 0;             // paths that carried data, or might, and died
  std::uint64_t failovers = 0;         // of those, with another path left that took over
  std::uint64_t takeovers = 0;         // no path was left: the link took over
  std::uint64_t returns = 0;           // paths that answered again after a fall
  // From a link's coming up to the first usable path, of sessions that began anew and of those found where they were.
  struct SetUps {
    std::uint64_t count = 0;
    base::Duration took{};
    void add(const SetUps& more) {
      count += more.count;
      took += more.took;
    }
  };
  SetUps begun, resumed;
};

// All sessions of this device.
struct PoolCounters {
  std::uint32_t places = 0, present = 0, parked = 0;
  std::uint64_t given_up = 0;          // parked ones whose place another device needed
  std::uint64_t refused = 0;           // times there was none: the device waits for one with its link only
  std::uint64_t bytes = 0;             // that parked sessions hold, near enough
  SessionCounters::SetUps begun, resumed;   // of all devices, since start
};

}  // namespace weft::run
