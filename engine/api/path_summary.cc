#include "engine/api/path_summary.hh"

#include <algorithm>

namespace weft::api {
namespace {

// A loss found spurious later is no loss. Both counters are the lane's own and only grow; they are read together.
std::uint64_t really_lost(const share::LaneReport& lane) {
  return lane.packets_lost - std::min(lane.packets_lost, lane.packets_spurious);
}

}  // namespace

PathSummary summarize(const run::PathStatus& path, base::Instant now) {
  PathSummary sum;
  base::Instant last_received{};
  for (const auto& [core, lane] : path.lanes) {
    if (lane.validated) ++sum.lanes_validated;
    if (lane.srtt.ns > 0 && (sum.srtt.ns == 0 || lane.srtt < sum.srtt)) {
      sum.srtt = lane.srtt;
      sum.rttvar = lane.rttvar;
    }
    if (lane.rtt_min.ns > 0 && (sum.rtt_min.ns == 0 || lane.rtt_min < sum.rtt_min)) sum.rtt_min = lane.rtt_min;
    sum.rate_Bps += lane.rate_Bps;
    sum.cwnd_bytes += lane.cwnd_bytes;
    sum.in_flight_bytes += lane.in_flight_bytes;
    sum.packets_in += lane.packets_in;
    sum.packets_out += lane.packets_out;
    sum.packets_lost += really_lost(lane);
    sum.bytes_in += lane.bytes_in;
    sum.bytes_out += lane.bytes_out;
    sum.chunk_bytes_in += lane.chunk_bytes_in;
    sum.chunk_bytes_out += lane.chunk_bytes_out;
    sum.chunk_bytes_again += lane.chunk_bytes_again;
    sum.chunk_bytes_redundant += lane.chunk_bytes_redundant;
    sum.chunk_bytes_duplicate += lane.chunk_bytes_duplicate;
    sum.probe_bytes_out += lane.probe_bytes_out;
    if (lane.packets_in > 0) last_received = std::max(last_received, lane.last_received);
  }
  sum.validated = sum.lanes_validated > 0;
  // A report may be younger than `now`: both are read from one clock, but not at one moment.
  if (sum.packets_in > 0) sum.silent_ms = std::max<std::int64_t>(0, (now - last_received).ms());
  return sum;
}

}  // namespace weft::api
