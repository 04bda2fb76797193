#include "engine/wire/challenges.hh"

#include <array>

#include "engine/base/bytes.hh"
#include "engine/wire/sha256.hh"

namespace weft::wire {

std::uint64_t Challenges::next() noexcept {
  std::array<std::byte, 16> input;
  base::store_be(input.data(), seed_);
  base::store_be(input.data() + 8, counter_++);
  return base::load_be<std::uint64_t>(sha256(input).data());
}

}  // namespace weft::wire
