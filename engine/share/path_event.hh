// What health tells migrate about one path: an event for its state, a score for people, a probe
// that is due. The two folders meet only here.
// Threads: control only; plain values.
#pragma once

#include <cstdint>

#include "engine/base/time.hh"
#include "engine/base/types.hh"

namespace weft::share {

enum class PathEvent : std::uint8_t {
  kAdd,              // control: a candidate to be probed
  kAnswered,         // health: the path works (again)
  kAnsweredAsBackup, // the same for a path whose role is backup; migrate/path_book chooses
  kSilent,           // health: unanswered for longer than the suspicion time
  kDead,             // health: unanswered for so long that it is given up, or its port is down
  kDrained,          // health: a draining path has nothing in flight
  kRetry,            // control: probe it quickly again (port came up, operator)
  kMakePrimary,      // control: role changed
  kMakeBackup,
  kRemove,           // control: take nothing new, then go
  kCount,
};

// Why a path's score is low, or why it changed its state.
enum class PathReason : std::uint8_t {
  kNone,             // the score is good
  kUnmeasured,       // not validated yet
  kLatency,          // round-trip time well above the path's own floor
  kJitter,
  kLoss,
  kGoodput,          // it takes less than it did
  kUnrest,           // it fell lately
  kSilence,          // what was sent is not answered
  kPortDown,
  kAnswer,           // a challenge or data was answered
  kOperator,
  kMigration,        // the plan of the session's paths (migrate/path_plan.hh)
  kCount,
};
[[nodiscard]] const char* name_of(PathEvent event) noexcept;
[[nodiscard]] const char* name_of(PathReason reason) noexcept;

struct PathVerdict {
  base::PathId path{};
  bool has_event = false;
  PathEvent event = PathEvent::kAnswered;   // meaningful when has_event
  PathReason reason = PathReason::kNone;    // of the event, else of the score
  std::uint8_t score = 0;                   // 0 … 100, 100 best
  PathReason score_reason = PathReason::kNone;
  std::uint32_t measure = 0;                // how bad that is (health/goodness.hh)
  std::uint32_t loss_permille = 0;          // of the packets sent lately
  bool degrading = false;                   // early warning: it gets worse, and has not failed yet
  std::uint16_t trend_permille = 0;         // how near to that: 0 steady, from 1000 on it warns
  bool probe_due = false;                   // ask every core's lane of the path for a challenge
  base::Duration interval{};                // from one challenge to the next; 0: none, what it carries is the question
};

}  // namespace weft::share
