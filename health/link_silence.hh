// Is a link that something is waited for on still there? From the kernel's figures: TCP itself would wait a minute for a cable
// that was pulled, while the device's other links stand idle. Pure; thread: control.
//
//   busy, silent for half the patience, nothing unacknowledged   ask: a Ping, which the peer's kernel acknowledges at once.
//                                                                A peer that is slow with its answer is no dead link
//   busy, silent for the patience, something unacknowledged      suspect: what was asked goes by the other links
//   suspect, heard again within the patience                     fine: it has returned. One that was suspect before in the last
//                                                                minutes must be heard for a while first (LinkHold)
//   suspect, silent for kLinkAbandonAfter                        dead: closed, so that it is dialled anew
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/time.hh"
#include "health/fading.hh"
#include "health/timing.hh"

namespace weft::health {

inline constexpr base::Duration kLinkPatienceMin = base::seconds(1);
inline constexpr base::Duration kLinkAbandonAfter = base::seconds(5);

struct LinkSilence {
  bool busy = false;                   // an answer is waited for, or output waits
  bool unacked = false;                // by the kernel's TCP
  base::Duration heard_ago{};          // the newest segment of any kind
  base::Duration rtt{}, rttvar{};
};

enum class LinkFinding : std::uint8_t { kFine, kAsk, kSuspect, kDead };

[[nodiscard]] constexpr base::Duration link_patience(base::Duration rtt, base::Duration rttvar) noexcept {
  return std::max(kLinkPatienceMin, 4 * (rtt + 4 * rttvar));
}

[[nodiscard]] constexpr LinkFinding find_silence(const LinkSilence& link, bool suspect) noexcept {
  const base::Duration patience = link_patience(link.rtt, link.rttvar);
  if (suspect) {
    if (link.heard_ago < patience) return LinkFinding::kFine;
    return link.heard_ago < std::max(kLinkAbandonAfter, 2 * patience) ? LinkFinding::kSuspect : LinkFinding::kDead;
  }
  if (!link.busy || link.heard_ago < patience / 2) return LinkFinding::kFine;
  if (!link.unacked) return LinkFinding::kAsk;
  return link.heard_ago < patience ? LinkFinding::kFine : LinkFinding::kSuspect;
}

// A link that falls silent again and again is used with care: each time it must be heard for twice as long (flap_hold), and
// half of its falls are forgotten in ten minutes. Owner: control, one per link.
class LinkHold {
 public:
  // `every`: how often fade() is called.
  explicit constexpr LinkHold(base::Duration every) noexcept : falls_(every) {}
  constexpr void fade() noexcept { falls_.fade(); }
  constexpr void on_suspect() noexcept {
    falls_.on_fall();
    heard_since_ = base::kNever;
  }
  // Of a link that is suspect, with each look. True: it may be used again.
  [[nodiscard]] bool may_return(bool heard, base::Instant now) noexcept {
    if (!heard) {
      heard_since_ = base::kNever;
      return false;
    }
    if (heard_since_ == base::kNever) heard_since_ = now;
    const std::uint32_t again = (falls_.falls() + kOneFall / 2) / kOneFall;   // 1: the first time
    return now - heard_since_ >= flap_hold(again);
  }

 private:
  Unrest falls_;
  base::Instant heard_since_ = base::kNever;
};

}  // namespace weft::health
