// The numbers of PATH_CHALLENGE frames. They prove an address, so nobody may know one before it was
// sent there: not even the peer, who sees those that reach it (RFC 9000 §8.2.1). A generator whose
// state can be worked out from its output will not do.
// Each is the first 8 bytes of SHA-256(seed, counter). To foretell the next from those seen is to
// find the seed: 2^63 hashes, no less than guessing the 8 bytes themselves.
// Owner: one data core. No heap. Same seed, same numbers: simulations repeat.
#pragma once

#include <cstdint>

namespace weft::wire {

class Challenges {
 public:
  // `seed`: from a cryptographic source where it matters (RAND_bytes), another for each owner.
  explicit Challenges(std::uint64_t seed) noexcept : seed_(seed) {}
  [[nodiscard]] std::uint64_t next() noexcept;

 private:
  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
};

}  // namespace weft::wire
