#include "bep/model/link_choice.hh"

#include <algorithm>

namespace weft::model {
namespace {

// The first usable link for which `value` is the least.
template <typename Value>
std::optional<std::size_t> least(std::span<const LinkView> links, Value value) noexcept {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < links.size(); ++i)
    if (links[i].usable && (!best || value(links[i]) < value(links[*best]))) best = i;
  return best;
}

// The link at the place `at` when each has a stretch as long as its weight.
template <typename Weight>
std::optional<std::size_t> at_place(std::span<const LinkView> links, std::uint64_t at, Weight weight) noexcept {
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (!links[i].usable) continue;
    if (at < weight(links[i])) return i;
    at -= weight(links[i]);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> LinkChoice::pick(std::span<const LinkView> links) noexcept {
  const auto usable = static_cast<std::uint64_t>(std::ranges::count_if(links, &LinkView::usable));
  if (usable == 0) return std::nullopt;
  const auto one = [](const LinkView&) { return std::uint64_t{1}; };
  const auto weight = [](const LinkView& link) { return std::uint64_t{link.score} + 1; };   // 0 still has its turn
  std::uint64_t total = 0;
  for (const LinkView& link : links)
    if (link.usable) total += weight(link);
  switch (strategy_) {
    case LinkStrategy::kRate: return least(links, [](const LinkView& link) { return link.arrival; });
    case LinkStrategy::kRoundRobin: return at_place(links, turn_++ % usable, one);
    case LinkStrategy::kHealth: return at_place(links, prng_.next() % total, weight);
    case LinkStrategy::kRandom: return at_place(links, prng_.next() % usable, one);
    case LinkStrategy::kLeastUsed: return least(links, [](const LinkView& link) { return link.outstanding; });
  }
  return std::nullopt;
}

}  // namespace weft::model
