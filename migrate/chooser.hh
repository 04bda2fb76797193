// Which paths of a session should be in use, and why: one function of what the paths are like, what was planned, and what
// was seen for how long. It decides and it explains (`weft migrate --explain`); nothing else does.
//
//   tier      metered ports last, before them those with role backup, then by cost. The first tier is used in which a fit path
//             works
//   several   of it all fit paths are used at once (multipathEnabled); paths that fell stay meant for use, and are used again
//             when they are back
//   one       of it the one in use, until it falls or another is better by `better_permille` for the dwell time
//   fit       until the score is below `leave_below`, or falls and is near that, for the dwell time; then unfit until it is well
//             above it for as long, twice as long with each time in the last while. Where all are unfit, all are fit
//   pinned    what the operator chose stays while one of it works
//
// Who decides: failure and unfitness either end, for it sees its own direction; and that what is dearer is let go. The rest
// the end with the lower device ID, and not while the other end's last decision is fresh: else the two would take turns.
// Pure, integers; owner: control, one per session. Source: design.md §7 (triggers: 1.2 times, dwell).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/base/limits.hh"
#include "engine/base/time.hh"
#include "engine/base/types.hh"
#include "engine/share/table.hh"
#include "migrate/move.hh"

namespace weft::migrate {

// [migrate] in weft.toml.
struct Settings {
  bool multipath = true;                             // of both ends
  bool we_are_low = false;
  std::uint8_t leave_below = 30;                     // score, 0 … 100; 0: never
  base::Duration dwell = base::seconds(5);
  std::uint32_t better_permille = 1200;
};

struct PathView {
  base::PathId path{};
  share::PathState state = share::PathState::kAbsent;
  share::PathRole role = share::PathRole::kPrimary;           // what it is used for now
  share::PathRole role_of_ports = share::PathRole::kPrimary;
  bool metered = false;                              // either port
  std::uint32_t cost = 0;                            // of both ports
  std::uint8_t score = 0;
  bool degrading = false;
  base::Duration srtt{}, rtt_latest{};               // 0: not measured
  std::uint64_t speed_Bps = 0;                       // of the slower port; 0: unknown
  std::uint64_t rate_Bps = 0;                        // delivery rate lately; 0: not measured
  std::uint32_t probe_answered = 0;                  // PathReport::probe_seq_answered
};

// The path of this number among them; null: it is not there.
[[nodiscard]] const PathView* find(std::span<const PathView> paths, base::PathId path) noexcept;

// Why a path is meant for use, or not.
enum class Standing : std::uint8_t {
  kUsed, kAboutToBe, kUnproved, kFallen, kUnfit, kDearer, kBackup, kMetered, kSpare, kNotChosen, kClosed, kCount,
};
[[nodiscard]] const char* sentence_of(Standing standing) noexcept;

struct Choice {
  PathSet wanted;                                    // may be what is in use already
  Move move;                                         // to get there; reason kNone: nothing is to be done now
  std::array<Standing, base::kPathsMax> standing{};  // of the paths shown
  base::PathId rival{};                              // with `rival_since`: one that is better, but not for long enough yet
  base::Instant rival_since = base::kNever;
};

class Chooser {
 public:
  static constexpr std::uint8_t kFitAgain = 30;      // above leave_below; degrading within it counts as low
  static constexpr std::uint32_t kDoublingsMax = 6;
  static constexpr base::Duration kForget = base::seconds(600);     // a swing counts this long
  static constexpr base::Duration kPeersWord = base::seconds(600);  // so long its decision stands against ours

  explicit Chooser(const Settings& settings) : settings_(settings) {}
  void set_settings(const Settings& settings) noexcept { settings_ = settings; }
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }

  // What was seen, before choose(); as often as health looks.
  void observe(std::span<const PathView> paths, base::Instant now) noexcept;
  void forget(base::PathId path) noexcept { seen_[base::to_index(path)] = {}; }
  void on_peers_plan(base::Instant now) noexcept { peers_word_ = now; }
  void forget_peers_plan() noexcept { peers_word_ = base::kNever; }
  [[nodiscard]] Choice choose(std::span<const PathView> paths, const PathPlan& plan, base::Instant now) const noexcept;
  // A rival is watched from choice to choice.
  void remember(const Choice& choice) noexcept {
    rival_ = choice.rival;
    rival_since_ = choice.rival_since;
  }

 private:
  struct Seen {
    bool unfit = false;
    base::Instant turning_since = base::kNever;      // low though fit, or well though unfit
    base::Instant swung{};
    std::uint32_t swings = 0;
  };
  [[nodiscard]] bool is_unfit(base::PathId path) const noexcept { return seen_[base::to_index(path)].unfit; }
  [[nodiscard]] base::Duration dwell(const Seen& seen, base::Instant now) const noexcept;
  [[nodiscard]] PathSet pick_one(std::span<const PathView> paths, PathSet of, PathSet in_use, base::Instant now,
                                 Choice& choice) const noexcept;
  [[nodiscard]] bool may_decide(MoveReason why, base::Instant now) const noexcept;

  Settings settings_;
  std::array<Seen, base::kPathsMax> seen_{};
  base::Instant peers_word_ = base::kNever;
  base::PathId rival_{};
  base::Instant rival_since_ = base::kNever;
};

}  // namespace weft::migrate
