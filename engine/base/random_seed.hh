// A seed that differs from process to process, for jitter and choices that nobody need guess; no key is made of it.
// Any thread.
#pragma once

#include <cstdint>
#include <random>

namespace weft::base {

[[nodiscard]] inline std::uint64_t random_seed() {
  std::random_device system;
  return (std::uint64_t{system()} << 32) | system();
}

}  // namespace weft::base
