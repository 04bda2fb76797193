// All paths of one session: their state, role, score and probe number, which together are their
// rows of the PathTable. The only place where a path's state changes.
// Owner: control. Bounds: kPathsMax paths; no allocation. Pure: `now` comes in, changes come out.
// Every call returns the change it made, for the log and the events; nothing when nothing changed.
// An event that the table has no transition for is counted and changes nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/limits.hh"
#include "engine/base/time.hh"
#include "engine/base/types.hh"
#include "migrate/path_plan.hh"
#include "migrate/path_state.hh"

namespace weft::migrate {

struct PathChange {
  base::PathId path{};
  PathState from{}, to{};
  PathEvent event{};
  share::PathReason why = share::PathReason::kNone;
  base::Duration stayed{};      // in `from`
};

class PathBook {
 public:
  std::optional<PathChange> add(base::PathId path, share::PathRole role,
                                base::Instant now) noexcept;
  // kAbsent at once for a path that carries nothing, else draining first.
  std::optional<PathChange> remove(base::PathId path, base::Instant now) noexcept;
  std::optional<PathChange> set_role(base::PathId path, share::PathRole role,
                                     base::Instant now, share::PathReason why = share::PathReason::kOperator) noexcept;
  // What the plan says of it, where its ports' roles are `of_ports`; kClosed ends it.
  std::optional<PathChange> follow(base::PathId path, const PathPlan::Entry& plan, share::PathRole of_ports,
                                   base::Instant now) noexcept;
  // The operator's, of our port; 1 … (share::PathEntry::weight).
  void set_weight(base::PathId path, std::uint8_t weight) noexcept;
  // Probe quickly again: its port came up, or the operator asks.
  std::optional<PathChange> retry(base::PathId path, base::Instant now) noexcept;
  // Asks it for a challenge now, besides those that health asks for. REQUIRES: the path is there.
  std::uint32_t ask(base::PathId path) noexcept;   // its number
  // Takes score and probe, then the event if there is one.
  std::optional<PathChange> apply(const share::PathVerdict& verdict, base::Instant now) noexcept;

  [[nodiscard]] const share::PathEntry& entry(base::PathId path) const noexcept;
  // By PathId: one session's row of the PathTable.
  [[nodiscard]] std::span<const share::PathEntry, base::kPathsMax> entries() const noexcept {
    return entries_;
  }
  // Paths that may carry data now: active, standby or suspect.
  [[nodiscard]] std::uint32_t usable_count() const noexcept;
  [[nodiscard]] bool is_probing() const noexcept;   // any path
  // Events that met a state they say nothing about.
  [[nodiscard]] std::uint64_t refused_count() const noexcept { return refused_; }

 private:
  std::optional<PathChange> move(base::PathId path, PathEvent event, share::PathReason why,
                                 base::Instant now) noexcept;

  std::array<share::PathEntry, base::kPathsMax> entries_{};
  std::array<base::Instant, base::kPathsMax> since_{};
  std::uint64_t refused_ = 0;
};

}  // namespace weft::migrate
