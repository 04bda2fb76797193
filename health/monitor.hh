// The health of all paths of one session: a memory per path, one call per control tick.
// Owner: control. Bounds: kPathsMax paths; no allocation.
#pragma once

#include <array>
#include <span>

#include "engine/base/fixed_vector.hh"
#include "engine/base/limits.hh"
#include "health/path_health.hh"

namespace weft::health {

using Verdicts = base::FixedVector<share::PathVerdict, base::kPathsMax>;

class Monitor {
 public:
  explicit Monitor(const Settings& settings = {}) noexcept : settings_(settings) {}
  // One report per path that exists, each path once. Verdicts in the same order.
  // A path not reported keeps its memory until it is reported as kAbsent or forget() is called.
  [[nodiscard]] Verdicts tick(std::span<const PathReport> reports, base::Instant now) noexcept;
  // After tick() with these reports: when the next one has something to find out; `now` where it cannot wait.
  [[nodiscard]] base::Instant next_look(std::span<const PathReport> reports, base::Instant now) const noexcept;
  void forget(base::PathId path) noexcept;
  [[nodiscard]] const PathMemory& memory(base::PathId path) const noexcept;
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  // Of the session: how long since it carried data by any path.
  [[nodiscard]] Activity activity(base::Instant now) const noexcept { return activity_of(now - carried_at_); }

 private:
  void note_traffic(std::span<const PathReport> reports, base::Instant now) noexcept;

  Settings settings_;
  std::uint64_t carried_bytes_ = 0;         // by all paths, as last seen
  base::Instant carried_at_{};
  std::array<PathMemory, base::kPathsMax> memories_{};
};

}  // namespace weft::health
