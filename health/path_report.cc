#include "health/path_report.hh"

#include <algorithm>

#include "engine/base/fixed_vector.hh"
#include "engine/base/limits.hh"
#include "engine/base/must.hh"

namespace weft::health {
namespace {

// How long this lane has given no proof of its path, at the time of its report.
base::Duration silence_of(const share::LaneReport& lane, base::Instant at) {
  const base::Instant since =
      lane.unanswered_since == base::kNever ? lane.last_received : lane.unanswered_since;
  return std::max(at - since, base::Duration{});
}

}  // namespace

PathReport aggregate(base::PathId path, std::span<const LaneSample> lanes) noexcept {
  PathReport report;
  report.path = path;
  base::Duration silence = base::kForever, unheard = base::kForever;
  base::Instant heard_last{INT64_MIN};
  for (const LaneSample& sample : lanes) {
    MUST(sample.lane != nullptr);
    const share::LaneReport& lane = *sample.lane;
    ++report.lanes;
    report.validated = report.validated || lane.validated;
    report.probe_seq_answered = std::max(report.probe_seq_answered, lane.probe_seq_answered);
    report.last_received = std::max(report.last_received, lane.last_received);
    report.waiting = report.waiting || lane.unanswered_since != base::kNever;
    silence = std::min(silence, silence_of(lane, sample.at));
    unheard = std::min(unheard, std::max(sample.at - lane.last_received, base::Duration{}));
    report.rate_Bps += lane.rate_Bps;
    report.in_flight_bytes += lane.in_flight_bytes;
    report.cwnd_bytes += lane.cwnd_bytes;
    report.chunk_bytes += lane.chunk_bytes_in + lane.chunk_bytes_out;
    report.packets_out += lane.packets_out;
    report.packets_lost += lane.packets_lost - std::min(lane.packets_lost, lane.packets_spurious);
    if (!lane.validated || lane.srtt.ns <= 0) continue;
    if (report.rtt_min.ns == 0 || lane.rtt_min < report.rtt_min) report.rtt_min = lane.rtt_min;
    if (lane.last_received <= heard_last) continue;
    heard_last = lane.last_received;
    report.srtt = lane.srtt;
    report.rttvar = lane.rttvar;
    report.rtt_latest = lane.rtt_latest;
  }
  if (report.waiting) report.silence = silence;
  report.unheard = unheard;
  return report;
}

PathReport aggregate(base::SessionId session, base::PathId path,
                     std::span<const share::CoreReport* const> cores) noexcept {
  base::FixedVector<LaneSample, base::kCoresMax> lanes;
  for (const share::CoreReport* core : cores) {
    MUST(core->lane_count <= core->lanes.size());
    for (const share::LaneReport& lane : std::span(core->lanes).first(core->lane_count))
      if (lane.session == session && lane.path == path) MUST(lanes.try_push({&lane, core->at}));
  }
  return aggregate(path, lanes.span());
}

}  // namespace weft::health
