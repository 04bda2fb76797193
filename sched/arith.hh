// Integer arithmetic that the schedulers share: products that need more than 64 bits, and roots.
// Why not floating point: the same reports must give the same decisions on every machine.
// Cost: a 128-bit division is some 30 to 90 cycles; call these per ack or per report, not per
// packet.
#pragma once

#include <cstdint>

#include "engine/base/must.hh"

namespace weft::sched {

__extension__ typedef unsigned __int128 Wide;  // __extension__: ISO C++ has no 128-bit integer

// a * b / c, rounded down, saturating at UINT64_MAX. c > 0.
[[nodiscard]] constexpr std::uint64_t mul_div(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  MUST(c > 0);
  const Wide quotient = Wide{a} * b / c;
  return quotient > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(quotient);
}

// The largest r with r * r * r <= value.
[[nodiscard]] constexpr std::uint64_t cube_root(std::uint64_t value) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 21; bit != 0; bit >>= 1) {
    const std::uint64_t tried = root | bit;
    if (Wide{tried} * tried * tried <= value) root = tried;
  }
  return root;
}

}  // namespace weft::sched
