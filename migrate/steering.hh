// Which paths of one session are in use: the plan, what is asked of it, what changes it by itself, and the migration under way.
//
//   wishes: switch_to, move, close, open, probe ----+
//   the other end's plan: on_peers_plan ------------+--> plan ---> PathBook::follow() of each path; PATHS to the peer
//   paths as they are: tick --> Chooser --> Mover --+
//
// Pure; owner: control, one per session. Bounds: a migration and a probe per path at one time.
// Errors: PathError, with nothing changed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "engine/base/fixed_vector.hh"
#include "engine/base/time.hh"
#include "migrate/chooser.hh"
#include "migrate/mover.hh"
#include "migrate/path_plan.hh"

namespace weft::migrate {

struct ProbeResult {
  base::PathId path{};
  PathError error = PathError::kNone;    // or kDeadlineExceeded, kUnknownPath: it went meanwhile
  base::Duration rtt{};
};

class Steering {
 public:
  // After an automatic migration that failed, the next one waits: a dwell time, twice as long with each in a row, up to this.
  static constexpr base::Duration kRetryMax = base::seconds(600);

  explicit Steering(const Settings& settings) : chooser_(settings) {}
  // The other end's part of them is known late.
  void set_settings(const Settings& settings) noexcept { chooser_.set_settings(settings); }

  // ---- wishes; `paths`: all of the session
  // All data by this path, the others stand by; until somebody decides otherwise.
  [[nodiscard]] PathError switch_to(base::PathId path, std::span<const PathView> paths, base::Instant now) noexcept;
  // `from` stands by from now on, `to` is in use; the others stay as they are.
  [[nodiscard]] PathError move(base::PathId from, base::PathId to, std::span<const PathView> paths, base::Instant now) noexcept;
  // It takes nothing new, ends, and does not come back until it is opened.
  [[nodiscard]] PathError close(base::PathId path, std::span<const PathView> paths, base::Instant now) noexcept;
  // The caller makes the path then.
  [[nodiscard]] PathError open(base::PathId path, std::span<const PathView> paths) noexcept;
  // What the operator chose counts no more.
  [[nodiscard]] PathError unpin(base::Instant now) noexcept;
  // Asks it now; the result comes with a later tick. A second wish for the same path joins the first.
  [[nodiscard]] PathError probe(base::PathId path, base::Duration deadline, std::span<const PathView> paths,
                                base::Instant now) noexcept;

  // ---- what happens
  // False: ours is newer, and stands.
  bool on_peers_plan(const PathPlan& theirs, base::Instant now) noexcept;
  // It is no path any more. Where that is because our port went, what was meant for the path is not meant for what takes the
  // port's number; that is decided, not forgotten: two ends whose plans differ under one number make other keys of them. What
  // was closed stays closed, whatever becomes of its ports.
  void on_path_gone(base::PathId path, bool our_port_went) noexcept;
  // What take_to_ask() named was asked, under this probe number.
  void on_asked(base::PathId path, std::uint32_t number) noexcept;
  // An end has ended this path in a life that the plan still has: it needs a new one, at both. False: no number is left for it.
  [[nodiscard]] bool renew(base::PathId path, std::uint16_t least) noexcept;
  // As often as health looks at the paths.
  void tick(std::span<const PathView> paths, base::Instant now) noexcept;

  // ---- what is to be done; each is taken once
  [[nodiscard]] bool take_plan_changed() noexcept { return std::exchange(plan_changed_, false); }   // tell the peer
  [[nodiscard]] PathSet take_to_ask() noexcept { return std::exchange(to_ask_, PathSet{}); }        // for a challenge
  [[nodiscard]] std::optional<MigrationNews> take_news() noexcept;
  [[nodiscard]] std::optional<ProbeResult> take_probe() noexcept;

  // ---- to show
  [[nodiscard]] const PathPlan& plan() const noexcept { return plan_; }
  [[nodiscard]] bool is_closed(base::PathId path) const noexcept { return plan_.at(path).use == PathUse::kClosed; }
  [[nodiscard]] const Mover& mover() const noexcept { return mover_; }
  [[nodiscard]] const MigrationCounters& counters() const noexcept { return counters_; }
  // What would be done now, and why.
  [[nodiscard]] Choice explain(std::span<const PathView> paths, base::Instant now) const noexcept {
    return chooser_.choose(paths, plan_, now);
  }
  // It has work at the next look: a migration, a probe, or something to tell.
  [[nodiscard]] bool is_busy() const noexcept;

 private:
  struct Probe {
    bool wanted = false;
    bool asked = false;
    std::uint32_t number = 0;            // of the question
    base::Instant until{};
  };
  // True: `plan` is the plan, with a number of ours if it differs.
  bool decide(const PathPlan& plan) noexcept;
  // A migration takes some numbers.
  [[nodiscard]] bool may_decide() const noexcept { return plan_.number + 16 <= PathPlan::kNumberMax; }
  void supersede(base::Instant now) noexcept;      // by us
  PathError order(Move move, std::span<const PathView> paths, base::Instant now) noexcept;
  void begin(const Move& move, std::span<const PathView> paths, base::Instant now) noexcept;
  void take_note(const MigrationNews& news, base::Instant now) noexcept;
  void look_for_answers(std::span<const PathView> paths, base::Instant now) noexcept;

  PathPlan plan_;
  Chooser chooser_;
  Mover mover_;
  MigrationCounters counters_;
  bool plan_changed_ = false;
  PathSet to_ask_;
  base::FixedVector<MigrationNews, 8> news_;   // what nobody takes for so long is lost
  base::FixedVector<ProbeResult, base::kPathsMax> probed_;
  std::array<Probe, base::kPathsMax> probes_{};
  base::Instant not_before_{};         // no automatic migration
  base::Instant peer_moves_until_{};   // the other end is in the middle of one: parted windows say it
  std::uint32_t failures_ = 0;         // of automatic ones that were taken back, in a row
};

}  // namespace weft::migrate
