// How good a path is, 0 … 1000 permille, and what makes it less than good.
// Each part is relative to the path's own floor, so that a satellite link at its best and a cable
// at its best both score 100: the score says "as good as this path can be", the figures beside it
// say which path is faster.
//   latency  floor / srtt      jitter  floor / (floor + 2 rttvar)      loss  10 % and more is 0
// with kNoise added to floor and value: differences that small are the poll loop's, not the path's.
// Weights 0.5 / 0.3 / 0.2. Integers; pure.
#pragma once

#include <cstdint>

#include "engine/base/time.hh"
#include "engine/share/path_event.hh"

namespace weft::health {

inline constexpr base::Duration kNoise = base::milliseconds(1);
inline constexpr std::uint32_t kLatencyWeight = 500;   // permille
inline constexpr std::uint32_t kJitterWeight = 300;
inline constexpr std::uint32_t kLossWeight = 200;
static_assert(kLatencyWeight + kJitterWeight + kLossWeight == 1000);
inline constexpr std::uint8_t kScoreGood = 80;         // from here on a score needs no reason

struct Quality {
  base::Duration srtt{}, rttvar{}, rtt_min{};
  std::uint32_t loss_permille = 0;
};
struct Goodness {
  std::uint32_t permille = 0;
  std::uint8_t score = 0;                               // permille / 10, rounded
  // Below kScoreGood: the part that costs most. kUnmeasured (and 0) without a round-trip time.
  share::PathReason reason = share::PathReason::kNone;
};
[[nodiscard]] Goodness goodness(const Quality& quality) noexcept;

}  // namespace weft::health
