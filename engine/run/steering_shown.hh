// What the paths of a session are used for and why, as REST and the command line show it. Values; thread: control.
#pragma once

#include <string>
#include <vector>

#include "engine/base/time.hh"
#include "engine/share/table.hh"
#include "migrate/chooser.hh"
#include "migrate/move.hh"

namespace weft::run {

struct StandingShown {
  base::PathId path{};
  std::string name;                                // "left:right": our port, the peer's
  share::PathEntry entry{};
  migrate::Standing standing = migrate::Standing::kUnproved;
  base::Duration srtt{};
};
struct SteeringShown {
  migrate::MigrationState state = migrate::MigrationState::kStable;
  base::Duration in_state{};
  migrate::MigrationCounters counters{};
  bool multipath = true, pinned = false;
  migrate::Move last;                              // under way, or the last there was
  migrate::Move next;                              // what would be done now; reason kNone: nothing
  std::vector<StandingShown> paths;
};

}  // namespace weft::run
