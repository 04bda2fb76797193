#include "sched/bbr.hh"

#include <algorithm>

#include "engine/base/must.hh"
#include "sched/arith.hh"

namespace weft::sched {
namespace {

struct Gains { std::uint64_t pace, window; };   // percent, by State
constexpr Gains kGains[] = {{277, 200}, {50, 200}, {90, 200}, {100, 200}, {100, 200}, {125, 225}, {100, 50}};

const Gains& gains_of(Bbr::State state) { return kGains[static_cast<std::size_t>(state)]; }

constexpr std::uint64_t kPacingPercent = 99;            // "PacingMarginPercent" below what was measured
constexpr std::uint64_t kMinWindow = 4;                 // packets, "MinPipeCwnd"
constexpr std::uint64_t kGrowthPercent = 125;           // what a round must bring, or it is a plateau
constexpr std::uint32_t kPlateauRounds = 3;
constexpr std::uint32_t kStartupLossRuns = 6;           // "StartupFullLossCnt"
constexpr base::Duration kProbeRttTime = base::milliseconds(200);
// A send quantum: what one turn may send at once; three of them must fit, or bunched sends alone would be the limit.
constexpr std::uint64_t kQuantumMax = 64 << 10;
constexpr std::uint64_t kQuantaInFlight = 3;

}  // namespace

Bbr::Bbr(std::uint32_t packet_bytes, std::uint64_t seed) noexcept
    : packet_bytes_(packet_bytes), prng_(seed), window_(initial_window(packet_bytes)) {
  MUST(packet_bytes > 0);
  MUST(packet_bytes <= UINT16_MAX);
}

void Bbr::reset() noexcept { *this = Bbr(static_cast<std::uint32_t>(packet_bytes_), prng_.next()); }

void Bbr::on_acked(const AckedEvent& event, base::Instant now) noexcept {
  model_.on_acked(event, probes_bandwidth(), full_once_, window_, now);
  if (model_.round_started()) ++rounds_since_probe_;
  check_plateau(event);
  check_startup_losses(event);
  if (state_ == State::kStartup && full_once_) enter(State::kDrain);
  if (state_ == State::kDrain && event.in_flight_bytes <= flight_for(model_.max_bandwidth_Bps(), 100)) start_down(now);
  update_cycle(event, now);
  model_.update_min_rtt(event.rtt, now);
  check_probe_rtt(event, now);
  model_.end_ack(event);
  set_pacing(gains_of(state_).pace);
  set_window(event);
}

// ---- is the pipe full? ("CheckFullBWReached")

void Bbr::restart_plateau(std::uint64_t rate_Bps) noexcept {
  plateau_Bps_ = rate_Bps;
  plateau_rounds_ = 0;
  full_now_ = false;
}

void Bbr::check_plateau(const AckedEvent& event) noexcept {
  if (full_now_ || event.sample.rate_Bps == 0 || event.sample.app_limited) return;
  if (event.sample.rate_Bps >= plateau_Bps_ / 100 * kGrowthPercent) return restart_plateau(event.sample.rate_Bps);
  if (!model_.round_started()) return;
  full_now_ = ++plateau_rounds_ >= kPlateauRounds;
  full_once_ = full_once_ || full_now_;
}

// "CheckStartupHighLoss", at the end of each round.
void Bbr::check_startup_losses(const AckedEvent& event) noexcept {
  if (full_once_ || !model_.loss_round_started()) return;
  if (loss_runs_ >= kStartupLossRuns && BbrModel::is_too_much(event.lost_bytes, event.sample.in_flight_bytes)) {
    full_once_ = true;
    model_.set_long_term(std::max(flight_for(model_.max_bandwidth_Bps(), 100), model_.latest_in_flight_bytes()));
  }
  loss_runs_ = 0;
}

void Bbr::on_persistent_congestion() noexcept { window_ = min_window(); }

void Bbr::on_flight_starts(const FlightStart& start, base::Instant now) noexcept {
  if (!start.app_limited) return;
  from_idle_ = true;   // a pause is no reason to measure the round trip by another pause
  model_.restart_aggregation(now);
  if (in_probe_bw()) set_pacing(100);
  else if (state_ == State::kProbeRtt && now >= probe_rtt_until_) end_probe_rtt(now);
}

// ---- the shortest round trip

void Bbr::check_probe_rtt(const AckedEvent& event, base::Instant now) noexcept {
  if (state_ != State::kProbeRtt && model_.probe_rtt_due() && !from_idle_) {
    window_before_ = window_;
    probe_rtt_until_ = base::kNever;
    probe_ends_ = true;
    model_.start_round();
    enter(State::kProbeRtt);
  }
  if (event.sample.delivered_bytes > 0) from_idle_ = false;
  if (state_ != State::kProbeRtt) return;
  if (probe_rtt_until_ == base::kNever) {
    if (event.in_flight_bytes > probe_rtt_window()) return;
    probe_rtt_until_ = now + kProbeRttTime;
    probe_rtt_round_ = false;
    model_.start_round();
    return;
  }
  probe_rtt_round_ = probe_rtt_round_ || model_.round_started();
  if (probe_rtt_round_ && now >= probe_rtt_until_) end_probe_rtt(now);
}

void Bbr::end_probe_rtt(base::Instant now) noexcept {
  model_.postpone_probe_rtt(now);
  window_ = std::max(window_, window_before_);
  model_.forget_short_term();
  if (!full_once_) return enter(State::kStartup);
  start_down(now);
  enter(State::kCruise);
}

// ---- rate and window

void Bbr::set_pacing(std::uint64_t gain_percent) noexcept {
  const std::uint64_t rate = mul_div(model_.bandwidth_Bps(), gain_percent * kPacingPercent, 100 * 100);
  if (rate > 0 && (full_once_ || rate > pacing_Bps_)) pacing_Bps_ = rate;
}

std::uint64_t Bbr::min_window() const noexcept { return kMinWindow * packet_bytes_; }

std::uint64_t Bbr::at_least_quantum(std::uint64_t bytes) const noexcept {
  const std::uint64_t quantum = std::max(std::min(pacing_Bps_ / 1000, kQuantumMax), 2 * packet_bytes_);
  const std::uint64_t enough = std::max({bytes, kQuantaInFlight * quantum, min_window()});
  return state_ == State::kUp && enough < BbrModel::kNoBound ? enough + 2 * packet_bytes_ : enough;
}

std::uint64_t Bbr::flight_for(std::uint64_t bandwidth_Bps, std::uint64_t gain_percent) const noexcept {
  const std::uint64_t bdp = model_.bdp_bytes(bandwidth_Bps, gain_percent);
  return bdp == BbrModel::kNoBound ? initial_window(packet_bytes_) : at_least_quantum(bdp);
}

std::uint64_t Bbr::probe_rtt_window() const noexcept {
  const std::uint64_t bdp = model_.bdp_bytes(model_.bandwidth_Bps(), gains_of(State::kProbeRtt).window);
  return std::max(bdp == BbrModel::kNoBound ? 0 : bdp, min_window());
}

// "BoundCwndForModel"
std::uint64_t Bbr::window_bound() const noexcept {
  std::uint64_t bound = BbrModel::kNoBound;
  if (in_probe_bw() && state_ != State::kCruise) bound = model_.long_term_bytes();
  else if (state_ == State::kProbeRtt || state_ == State::kCruise) bound = with_headroom();
  return std::max(std::min(bound, model_.short_term_bytes()), min_window());
}

void Bbr::set_window(const AckedEvent& event) noexcept {
  const std::uint64_t bdp = model_.bdp_bytes(model_.bandwidth_Bps(), gains_of(state_).window);
  if (bdp == BbrModel::kNoBound || model_.max_bandwidth_Bps() == 0) return;   // nothing measured yet
  const std::uint64_t wanted = at_least_quantum(bdp + model_.extra_acked_bytes());
  if (full_once_) window_ = std::min(window_ + event.bytes, wanted);
  else if (window_ < wanted || event.delivered_bytes < initial_window(packet_bytes_)) window_ += event.bytes;
  window_ = std::max(window_, min_window());
  if (state_ == State::kProbeRtt) window_ = std::min(window_, probe_rtt_window());
  window_ = std::min(window_, window_bound());
}

}  // namespace weft::sched
