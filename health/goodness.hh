// How good a path is, 0 … 1000 permille, and what makes it less than good.
// Each part is relative to the path's own best, so that a satellite link and a cable at their best both score 100: the score
// says "as good as this path can be", the figures beside it say which path is faster.
//   latency    floor / srtt
//   jitter     floor / (floor + 2 rttvar)
//   loss       10 % and more is 0
//   goodput    rate / what it has carried before, of a path that has more to send than it takes; else full
//   stability  1 / (1 + falls), a fall counting half after ten minutes
// with noise added to floor and value: differences that small are the poll loop's (kNoise, as long as a core at
// rest sleeps), not the path's. 0.1 and 1 ms on a path whose floor is 0.1 ms are 100 and 77 % all the same.
// Integers; pure.
#pragma once

#include <cstdint>

#include "engine/base/time.hh"
#include "engine/share/path_event.hh"

namespace weft::health {

inline constexpr base::Duration kNoise = base::milliseconds(3);
inline constexpr std::uint8_t kScoreGood = 80;         // from here on a score needs no reason
inline constexpr std::uint32_t kOneFall = 1000;

// Any unit, each at most 1000; not all 0.
struct Weights {
  std::uint32_t latency = 40, jitter = 20, loss = 20, goodput = 10, stability = 10;
};

struct Quality {
  base::Duration srtt{}, rttvar{}, rtt_min{};
  std::uint32_t loss_permille = 0;
  std::uint64_t rate_Bps = 0, capacity_Bps = 0;         // 0: not known
  std::uint32_t falls = 0;                              // in 1/kOneFall
  base::Duration noise = kNoise;                        // more than 0
};
struct Goodness {
  std::uint32_t permille = 0;
  std::uint8_t score = 0;                               // permille / 10, rounded
  // Below kScoreGood: the part that costs most. kUnmeasured (and 0) without a round-trip time.
  share::PathReason reason = share::PathReason::kNone;
  // How bad that part is: kLatency: srtt in percent of the floor; kJitter: rttvar in us; kLoss: permille lost;
  // kGoodput: percent of what it has carried before; kUnrest: falls in 1/kOneFall.
  std::uint32_t measure = 0;
};
[[nodiscard]] Goodness goodness(const Quality& quality, const Weights& weights = {}) noexcept;

}  // namespace weft::health
