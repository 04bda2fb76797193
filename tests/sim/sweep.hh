// Many seeds on all cores: one process per core, which share nothing; what a process finds comes back by a pipe. A world
// that ends its process (a MUST, a crash, a hang) is a failure of its seed like any other, and the sweep goes on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/world.hh"

namespace weft::sim {

struct SweepPlan {
  std::uint64_t from = 1;
  std::uint64_t seeds = 0;  // 0: until the time is up
  double minutes = 0;       // 0: until the seeds are done
  std::uint32_t processes = 1;
  bool first_only = false;  // end at the first failure
};

struct SweepFailure {
  std::uint64_t seed = 0;
  std::string checker, text;
};

struct SweepResult {
  std::uint64_t seeds = 0, packets = 0, turns = 0;
  base::Duration virtual_time{}, liveness_max{};
  double seconds = 0;  // of the clock on the wall
  std::vector<SweepFailure> failures;
  Probes probes;
};

// Every kTwiceEvery-th seed is run twice and must be the same to the byte.
inline constexpr std::uint64_t kTwiceEvery = 32;
// A world is given up after so much CPU time: the slowest needs seconds.
inline constexpr unsigned kWorldSecondsMax = 120;

[[nodiscard]] SweepResult sweep(const SweepPlan& plan);
// The table. Returns whether it may be called a success: no failure, and, with `all_probes`, no probe that never fired.
bool print(const SweepResult& result, bool all_probes);

}  // namespace weft::sim
