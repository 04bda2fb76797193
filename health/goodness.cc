#include "health/goodness.hh"

#include <algorithm>
#include <array>

#include "engine/base/must.hh"

namespace weft::health {
namespace {

using share::PathReason;

constexpr std::uint32_t kFull = 1000;
constexpr std::uint32_t kLossWorst = 100;  // permille: a tenth lost is as bad as it gets

std::uint32_t permille(std::uint64_t part, std::uint64_t whole) {
  if (part >= whole) return kFull;
  return static_cast<std::uint32_t>(part * kFull / whole);
}
std::uint32_t permille(base::Duration part, base::Duration whole) {
  return permille(static_cast<std::uint64_t>(part.us()), static_cast<std::uint64_t>(std::max<std::int64_t>(whole.us(), 1)));
}
std::uint32_t capped(std::int64_t value) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, UINT32_MAX));
}

struct Part {
  PathReason reason;
  std::uint32_t weight, permille, measure;
  [[nodiscard]] std::uint64_t cost() const { return std::uint64_t{weight} * (kFull - permille); }
};

}  // namespace

Goodness goodness(const Quality& quality, const Weights& weights) noexcept {
  if (quality.srtt.ns <= 0) return {.reason = PathReason::kUnmeasured};
  const base::Duration lowest = std::min(quality.rtt_min, quality.srtt), floor = lowest + quality.noise;
  const bool rated = quality.rate_Bps > 0 && quality.capacity_Bps > 0;
  const std::array parts{
      Part{PathReason::kLatency, weights.latency, permille(floor, quality.srtt + quality.noise),
           capped(quality.srtt.us() * 100 / std::max<std::int64_t>(lowest.us(), 1))},
      Part{PathReason::kJitter, weights.jitter, permille(floor, floor + 2 * quality.rttvar), capped(quality.rttvar.us())},
      Part{PathReason::kLoss, weights.loss, kFull - permille(quality.loss_permille, std::uint64_t{kLossWorst}),
           quality.loss_permille},
      Part{PathReason::kGoodput, weights.goodput, rated ? permille(quality.rate_Bps, quality.capacity_Bps) : kFull,
           rated ? permille(quality.rate_Bps, quality.capacity_Bps) / 10 : 100},
      Part{PathReason::kUnrest, weights.stability, permille(std::uint64_t{kOneFall}, std::uint64_t{kOneFall} + quality.falls),
           quality.falls},
  };
  std::uint64_t sum = 0, weight = 0;
  for (const Part& part : parts) {
    sum += std::uint64_t{part.weight} * part.permille;
    weight += part.weight;
  }
  MUST(weight > 0);
  Goodness result;
  result.permille = static_cast<std::uint32_t>(sum / weight);
  result.score = static_cast<std::uint8_t>((result.permille + 5) / 10);
  if (result.score >= kScoreGood) return result;
  const auto worst = std::max_element(parts.begin(), parts.end(),
                                      [](const Part& a, const Part& b) { return a.cost() < b.cost(); });
  result.reason = worst->reason;
  result.measure = worst->measure;
  return result;
}

}  // namespace weft::health
