// The health of one path: judges a report, in the light of what came before, and says what follows.
// Pure: judge() is a function of (report, memory, now); the memory is a value that can be printed.
//
// The idea: asking costs packets and proves little, traffic proves everything. A path that carries
// acknowledged data is never probed. Something sent and unanswered is the only evidence of
// trouble, so a path without traffic is asked now and then, and the question is that something.
//
//   state       event       when
//   probing     kAnswered   a challenge was answered        kDead    none for kProbingMax
//   active,     kSilent     waiting longer than suspect_after()
//   standby
//   suspect     kAnswered   the wait ended                  kDead    waiting longer than dead_after()
//   down        kAnswered   a challenge sent after the fall was answered, and for a path that flaps,
//                           answers kept coming for flap_hold()
//   draining    kDrained    nothing in flight               kDead    waiting longer than dead_after()
//   any but down, probing   kDead at once when our port is down
//
// Not here: what an event does to the state (migrate/path_state.hh).
#pragma once

#include <cstdint>

#include "engine/base/time.hh"
#include "engine/share/path_event.hh"
#include "health/path_report.hh"

namespace weft::health {

struct PathMemory {
  share::PathState state = share::PathState::kAbsent;  // as last judged
  base::Instant entered{};               // when that state was first seen
  base::Instant next_probe{};
  std::uint32_t asked = 0;               // probes since `entered`
  std::uint32_t answered_at_entry = 0;   // probe_seq_answered then
  std::uint32_t last_answered = 0;       // probe_seq_answered as last judged
  base::Instant answering_since{};       // kNever while no answer came in this state
  base::Instant last_answer{};
  std::uint32_t falls = 0;               // to down, within kFlapMemory of each other
  base::Instant last_fall{};
  std::uint64_t packets_out = 0, packets_lost = 0;     // as last judged
  std::uint32_t loss_permille = 0;       // smoothed
};

[[nodiscard]] share::PathVerdict judge(const PathReport& report, PathMemory& memory,
                                       base::Instant now) noexcept;

}  // namespace weft::health
