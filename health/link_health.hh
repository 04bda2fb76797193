// The health of one link (a TLS connection over the kernel's TCP) to any peer, stock too.
// Pure: judge() is a function of its arguments; the memory is a value.
//
// Less can be seen of a link than of a path: the kernel's round trips and what it sent again. The score is made of the same
// parts with the same weights (goodness.hh); goodput counts as full, because TCP does not say what a link could carry. That a
// link is broken is TCP's and BEP's to say (socket.hh, bep_facts: 300 s of silence), not health's.
// A link that rests is asked by a Ping, which the peer does not answer, but its kernel acknowledges.
#pragma once

#include <cstdint>

#include "engine/base/time.hh"
#include "engine/share/path_event.hh"
#include "health/fading.hh"
#include "health/goodness.hh"
#include "health/path_health.hh"
#include "health/trend.hh"

namespace weft::health {

// judge() is to be called this often.
inline constexpr base::Duration kLinkEvery = base::seconds(5);
// Loss is judged over about this many bytes; of fewer than a sixteenth of it too little is known.
inline constexpr std::uint64_t kLinkLossWindow = 4u << 20;
inline constexpr std::uint64_t kLinkPacketBytes = 1448;   // near enough: losses come by packets

// The kernel's round trips hold the peer's delayed ACK, 40 ms at the least on Linux, where nothing else is to be sent: a
// Ping over loopback takes as long. So less than that is none of the link's.
inline constexpr base::Duration kLinkNoise = base::milliseconds(40);
// A peer takes 300 s without a message for the end (bep_facts): a Ping goes out well before, whatever the options say.
inline constexpr base::Duration kLinkSilenceMax = base::seconds(120);

struct LinkReport {
  bool connected = false;
  base::Duration rtt{}, rttvar{}, rtt_min{};        // 0: not measured
  std::uint64_t bytes_sent = 0, bytes_again = 0;    // by TCP, of this connection
};

struct LinkMemory {
  bool connected = false;
  LossShare loss_share{kLinkLossWindow, kLinkLossWindow / 16};   // of bytes: those that were sent again
  Unrest unrest{kLinkEvery};
  Trend rtt{kRttNoise};
  LossTrend loss;
};

struct LinkVerdict {
  std::uint8_t score = 0;                           // 0 while there is no link
  share::PathReason reason = share::PathReason::kUnmeasured;
  std::uint32_t measure = 0;                        // goodness.hh
  std::uint32_t loss_permille = 0;
  bool degrading = false;
  std::uint16_t trend_permille = 0;                 // share::PathVerdict's
  base::Duration keep_alive{};                      // of silence before a Ping; 0: there is no link
};

[[nodiscard]] LinkVerdict judge(const LinkReport& report, LinkMemory& memory, const Settings& settings) noexcept;

}  // namespace weft::health
