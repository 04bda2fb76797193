#include "health/timing.hh"

#include <algorithm>

namespace weft::health {
namespace {
constexpr base::Duration kGranularity = base::microseconds(100);
constexpr base::Duration kPeerAckDelay = base::milliseconds(1);
constexpr base::Duration kPtoMin = base::milliseconds(5);
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

base::Duration keep_alive_interval(std::uint8_t score) noexcept {
  if (score >= 80) return base::seconds(120);
  if (score >= 60) return base::seconds(60);
  if (score >= 40) return base::seconds(30);
  if (score >= 20) return base::seconds(15);
  return base::seconds(5);
}

base::Duration probe_interval(share::PathState state, std::uint32_t asked, base::Duration unheard,
                              std::uint8_t score) noexcept {
  switch (state) {
    case share::PathState::kProbing:
      if (asked == 0) return {};
      return std::min(kProbeFirst * (std::int64_t{1} << std::min(asked - 1, 10u)), kProbeSlowest);
    case share::PathState::kDown:
      return asked == 0 ? base::Duration{} : std::clamp(unheard / kDownProbeShare, kSuspectProbe, kProbeSlowest);
    case share::PathState::kSuspect:
      return asked == 0 ? base::Duration{} : kSuspectProbe;
    case share::PathState::kStandby:
    case share::PathState::kActive:
      return std::min(keep_alive_interval(score), kIdleProbe);
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
