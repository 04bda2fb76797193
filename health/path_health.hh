// The health of one path: judges a report, in the light of what came before, and says what follows.
// Pure: judge() is a function of its arguments; the memory is a value that can be printed.
//
// The idea: asking costs packets and proves little, traffic proves everything. A path that carries
// acknowledged data is never probed. Something sent and unanswered is the only evidence of
// trouble, so a path without traffic is asked now and then, and the question is that something.
//
//   state       event       when
//   probing     kAnswered   as down                      kDead    no answer for kProbingMax
//   active,     kSilent     waiting longer than suspect_after()
//   standby
//   suspect     kAnswered   the wait ended               kDead    waiting longer than dead_after(), and heard nothing for
//                                                                  as long, or waiting longer than kDeafMax
//   down        kAnswered   a challenge was answered since the fall, and for a path whose stays are too short to
//                           be useful, answers kept coming for flap_hold(), unless it is needed
//   draining    kDrained    nothing in flight            kDead    waiting longer than dead_after(), or for kDrainMax
//   any but down, probing   kDead at once when our port is down
//
// Not here: what an event does to the state (migrate/path_state.hh).
#pragma once

#include <cstdint>

#include "engine/base/time.hh"
#include "engine/share/path_event.hh"
#include "health/fading.hh"
#include "health/goodness.hh"
#include "health/path_report.hh"
#include "health/timing.hh"
#include "health/trend.hh"

namespace weft::health {

// Loss is judged over this many packets: enough to see 1 %, few enough to forget within a second.
inline constexpr std::uint64_t kLossWindow = 4096;
// Fewer packets than this say little about loss.
inline constexpr std::uint64_t kLossSampleMin = 64;

// What the operator sets.
struct Settings {
  Weights weights;
  KeepAlive keep_alive;
};

// The other paths of the session.
struct Company {
  bool needed = false;             // none is in use: then one that flaps is better than none
  base::Duration idle{};           // since any carried data
};

// Figures of the early warning and the score are taken once per window, from what was heard in it.
inline constexpr base::Duration kWindow = base::seconds(1);
// A deviation below this, 4 % of the round trip, is none of the path's.
inline constexpr std::int64_t kRttNoise = 16;
// A path of which something may be rising is asked at least this often.
inline constexpr base::Duration kWatchProbe = base::seconds(1);

struct PathMemory {
  share::PathState state = share::PathState::kAbsent;  // as last judged
  base::Instant entered{};               // when that state was first seen
  base::Instant last_probe{};
  std::uint32_t asked = 0;               // probes since `entered`
  std::uint32_t last_answered = 0;       // probe_seq_answered as last judged
  base::Instant answering_since{};       // kNever while no answer came in this state
  base::Instant last_answer{};
  std::uint32_t falls = 0;               // to down, each but the first after less than kUsefulStay
  base::Instant returned{};              // when it last began to carry data
  LossShare loss_share{kLossWindow, kLossSampleMin};   // of packets
  base::Instant window_since{}, window_heard{};        // the last window's end; last_received then
  Trend rtt_at_rest{kRttNoise}, rtt_loaded{kRttNoise}; // log2 of the round trip in us, in 1/256: what a load adds is no trend
  LossTrend loss;
  bool loaded = false;                                 // it had more to send than it took
  std::uint64_t rate_Bps = 0, capacity_Bps = 0;        // under load: over some seconds; the best of the last hours
  Unrest unrest{kWindow};
};

[[nodiscard]] share::PathVerdict judge(const PathReport& report, PathMemory& memory, const Company& company,
                                       const Settings& settings, base::Instant now) noexcept;

}  // namespace weft::health
