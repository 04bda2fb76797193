// BBR's cycle: less than the path takes (kDown), as much (kCruise), filled again (kRefill), more (kUp).
#include <algorithm>

#include "sched/arith.hh"
#include "sched/bbr.hh"

namespace weft::sched {
namespace {

constexpr std::uint64_t kHeadroomPercent = 15;
// Probing each so many round trips leaves Reno its share of a short path ("IsRenoCoexistenceProbeTime").
constexpr std::uint64_t kCoexistenceRoundsMax = 63;
constexpr base::Duration kProbeWait = base::seconds(2);
constexpr std::uint32_t kProbeWaitMoreMs = 1000;       // by chance, so that lanes do not probe in step
constexpr std::uint32_t kSlopeRoundsMax = 30;

}  // namespace

// "UpdateProbeBWCyclePhase"
void Bbr::update_cycle(const AckedEvent& event, base::Instant now) noexcept {
  if (!full_once_) return;
  adapt_long_term(event, now);
  switch (state_) {
    case State::kDown:
      if (probe_is_due(now)) return start_refill();
      if (event.in_flight_bytes <= with_headroom() &&
          event.in_flight_bytes <= flight_for(model_.max_bandwidth_Bps(), 100))
        enter(State::kCruise);
      return;
    case State::kCruise:
      if (probe_is_due(now)) start_refill();
      return;
    case State::kRefill:
      if (!model_.round_started()) return;
      probe_samples_ = true;   // what was sent since the refill began is now acknowledged: losses count
      return start_up(event);
    case State::kUp:
      if (probe_is_over(event)) start_down(now);
      return;
    case State::kStartup: case State::kDrain: case State::kProbeRtt: return;
  }
}

// "AdaptLongTermModel"
void Bbr::adapt_long_term(const AckedEvent& event, base::Instant now) noexcept {
  if (probe_ends_ && model_.round_started()) {
    probe_ends_ = probe_samples_ = false;
    if (in_probe_bw() && !event.sample.app_limited) model_.advance_bandwidth_window();
  }
  const std::uint64_t in_flight = event.sample.in_flight_bytes;
  if (BbrModel::is_too_much(event.lost_bytes, in_flight)) {
    if (probe_samples_) flight_was_too_much(in_flight, event.sample.app_limited, now);
    return;
  }
  if (model_.long_term_bytes() == BbrModel::kNoBound) return;
  if (in_flight > model_.long_term_bytes()) model_.set_long_term(in_flight);
  if (state_ == State::kUp) raise_long_term(event);
}

// "ProbeInflightLongtermUpward": by one packet per window at first, by twice as many in each further round.
void Bbr::raise_long_term(const AckedEvent& event) noexcept {
  if (!event.window_limited || window_ < model_.long_term_bytes()) return;
  slope_acked_bytes_ += event.bytes;
  if (slope_acked_bytes_ >= slope_every_bytes_) {
    const std::uint64_t packets = slope_acked_bytes_ / slope_every_bytes_;
    slope_acked_bytes_ -= packets * slope_every_bytes_;
    model_.set_long_term(model_.long_term_bytes() + packets * packet_bytes_);
  }
  if (model_.round_started()) raise_slope();
}

void Bbr::raise_slope() noexcept {
  const std::uint64_t packets = std::uint64_t{1} << slope_rounds_;
  slope_rounds_ = std::min(slope_rounds_ + 1, kSlopeRoundsMax);
  slope_every_bytes_ = std::max(window_ / packets, packet_bytes_);
}

void Bbr::start_down(base::Instant now) noexcept {
  model_.forget_signals();
  cycle_since_ = now;
  rounds_since_probe_ = prng_.below(2);
  probe_wait_ = kProbeWait + base::milliseconds(prng_.below(kProbeWaitMoreMs));
  probe_ends_ = true;
  model_.start_round();
  enter(State::kDown);
}

void Bbr::start_refill() noexcept {
  model_.forget_short_term();
  slope_rounds_ = 0;
  slope_acked_bytes_ = 0;
  probe_ends_ = false;
  model_.start_round();
  enter(State::kRefill);
}

void Bbr::start_up(const AckedEvent& event) noexcept {
  model_.start_round();
  restart_plateau(event.sample.rate_Bps);
  enter(State::kUp);
  raise_slope();
}

bool Bbr::probe_is_due(base::Instant now) const noexcept {
  const std::uint64_t reno_rounds = std::min(target_flight() / packet_bytes_, kCoexistenceRoundsMax);
  return now - cycle_since_ > probe_wait_ || rounds_since_probe_ >= reno_rounds;
}

// "IsTimeToGoDown": the bound is the limit, and was not reached before: then the plateau is judged anew.
bool Bbr::probe_is_over(const AckedEvent& event) noexcept {
  if (event.window_limited && window_ >= model_.long_term_bytes()) {
    restart_plateau(event.sample.rate_Bps);
    return false;
  }
  return full_now_;
}

std::uint64_t Bbr::with_headroom() const noexcept {
  const std::uint64_t bound = model_.long_term_bytes();
  if (bound == BbrModel::kNoBound) return bound;
  const std::uint64_t headroom = std::max(bound * kHeadroomPercent / 100, packet_bytes_);
  return std::max(bound > headroom ? bound - headroom : 0, min_window());
}

std::uint64_t Bbr::target_flight() const noexcept {
  return std::min(model_.bdp_bytes(model_.bandwidth_Bps(), 100), window_);
}

void Bbr::on_lost(const LostEvent& event, base::Instant now) noexcept {
  model_.on_lost();
  if (event.packet_number != lost_last_ + 1) ++loss_runs_;
  lost_last_ = event.packet_number;
  if (!probe_samples_) return;   // only a probe tells how much is too much
  if (!BbrModel::is_too_much(event.lost_bytes, event.in_flight_bytes)) return;
  // "InflightAtLoss": how much was in flight before this packet when the losses passed the threshold.
  const std::uint64_t before = event.in_flight_bytes - std::min(event.in_flight_bytes, event.bytes);
  const std::uint64_t lost_before = event.lost_bytes - std::min(event.lost_bytes, event.bytes);
  const std::uint64_t allowed = BbrModel::kLossPercent * before;
  const std::uint64_t prefix =
      allowed > 100 * lost_before ? (allowed - 100 * lost_before) / (100 - BbrModel::kLossPercent) : 0;
  flight_was_too_much(before + prefix, event.app_limited, now);
}

// "HandleInflightTooHigh"
void Bbr::flight_was_too_much(std::uint64_t in_flight, bool app_limited, base::Instant now) noexcept {
  probe_samples_ = false;
  if (!app_limited)
    model_.set_long_term(
        std::max(in_flight, target_flight() / BbrModel::kBetaDenominator * BbrModel::kBetaNumerator));
  if (state_ == State::kUp) start_down(now);
}

}  // namespace weft::sched
