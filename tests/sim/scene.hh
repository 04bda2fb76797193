// What all parts of one world share: its seed's choices, its chances, its time, its trace, and the verdict on it.
// Owner: the world; the parts hold a reference. One thread.
#pragma once

#include "engine/base/time.hh"
#include "tests/sim/checks.hh"
#include "tests/sim/dice.hh"
#include "tests/sim/probes.hh"
#include "tests/sim/swarm.hh"
#include "tests/sim/trace.hh"

namespace weft::sim {

struct Scene {
  Scene(const Swarm& chosen, std::FILE* trace_out)
      : swarm(chosen), dice(chosen.seed ^ 0x5EED5EED5EED5EEDu), trace(trace_out) {}
  const Swarm swarm;
  Dice dice;
  Trace trace;
  Checks checks;
  Probes probes;
  base::Instant now{};                // world time; engines have clocks of their own (clock.hh)
  bool faults_on = true;              // false: no new fault of any kind
  std::uint64_t packets = 0;          // that ports took
  std::uint64_t packets_refused = 0;  // that a full receive queue dropped

  void note(Who who, What what, std::uint64_t a = 0, std::uint64_t b = 0) { trace.note(now, who, what, a, b); }
};

}  // namespace weft::sim
