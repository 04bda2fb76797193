// Is a link that something is waited for on still there? From the kernel's figures: TCP itself would wait a minute for a cable
// that was pulled, while the device's other links stand idle. Pure; thread: control.
//
//   busy, silent for half the patience, nothing unacknowledged   ask: a Ping, which the peer's kernel acknowledges at once.
//                                                                A peer that is slow with its answer is no dead link
//   busy, silent for the patience, something unacknowledged      suspect: what was asked goes by the other links
//   suspect, heard again within the patience                     fine: it has returned
//   suspect, silent for kLinkAbandonAfter                        dead: closed, so that it is dialled anew
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/time.hh"

namespace weft::health {

inline constexpr base::Duration kLinkPatienceMin = base::seconds(1);
inline constexpr base::Duration kLinkAbandonAfter = base::seconds(10);

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

}  // namespace weft::health
