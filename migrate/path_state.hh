// The life of one path: the one table that says which event leads where.
// Pure, constexpr; drawn by to_dot() and compared with tests/golden/path_state.dot.
//
//              kAdd             kAnswered                kSilent
//   (absent) --------> probing -----------> active <---------------> suspect
//       ^                |  ^                 | ^       kAnswered       |
//       | kRemove        |  | kRetry   kRemove| |kAnswered              | kDead
//       |                v  |                 v |                       |
//       +------------- (down) <-----------draining, and from active, standby, suspect by kDead
//
//   A backup path goes where a primary would, with standby in the place of active.
//   Suspect keeps the lanes and their numbers: what was sent may still be acknowledged.
//   Draining takes nothing new and ends by kDrained, or by kDead.
//   A pair that is not listed changes nothing; migrate/path_book counts it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "engine/share/path_event.hh"
#include "engine/share/table.hh"
#include "migrate/transition_table.hh"

namespace weft::migrate {

using share::PathEvent;
using share::PathState;

using Transition = TransitionOf<PathState, PathEvent>;

inline constexpr std::array kTransitions = {
    Transition{PathState::kAbsent, PathEvent::kAdd, PathState::kProbing},

    Transition{PathState::kProbing, PathEvent::kAnswered, PathState::kActive},
    Transition{PathState::kProbing, PathEvent::kAnsweredAsBackup, PathState::kStandby},
    Transition{PathState::kProbing, PathEvent::kDead, PathState::kDown},
    Transition{PathState::kProbing, PathEvent::kRemove, PathState::kAbsent},

    Transition{PathState::kStandby, PathEvent::kMakePrimary, PathState::kActive},
    Transition{PathState::kStandby, PathEvent::kSilent, PathState::kSuspect},
    Transition{PathState::kStandby, PathEvent::kDead, PathState::kDown},
    Transition{PathState::kStandby, PathEvent::kRemove, PathState::kDraining},

    Transition{PathState::kActive, PathEvent::kMakeBackup, PathState::kStandby},
    Transition{PathState::kActive, PathEvent::kSilent, PathState::kSuspect},
    Transition{PathState::kActive, PathEvent::kDead, PathState::kDown},
    Transition{PathState::kActive, PathEvent::kRemove, PathState::kDraining},

    Transition{PathState::kSuspect, PathEvent::kAnswered, PathState::kActive},
    Transition{PathState::kSuspect, PathEvent::kAnsweredAsBackup, PathState::kStandby},
    Transition{PathState::kSuspect, PathEvent::kDead, PathState::kDown},
    Transition{PathState::kSuspect, PathEvent::kRemove, PathState::kDraining},

    Transition{PathState::kDraining, PathEvent::kDrained, PathState::kAbsent},
    Transition{PathState::kDraining, PathEvent::kDead, PathState::kAbsent},

    Transition{PathState::kDown, PathEvent::kAnswered, PathState::kActive},
    Transition{PathState::kDown, PathEvent::kAnsweredAsBackup, PathState::kStandby},
    Transition{PathState::kDown, PathEvent::kRetry, PathState::kProbing},
    Transition{PathState::kDown, PathEvent::kRemove, PathState::kAbsent},
};

inline constexpr std::size_t kStates = static_cast<std::size_t>(PathState::kDown) + 1;
inline constexpr std::size_t kEvents = static_cast<std::size_t>(PathEvent::kCount);

[[nodiscard]] constexpr std::optional<PathState> next(PathState from, PathEvent event) noexcept {
  return target_of(kTransitions, from, event);
}

// From every state a path can be removed in the end, by at most two events.
[[nodiscard]] constexpr bool every_state_can_end() {
  for (std::size_t s = 1; s < kStates; ++s) {
    const auto removed = next(static_cast<PathState>(s), PathEvent::kRemove);
    const PathState then = removed.value_or(static_cast<PathState>(s));
    if (then == PathState::kAbsent) continue;
    if (next(then, PathEvent::kDrained) != PathState::kAbsent) return false;
  }
  return true;
}
static_assert(one_target_per_event(kTransitions));
static_assert(every_transition_moves(kTransitions));
static_assert(every_state_can_end());

[[nodiscard]] const char* name_of(PathState state) noexcept;
[[nodiscard]] std::size_t to_dot(std::span<char> out) noexcept;   // draw() of the table

}  // namespace weft::migrate
