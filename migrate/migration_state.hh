// The life of a migration: the table that says which event leads where, as path_state.hh does for one path.
// Pure, constexpr; drawn by to_dot() and compared with tests/golden/migration_state.dot.
//
//              kBegin                kSettled
//   stable -------------> migrating -----------> completed ---- kRest ---> stable
//                          ^     |
//                   kBegin |     +- kTargetLost, kTrialFailed, kTimedOut, kSuperseded ---> failed ---- kRest ---> stable
//                          |                                                                 |
//                          +-------- from completed and failed too --------------------------+
//
//   Failed with the paths before it restored, but where it was superseded: then what superseded it counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "migrate/transition_table.hh"

namespace weft::migrate {

enum class MigrationState : std::uint8_t { kStable, kMigrating, kCompleted, kFailed, kCount };
enum class MigrationEvent : std::uint8_t {
  kBegin,
  kSettled,        // the trial is over, and it is no worse
  kTargetLost,     // no path that it leads to works
  kTrialFailed,    // they are worse than those before
  kTimedOut,
  kSuperseded,     // the operator or the peer has decided otherwise meanwhile
  kRest,           // it has been seen for a while
  kCount,
};

using MigrationTransition = TransitionOf<MigrationState, MigrationEvent>;
inline constexpr std::array kMigrationTransitions = {
    MigrationTransition{MigrationState::kStable, MigrationEvent::kBegin, MigrationState::kMigrating},
    MigrationTransition{MigrationState::kCompleted, MigrationEvent::kBegin, MigrationState::kMigrating},
    MigrationTransition{MigrationState::kFailed, MigrationEvent::kBegin, MigrationState::kMigrating},

    MigrationTransition{MigrationState::kMigrating, MigrationEvent::kSettled, MigrationState::kCompleted},
    MigrationTransition{MigrationState::kMigrating, MigrationEvent::kTargetLost, MigrationState::kFailed},
    MigrationTransition{MigrationState::kMigrating, MigrationEvent::kTrialFailed, MigrationState::kFailed},
    MigrationTransition{MigrationState::kMigrating, MigrationEvent::kTimedOut, MigrationState::kFailed},
    MigrationTransition{MigrationState::kMigrating, MigrationEvent::kSuperseded, MigrationState::kFailed},

    MigrationTransition{MigrationState::kCompleted, MigrationEvent::kRest, MigrationState::kStable},
    MigrationTransition{MigrationState::kFailed, MigrationEvent::kRest, MigrationState::kStable},
};
inline constexpr std::size_t kMigrationStates = static_cast<std::size_t>(MigrationState::kCount);
inline constexpr std::size_t kMigrationEvents = static_cast<std::size_t>(MigrationEvent::kCount);

[[nodiscard]] constexpr std::optional<MigrationState> next(MigrationState from, MigrationEvent event) noexcept {
  return target_of(kMigrationTransitions, from, event);
}

// Whatever happens, it is stable again after two events at the most: none hangs.
[[nodiscard]] constexpr bool every_migration_ends() {
  for (std::size_t e = 0; e < kMigrationEvents; ++e) {
    const auto to = next(MigrationState::kMigrating, static_cast<MigrationEvent>(e));
    if (to && next(*to, MigrationEvent::kRest) != MigrationState::kStable) return false;
  }
  return next(MigrationState::kMigrating, MigrationEvent::kTimedOut).has_value();
}
static_assert(one_target_per_event(kMigrationTransitions));
static_assert(every_transition_moves(kMigrationTransitions));
static_assert(every_migration_ends());

[[nodiscard]] const char* name_of(MigrationState state) noexcept;
[[nodiscard]] const char* name_of(MigrationEvent event) noexcept;
[[nodiscard]] std::size_t migration_to_dot(std::span<char> out) noexcept;   // draw() of the table

}  // namespace weft::migrate
