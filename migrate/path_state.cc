#include "migrate/path_state.hh"

namespace weft::migrate {

const char* name_of(PathState state) noexcept {
  switch (state) {
    case PathState::kAbsent: return "absent";
    case PathState::kProbing: return "probing";
    case PathState::kStandby: return "standby";
    case PathState::kActive: return "active";
    case PathState::kSuspect: return "suspect";
    case PathState::kDraining: return "draining";
    case PathState::kDown: return "down";
  }
  return "unknown";
}

std::size_t to_dot(std::span<char> out) noexcept {
  return draw(out, "path_state", kTransitions, [](PathState s) { return name_of(s); },
              [](PathEvent e) { return share::name_of(e); });
}

}  // namespace weft::migrate
