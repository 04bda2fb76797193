// PathTable: control -> one data core, whole value, by Snapshot. What the control core decides about the paths
// of every session: their state and role, the probe it wants, the scheduler policy.
// Owner: control writes, one data core reads. Size: bounded by limits.hh, copied at most once per control tick.
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/limits.hh"
#include "engine/base/types.hh"
#include "engine/share/policy.hh"

namespace weft::share {

// The life of a path. migrate/path_state.hh holds the transition table and draws it.
enum class PathState : std::uint8_t {
  kAbsent,      // no such path
  kProbing,     // candidate or returning: carries challenges only
  kStandby,     // validated, carries control frames, data only if nothing else can
  kActive,
  kSuspect,     // silent for longer than the suspicion time: its data is already queued for the others
  kDraining,    // takes nothing new
  kDown,        // carries challenges only, at a stretched interval
};

// It answers as it should.
[[nodiscard]] constexpr bool is_in_use(PathState state) noexcept {
  return state == PathState::kActive || state == PathState::kStandby;
}
// It may carry data: a suspect one where there is no better.
[[nodiscard]] constexpr bool is_usable(PathState state) noexcept {
  return is_in_use(state) || state == PathState::kSuspect;
}

inline constexpr std::uint16_t kWholeWindow = 256;

enum class PathRole : std::uint8_t { kPrimary, kBackup };

struct PathEntry {
  PathState state = PathState::kAbsent;
  PathRole role = PathRole::kPrimary;
  std::uint8_t score = 100;         // 0 … 100, 100 best
  std::uint8_t weight = kWeightDefault;   // the operator's, of our port
  std::uint16_t part = kWholeWindow;      // of its window that it may fill, 1 … kWholeWindow: less while it is being left
  std::uint32_t probe_seq = 0;      // each step asks every core's lane of this path for one PATH_CHALLENGE
};

struct PathTable {
  Policy policy = Policy::kRate;
  std::array<std::array<PathEntry, base::kPathsMax>, base::kSessionsMax> paths{};  // [session][path]
};

}  // namespace weft::share
