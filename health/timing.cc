#include "health/timing.hh"

#include <algorithm>
#include <array>

namespace weft::health {
namespace {
constexpr base::Duration kGranularity = base::microseconds(100);
constexpr base::Duration kPeerAckDelay = base::milliseconds(1);
constexpr base::Duration kPtoMin = base::milliseconds(5);
// Seconds, by steps of the score: 0, 20, 40, 60, and 80 to 100.
constexpr std::uint8_t kStep = 20;
constexpr std::array<std::int64_t, 5> kKeepAliveS{5, 15, 30, 60, 120};
}  // namespace

base::Duration pto(base::Duration srtt, base::Duration rttvar) noexcept {
  return std::max(srtt + std::max(4 * rttvar, kGranularity) + kPeerAckDelay, kPtoMin);
}

base::Duration suspect_after(base::Duration srtt, base::Duration rttvar) noexcept {
  return std::max(3 * srtt, 2 * pto(srtt, rttvar));
}

base::Duration dead_after(base::Duration srtt, base::Duration rttvar) noexcept {
  return std::max({3 * pto(srtt, rttvar), suspect_after(srtt, rttvar), kDeadAfterMin});
}

base::Duration keep_alive_interval(std::uint8_t score, const KeepAlive& options) noexcept {
  if (!options.adaptive) return options.max;
  const std::size_t step = std::min<std::size_t>(score / kStep, kKeepAliveS.size() - 1);
  base::Duration interval = base::seconds(kKeepAliveS[step]);
  if (options.smooth && step + 1 < kKeepAliveS.size())
    interval += base::seconds(1) * (kKeepAliveS[step + 1] - kKeepAliveS[step]) * (score % kStep) / kStep;
  return std::clamp(interval, options.min, options.max);
}

Activity activity_of(base::Duration idle) noexcept {
  if (idle < kActiveFor) return Activity::kActive;
  return idle < kDormantAfter ? Activity::kInactive : Activity::kDormant;
}

base::Duration look_every(Activity activity) noexcept {
  switch (activity) {
    case Activity::kActive: return {};
    case Activity::kInactive: return base::milliseconds(100);
    case Activity::kDormant: return base::milliseconds(250);
  }
  return {};
}

const char* name_of(Activity activity) noexcept {
  constexpr std::array kNames{"active", "inactive", "dormant"};
  return kNames[static_cast<std::size_t>(activity)];
}

base::Duration probe_interval(const ProbeCase& at, const KeepAlive& options) noexcept {
  switch (at.state) {
    case share::PathState::kProbing:
      if (at.asked == 0) return {};
      return std::min(kProbeFirst * (std::int64_t{1} << std::min(at.asked - 1, 10u)), kProbeSlowest);
    case share::PathState::kDown:
      return at.asked == 0 ? base::Duration{} : std::clamp(at.unheard / kDownProbeShare, kSuspectProbe, kProbeSlowest);
    case share::PathState::kSuspect:
      return at.asked == 0 ? base::Duration{} : kSuspectProbe;
    case share::PathState::kStandby:
    case share::PathState::kActive: {
      const base::Duration most = keep_alive_interval(at.score, options);
      return std::clamp(at.idle / kIdleShare, std::min(kIdleProbe, most), most);
    }
    case share::PathState::kAbsent:
    case share::PathState::kDraining:
      break;
  }
  return base::kForever;
}

base::Duration flap_hold(std::uint32_t falls) noexcept {
  if (falls < 2) return {};
  return std::min(kFlapHold * (std::int64_t{1} << std::min(falls - 2, 10u)), kFlapHoldMax);
}

}  // namespace weft::health
