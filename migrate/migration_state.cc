#include "migrate/migration_state.hh"

namespace weft::migrate {

const char* name_of(MigrationState state) noexcept {
  switch (state) {
    case MigrationState::kStable: return "stable";
    case MigrationState::kMigrating: return "migrating";
    case MigrationState::kCompleted: return "completed";
    case MigrationState::kFailed: return "failed";
    case MigrationState::kCount: break;
  }
  return "unknown";
}

const char* name_of(MigrationEvent event) noexcept {
  switch (event) {
    case MigrationEvent::kBegin: return "begin";
    case MigrationEvent::kSettled: return "settled";
    case MigrationEvent::kTargetLost: return "target_lost";
    case MigrationEvent::kTrialFailed: return "trial_failed";
    case MigrationEvent::kTimedOut: return "timed_out";
    case MigrationEvent::kSuperseded: return "superseded";
    case MigrationEvent::kRest: return "rest";
    case MigrationEvent::kCount: break;
  }
  return "unknown";
}

std::size_t migration_to_dot(std::span<char> out) noexcept {
  return draw(out, "migration_state", kMigrationTransitions, [](MigrationState s) { return name_of(s); },
              [](MigrationEvent e) { return name_of(e); });
}

}  // namespace weft::migrate
