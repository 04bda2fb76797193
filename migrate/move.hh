// What a migration is: some paths of a session are left, others taken, for a reason; and what may be wrong with a wish for one.
// Values; thread: control.
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/time.hh"
#include "migrate/migration_state.hh"
#include "migrate/path_plan.hh"

namespace weft::migrate {

enum class MoveReason : std::uint8_t {
  kNone,
  kOperator,
  kFailure,        // the path in use fell
  kDegraded,       // a score that stays low, or falls
  kBetter,         // another path is better by enough, for long enough (one path at a time only)
  kPreferred,      // cost, metered ports, roles: as configured
  kRecovered,      // a path that was left is good again
  kPeer,           // the other end has decided
  kCount,
};
[[nodiscard]] const char* name_of(MoveReason reason) noexcept;

// Why a wish is not carried out; nothing has changed then.
enum class PathError : std::uint8_t {
  kNone,
  kNotEnabled,         // no datapath here: weft.toml has no ports
  kNotSupported,       // none with this device: it is no weft, or away
  kUnknownPath,
  kPathExists,         // it is open already
  kNotValidated,       // it has not answered, or does not now
  kLastPath,           // the only one in use may not be closed, nor left
  kDeadlineExceeded,   // no answer in time
  kSuperseded,         // somebody else decided otherwise meanwhile
  kNothingToDo,        // it is so already
  kAmbiguous,          // several paths are called that
  kCount,
};
[[nodiscard]] const char* name_of(PathError error) noexcept;        // a word for programs: "path-exists"
[[nodiscard]] const char* sentence_of(PathError error) noexcept;    // for people

struct Move {
  PathSet from, to;    // from: are left; to: are taken. Neither names a path that stays as it is
  MoveReason why = MoveReason::kNone;
  bool pin = false;    // the operator's
};

// What became of a migration, when its state changed.
struct MigrationNews {
  MigrationState state = MigrationState::kStable;     // it is in now: migrating, completed or failed
  MigrationEvent event = MigrationEvent::kBegin;      // that led there
  Move move;
  base::Duration took{};                              // since its begin
};

// Since the session began.
struct MigrationCounters {
  std::uint64_t begun = 0, completed = 0, failed = 0;
  std::uint64_t rolled_back = 0;     // of the failed
  std::uint64_t merged = 0;          // that met another with the same aim, here or at the other end
  base::Duration took{};             // of the completed, together
  // Of the completed, by how long they took: at most kBounds[i], in the last place longer.
  static constexpr std::array kBounds = {base::milliseconds(500), base::milliseconds(1000), base::milliseconds(1250),
                                         base::milliseconds(1500), base::milliseconds(2000), base::milliseconds(4000)};
  std::array<std::uint64_t, kBounds.size() + 1> by_duration{};
};

}  // namespace weft::migrate
