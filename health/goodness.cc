#include "health/goodness.hh"

#include <algorithm>

namespace weft::health {
namespace {

constexpr std::uint32_t kFull = 1000;
constexpr std::uint32_t kLossWorst = 100;  // permille: a tenth lost is as bad as it gets

std::uint32_t permille(base::Duration part, base::Duration whole) {
  if (part >= whole) return kFull;
  return static_cast<std::uint32_t>(part.us() * kFull / std::max<std::int64_t>(whole.us(), 1));
}

}  // namespace

Goodness goodness(const Quality& quality) noexcept {
  if (quality.srtt.ns <= 0) return {.reason = share::PathReason::kUnmeasured};
  const base::Duration floor = std::min(quality.rtt_min, quality.srtt) + kNoise;
  const std::uint32_t latency = permille(floor, quality.srtt + kNoise);
  const std::uint32_t jitter = permille(floor, floor + 2 * quality.rttvar);
  const std::uint32_t loss = kFull - std::min(quality.loss_permille * kFull / kLossWorst, kFull);

  Goodness result;
  result.permille =
      (kLatencyWeight * latency + kJitterWeight * jitter + kLossWeight * loss) / kFull;
  result.score = static_cast<std::uint8_t>((result.permille + 5) / 10);
  if (result.score >= kScoreGood) return result;
  const std::uint32_t latency_cost = kLatencyWeight * (kFull - latency);
  const std::uint32_t jitter_cost = kJitterWeight * (kFull - jitter);
  const std::uint32_t loss_cost = kLossWeight * (kFull - loss);
  const std::uint32_t worst = std::max({latency_cost, jitter_cost, loss_cost});
  result.reason = worst == latency_cost  ? share::PathReason::kLatency
                  : worst == jitter_cost ? share::PathReason::kJitter
                                         : share::PathReason::kLoss;
  return result;
}

}  // namespace weft::health
