// One migration of a session's traffic from some paths to others, make before break, step by step in the plan (path_plan.hh):
//
//   prove    the new paths are asked, and must answer within kProveWithin: an old figure is no proof. Not after a failure
//   shift    they are taken into use; those to be left fill less and less of their windows, kParts, a step at a time
//   trial    those are left; for a while the new ones must work, and be no worse than what the reason promised
//   -> completed; or failed, with the uses before it restored
//
// It ends within kLongest, whatever happens: each phase has its own end. What is under way at a path that is left goes on to
// its end there: nothing is sent again for a migration's sake (a path that falls hands its data to the others, as always).
// Pure; owner: control, one per session. Not here: when to (chooser.hh), what else may be asked (steering.hh).
#pragma once

#include <array>
#include <optional>
#include <span>

#include "engine/base/time.hh"
#include "migrate/chooser.hh"
#include "migrate/move.hh"
#include "migrate/path_plan.hh"

namespace weft::migrate {

class Mover {
 public:
  static constexpr std::array<std::uint16_t, 3> kParts = {192, 128, 64};   // of kWholeWindow
  // A step lasts two round trips, within these: so much the new paths' windows have grown by then.
  static constexpr base::Duration kStepMin = base::milliseconds(20), kStepMax = base::milliseconds(500);
  static constexpr base::Duration kProveWithin = base::seconds(2);
  static constexpr base::Duration kTrial = base::seconds(1);
  static constexpr base::Duration kShown = base::seconds(10);   // completed or failed, before it is stable again
  // A path taken for being better that then carries less than this part of what the old one carried was not.
  static constexpr std::uint32_t kWorsePermille = 800;

  static constexpr base::Duration kLongest = kProveWithin + 3 * kStepMax + kTrial;

  // REQUIRES: not under way; `move` changes something.
  MigrationNews begin(const Move& move, const PathPlan& plan, std::span<const PathView> paths, base::Instant now) noexcept;
  // With each look at the paths. Changes `plan`, of which the caller sees what is new. An answer when the state changed.
  std::optional<MigrationNews> tick(PathPlan& plan, std::span<const PathView> paths, base::Instant now) noexcept;
  // Somebody has decided otherwise: nothing is restored. One in its trial has done what was wanted, and is completed.
  std::optional<MigrationNews> supersede(base::Instant now) noexcept;
  // The other end's plan counts now: it does what this one was to do, and this one is completed, or something else.
  std::optional<MigrationNews> on_peers_plan(const PathPlan& theirs, base::Instant now) noexcept;

  [[nodiscard]] bool under_way() const noexcept { return state_ == MigrationState::kMigrating; }
  [[nodiscard]] MigrationState state() const noexcept { return state_; }
  [[nodiscard]] const Move& move() const noexcept { return move_; }            // the last
  // What is under way was the operator's choice, or gives it back when it fails.
  [[nodiscard]] bool may_pin() const noexcept { return under_way() && (move_.pin || before_.pinned); }
  [[nodiscard]] base::Instant since() const noexcept { return since_; }        // in this state
  void on_asked(base::PathId path, std::uint32_t number) noexcept;
  [[nodiscard]] PathSet unproved() const noexcept { return unproved_; }        // to be asked when it has begun

 private:
  enum class Phase : std::uint8_t { kProve, kShift, kTrial };
  struct Before {   // of a path, at the begin
    bool asked = false;
    std::uint32_t probe_number = 0;    // of the question that it must answer
    std::uint64_t rate_Bps = 0;
    std::uint8_t score = 0;
  };
  std::optional<MigrationNews> enter(MigrationEvent event, base::Instant now) noexcept;
  MigrationNews roll_back(PathPlan& plan, MigrationEvent why, base::Instant now) noexcept;
  void take_into_use(PathPlan& plan, std::span<const PathView> paths, base::Instant now) noexcept;
  void shift(PathPlan& plan, std::span<const PathView> paths, base::Instant now) noexcept;
  [[nodiscard]] bool is_worse(std::span<const PathView> paths) const noexcept;

  MigrationState state_ = MigrationState::kStable;
  Phase phase_ = Phase::kProve;
  Move move_;
  PathSet unproved_;             // must answer before they are taken into use
  PathPlan before_;
  std::array<Before, base::kPathsMax> paths_before_{};
  base::Instant began_{}, since_{}, step_at_{};
  std::size_t step_ = 0;
};

}  // namespace weft::migrate
