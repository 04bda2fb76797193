// The chances of a world: one seeded stream, and the shapes that rates and sizes are drawn in.
// Everything random in a world comes from here, in the order in which things happen, so that a seed is a world.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>

#include "engine/base/must.hh"
#include "engine/base/prng.hh"
#include "engine/base/time.hh"

namespace weft::sim {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : prng_(seed) {}
  std::uint64_t word() { return prng_.next(); }
  // Uniform in [0, bound).
  std::uint32_t below(std::uint32_t bound) { return prng_.below(bound); }
  // Uniform in [low, high].
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    MUST(low <= high);
    return low + prng_.next() % (high - low + 1);
  }
  // Each magnitude as likely as another: rates and sizes differ by their orders. 0 < low <= high.
  std::uint64_t spread(std::uint64_t low, std::uint64_t high) {
    MUST(low > 0 && low <= high);
    const auto shift = static_cast<int>(below(static_cast<std::uint32_t>(std::bit_width(high / low))));
    const std::uint64_t from = low << shift;
    return between(from, from * 2 - 1 < high ? from * 2 - 1 : high);
  }
  bool one_in(std::uint32_t n) { return prng_.chance(n); }
  bool ppm(std::uint32_t rate) { return rate > 0 && prng_.below(1'000'000) < rate; }
  // Off in every second world, else somewhere between.
  std::uint32_t rate(std::uint32_t low, std::uint32_t high) {
    return one_in(2) ? 0 : static_cast<std::uint32_t>(spread(low, high));
  }
  base::Duration time(base::Duration low, base::Duration high) {
    return {static_cast<std::int64_t>(
        between(static_cast<std::uint64_t>(low.ns), static_cast<std::uint64_t>(high.ns)))};
  }
  base::Duration spread_time(base::Duration low, base::Duration high) {
    return {
        static_cast<std::int64_t>(spread(static_cast<std::uint64_t>(low.ns), static_cast<std::uint64_t>(high.ns)))};
  }
  // A fault that comes every so often, or (every second time) never.
  base::Duration interval(base::Duration low, base::Duration high) {
    return one_in(2) ? base::Duration{} : spread_time(low, high);
  }
  std::uint32_t power_of_two(std::uint32_t low, std::uint32_t high) {
    MUST(std::has_single_bit(low) && std::has_single_bit(high));
    return low << below(static_cast<std::uint32_t>(std::bit_width(high / low)));
  }
  template <typename T>
  T of(std::initializer_list<T> choices) {
    return *(choices.begin() + below(static_cast<std::uint32_t>(choices.size())));
  }

 private:
  base::Prng prng_;
};

}  // namespace weft::sim
