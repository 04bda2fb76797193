// One path as health sees it: the reports of its lanes on all cores, drawn together.
// Called by: engine/run's control loop, once per path and tick. Pure values, control thread.
//
// How lanes are drawn together: traffic adds up; round-trip times are those of the lane heard last
// (an idle lane's figures are old), the floor is the lowest of all. A path is as silent as its
// *least* silent lane, because one answering lane proves the path, and a lane with a fault of its
// own is the data core's affair. A lane that waits for nothing counts from what it heard last.
// Silence is counted up to the core's own report, not up to now: a core that was put aside by the
// kernel for 50 ms has not heard anything because it has not listened.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/time.hh"
#include "engine/base/types.hh"
#include "engine/share/report.hh"
#include "engine/share/table.hh"

namespace weft::health {

struct PathReport {
  base::PathId path{};
  share::PathState state = share::PathState::kAbsent;   // as migrate has it now
  bool port_up = true;                                  // our port's link state
  // From here on made by aggregate().
  bool validated = false;               // any lane
  std::uint32_t lanes = 0;              // one per core that has the path
  std::uint32_t probe_seq_answered = 0; // newest of all lanes
  base::Instant last_received{};        // newest of all lanes
  bool waiting = false;                 // something sent is not answered
  base::Duration silence{};             // for how long; 0 when not waiting
  base::Duration unheard{};             // since the newest authentic packet of any lane, at that core's report
  base::Duration srtt{}, rttvar{}, rtt_min{}, rtt_latest{};
  std::uint64_t rate_Bps = 0;
  std::uint64_t in_flight_bytes = 0, cwnd_bytes = 0;
  std::uint64_t chunk_bytes = 0;        // in and out, since the lanes were made
  std::uint64_t packets_out = 0, packets_lost = 0;      // lost: without the spurious ones
};

// One lane's part of a CoreReport, with that report's time.
struct LaneSample {
  const share::LaneReport* lane = nullptr;   // outlives the call
  base::Instant at{};
};

// `state` and `port_up` are the caller's to set afterwards.
[[nodiscard]] PathReport aggregate(base::PathId path, std::span<const LaneSample> lanes) noexcept;
// The same, picking the path's lanes from the reports of all cores: at most one lane per core.
[[nodiscard]] PathReport aggregate(base::SessionId session, base::PathId path,
                                   std::span<const share::CoreReport* const> cores) noexcept;

}  // namespace weft::health
