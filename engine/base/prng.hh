// A small seeded generator (splitmix64 stream): repeatable choices in schedulers, impairment and tests.
// Not for secrets: keys, challenges and receiver indexes come from OpenSSL's RAND_bytes.
#pragma once

#include <cstdint>

namespace weft::base {

class Prng {
 public:
  explicit constexpr Prng(std::uint64_t seed) noexcept : state_(seed) {}
  constexpr std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  // Uniform in [0, bound), bound > 0; the bias of the multiply is below 2^-32 for bounds below 2^32.
  constexpr std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }
  // True once in `one_in` on average.
  constexpr bool chance(std::uint32_t one_in) noexcept { return below(one_in) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace weft::base
