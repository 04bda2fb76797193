// What each path of a session is meant for, as one value with one number: in the end both ends hold the same.
// Either end changes its copy, numbers it and sends it (message PATHS). The higher number wins, as a whole, of equal numbers that
// of the end with the lower device ID; so two ends that decide at once end in what one of them meant, never in a mixture.
// Pure; thread: control. Not here: when to change it (chooser.hh), in which steps (mover.hh).
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "engine/base/limits.hh"
#include "engine/base/types.hh"
#include "engine/share/table.hh"

namespace weft::migrate {

// Some of a session's paths.
class PathSet {
 public:
  constexpr PathSet() = default;
  constexpr void add(base::PathId path) noexcept { bits_ |= bit(path); }
  constexpr void remove(base::PathId path) noexcept { bits_ &= ~bit(path); }
  [[nodiscard]] constexpr bool has(base::PathId path) const noexcept { return (bits_ & bit(path)) != 0; }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  [[nodiscard]] constexpr std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(std::popcount(bits_)); }
  [[nodiscard]] constexpr PathSet without(PathSet other) const noexcept { return PathSet(bits_ & ~other.bits_); }
  [[nodiscard]] constexpr PathSet both(PathSet other) const noexcept { return PathSet(bits_ & other.bits_); }
  [[nodiscard]] constexpr PathSet with(PathSet other) const noexcept { return PathSet(bits_ | other.bits_); }
  // The lowest; REQUIRES: not empty.
  [[nodiscard]] constexpr base::PathId first() const noexcept {
    return base::PathId{static_cast<std::uint8_t>(std::countr_zero(bits_))};
  }
  template <typename Do> constexpr void each(Do do_with) const {
    for (PathSet left = *this; !left.empty(); left.remove(left.first())) do_with(left.first());
  }
  friend constexpr bool operator==(PathSet, PathSet) = default;

 private:
  static_assert(base::kPathsMax <= 64);
  explicit constexpr PathSet(std::uint64_t bits) noexcept : bits_(bits) {}
  static constexpr std::uint64_t bit(base::PathId path) noexcept { return std::uint64_t{1} << base::to_index(path); }
  std::uint64_t bits_ = 0;
};

enum class PathUse : std::uint8_t {
  kDefault,     // as the roles of its ports say
  kPrimary,
  kBackup,
  kClosed,      // it ends, and the pair of ports is no path until it is opened again
};
inline constexpr std::uint8_t kPathUses = 4;

struct PathPlan {
  // A number that a peer says is at most this; one end that has used it up can change nothing any more.
  static constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 62;
  static constexpr std::uint16_t kLifeMax = UINT16_MAX;
  struct Entry {
    PathUse use = PathUse::kDefault;
    std::uint16_t part = share::kWholeWindow;   // of its window that it may fill, 1 … kWholeWindow
    std::uint16_t life = 0;                     // grows when it is closed: keys of an earlier one never serve again
    friend constexpr bool operator==(const Entry&, const Entry&) = default;
  };
  std::uint64_t number = 0;           // 0: nobody has decided anything
  bool by_low = false;                // of the end with the lower device ID
  bool pinned = false;                // the operator's: only a failure of all its paths changes it
  std::array<Entry, base::kPathsMax> paths{};   // by PathId

  [[nodiscard]] constexpr Entry& at(base::PathId path) noexcept { return paths[base::to_index(path)]; }
  [[nodiscard]] constexpr const Entry& at(base::PathId path) const noexcept { return paths[base::to_index(path)]; }
  friend constexpr bool operator==(const PathPlan&, const PathPlan&) = default;
};

[[nodiscard]] constexpr bool is_newer(const PathPlan& plan, const PathPlan& than) noexcept {
  return plan.number != than.number ? plan.number > than.number : plan.by_low && !than.by_low;
}

// What a path is used for: as planned, else as its ports' roles say.
[[nodiscard]] constexpr share::PathRole role_in(PathUse use, share::PathRole of_ports) noexcept {
  return use == PathUse::kPrimary ? share::PathRole::kPrimary : use == PathUse::kBackup ? share::PathRole::kBackup : of_ports;
}

}  // namespace weft::migrate
