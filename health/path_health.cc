#include "health/path_health.hh"

#include <algorithm>

namespace weft::health {
namespace {

using share::PathEvent;
using share::PathReason;
using share::PathState;

// Of the score, by windows: half of a rate is forgotten in an hour and a half.
constexpr std::uint64_t kForgetCapacity = 8192;
// Added to a round trip: on a LAN the poll loop's part is larger than the wire's.
constexpr std::uint64_t kRttFloorUs = 100;

void enter(PathMemory& memory, const PathReport& report, base::Instant now) {
  const bool carried = share::is_usable(memory.state);
  if (!carried && share::is_usable(report.state)) {
    memory.returned = now;
    // What was lost while the other end was not there says nothing of a path that is.
    memory.loss_share.begin_at(report.packets_out, report.packets_lost);
    memory.loss.begin_at(report.packets_out, report.packets_lost);
  }
  if (carried && report.state == PathState::kDown) {
    memory.falls = now - memory.returned < kUsefulStay ? memory.falls + 1 : 1;
    memory.unrest.on_fall();
    memory.rtt_at_rest.reset();   // it comes back as another
    memory.rtt_loaded.reset();
    memory.loss.reset();
  }
  memory.state = report.state;
  memory.entered = now;
  memory.last_probe = now;
  memory.asked = 0;
  memory.last_answered = report.probe_seq_answered;
  memory.answering_since = base::kNever;
}

void note_answers(PathMemory& memory, const PathReport& report, base::Instant now) {
  const bool newer = report.probe_seq_answered > memory.last_answered;
  memory.last_answered = report.probe_seq_answered;  // smaller after lanes were made anew
  if (newer) {
    memory.last_answer = now;
    if (memory.answering_since == base::kNever) memory.answering_since = now;
  } else if (now - memory.last_answer > dead_after(report.srtt, report.rttvar)) {
    memory.answering_since = base::kNever;  // it answered and does no more
  }
}

void note_window(PathMemory& memory, const PathReport& report, base::Instant now) {
  if (now - memory.window_since < kWindow) return;
  memory.window_since = now;
  memory.loss.on_counts(report.packets_out, report.packets_lost);
  memory.unrest.fade();
  memory.capacity_Bps -= memory.capacity_Bps / kForgetCapacity;
  const bool heard = report.last_received > memory.window_heard;
  memory.window_heard = report.last_received;
  if (!heard || report.rtt_latest.ns <= 0) return;
  memory.loaded = report.cwnd_bytes > 0 && 2 * report.in_flight_bytes >= report.cwnd_bytes;
  Trend& rtt = memory.loaded ? memory.rtt_loaded : memory.rtt_at_rest;
  rtt.on_sample(log2_256(static_cast<std::uint64_t>(report.rtt_latest.us()) + kRttFloorUs));
  if (!memory.loaded) return;
  if (memory.rate_Bps == 0) memory.rate_Bps = report.rate_Bps;
  memory.rate_Bps = (7 * memory.rate_Bps + report.rate_Bps) / 8;
  memory.capacity_Bps = std::max(memory.capacity_Bps, memory.rate_Bps);
}

// Of the round trips at rest or under load, as the path is now.
const Trend& rtt_of(const PathMemory& memory) { return memory.loaded ? memory.rtt_loaded : memory.rtt_at_rest; }
bool is_watched(const PathMemory& memory) { return rtt_of(memory).is_watched() || memory.loss.is_watched(); }
std::uint16_t trend_of(const PathMemory& memory) {
  if (!share::is_usable(memory.state)) return 0;
  return std::max(rtt_of(memory).level_permille(), memory.loss.level_permille());
}
bool is_degrading(const PathMemory& memory) {
  return share::is_usable(memory.state) && (rtt_of(memory).is_alarmed() || memory.loss.is_alarmed());
}

struct Finding {
  bool has_event = false;
  PathEvent event = PathEvent::kAnswered;
  PathReason reason = PathReason::kNone;
};
constexpr Finding kNothing{};

// Of a path that carries nothing and has been asked.
Finding find_answer(const PathReport& report, const PathMemory& memory, bool needed) {
  if (!report.port_up || !report.validated || memory.answering_since == base::kNever)
    return kNothing;
  const bool held = memory.last_answer - memory.answering_since < flap_hold(memory.falls);
  if (held && !needed) return kNothing;
  return {true, PathEvent::kAnswered, PathReason::kAnswer};
}

Finding find_event(const PathReport& report, const PathMemory& memory, bool needed, base::Instant now) {
  const base::Duration silence = report.waiting ? report.silence : base::Duration{};
  const bool suspicious = silence > suspect_after(report.srtt, report.rttvar);
  const base::Duration patience = dead_after(report.srtt, report.rttvar);
  const bool dead = silence > patience;
  const bool heard = report.unheard <= patience && silence <= kDeafMax;
  switch (report.state) {
    case PathState::kAbsent:
      return kNothing;
    case PathState::kProbing:
      if (now - memory.entered >= kProbingMax && memory.answering_since == base::kNever)
        return {true, PathEvent::kDead, PathReason::kSilence};
      return find_answer(report, memory, needed);
    case PathState::kStandby:
    case PathState::kActive:
      if (!report.port_up) return {true, PathEvent::kDead, PathReason::kPortDown};
      if (suspicious) return {true, PathEvent::kSilent, PathReason::kSilence};
      return kNothing;
    case PathState::kSuspect:
      if (!report.port_up) return {true, PathEvent::kDead, PathReason::kPortDown};
      if (dead && !heard) return {true, PathEvent::kDead, PathReason::kSilence};
      if (!suspicious) return {true, PathEvent::kAnswered, PathReason::kAnswer};
      return kNothing;
    case PathState::kDraining:
      if (!report.port_up) return {true, PathEvent::kDead, PathReason::kPortDown};
      if (dead || now - memory.entered >= kDrainMax) return {true, PathEvent::kDead, PathReason::kSilence};
      if (!report.waiting && report.in_flight_bytes == 0)
        return {true, PathEvent::kDrained, PathReason::kOperator};
      return kNothing;
    case PathState::kDown:
      return find_answer(report, memory, needed);
  }
  return kNothing;
}

struct Asking {
  bool due = false;
  base::Duration interval{};   // 0: no probes
};

// Takes the probe as sent when it is due.
Asking probe(PathMemory& memory, const PathReport& report, const Company& company, const KeepAlive& options,
             std::uint8_t score, base::Instant now) {
  if (!report.port_up) return {};
  const bool in_use = share::is_in_use(report.state);
  // Something is on its way that must be answered: that is the question already.
  if (in_use && report.waiting) return {};
  // A path that is held and answers is watched closely, so that the hold measures it.
  const bool held = report.state == PathState::kDown || report.state == PathState::kProbing;
  const bool watched = held && memory.answering_since != base::kNever;
  base::Duration interval = kSuspectProbe;
  if (!watched)
    interval = probe_interval({.state = report.state, .asked = memory.asked, .unheard = now - report.last_received,
                               .idle = company.idle, .score = score}, options);
  if (in_use && is_watched(memory)) interval = std::min(interval, kWatchProbe);
  const base::Instant since =
      in_use ? std::max(memory.last_probe, report.last_received) : memory.last_probe;
  const Asking asking{now - since >= interval, interval == base::kForever ? base::Duration{} : interval};
  if (!asking.due) return asking;
  memory.last_probe = now;
  ++memory.asked;
  return asking;
}

Goodness score_of(const PathReport& report, const PathMemory& memory, const Weights& weights) {
  if (report.state == PathState::kProbing) return {.reason = PathReason::kUnmeasured};
  if (report.state == PathState::kDown)
    return {.reason = report.port_up ? PathReason::kSilence : PathReason::kPortDown};
  Goodness good = goodness({.srtt = report.srtt, .rttvar = report.rttvar, .rtt_min = report.rtt_min,
                            .loss_permille = memory.loss_share.permille(), .rate_Bps = memory.loaded ? memory.rate_Bps : 0,
                            .capacity_Bps = memory.capacity_Bps, .falls = memory.unrest.falls()},
                           weights);
  if (report.state == PathState::kSuspect) {
    good.score /= 2;  // it may be fine and it may be gone
    good.reason = PathReason::kSilence;
  }
  return good;
}

}  // namespace

share::PathVerdict judge(const PathReport& report, PathMemory& memory, const Company& company, const Settings& settings,
                         base::Instant now) noexcept {
  if (report.state == PathState::kAbsent) {
    memory = PathMemory{};
    return {.path = report.path, .reason = PathReason::kUnmeasured};
  }
  if (report.state != memory.state) enter(memory, report, now);
  note_answers(memory, report, now);
  memory.loss_share.on_counts(report.packets_out, report.packets_lost);
  note_window(memory, report, now);

  const Goodness good = score_of(report, memory, settings.weights);
  const Finding finding = find_event(report, memory, company.needed, now);
  const Asking asking = probe(memory, report, company, settings.keep_alive, good.score, now);
  return {.path = report.path,
          .has_event = finding.has_event,
          .event = finding.event,
          .reason = finding.has_event ? finding.reason : good.reason,
          .score = good.score,
          .score_reason = good.reason,
          .measure = good.measure,
          .loss_permille = memory.loss_share.permille(),
          .degrading = is_degrading(memory),
          .trend_permille = trend_of(memory),
          .probe_due = asking.due,
          .interval = asking.interval};
}

}  // namespace weft::health
