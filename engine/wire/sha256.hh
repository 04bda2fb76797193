// SHA-256 piece by piece: a data core hashes a block as its extents arrive, control hashes what it
// must.
// Owner: one thread per object; objects are plain memory, may be copied (the copy goes on from the
// same state).
// Cost: no heap at any time; SHA-NI where the CPU has it (OpenSSL chooses).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/base/bytes.hh"
#include "engine/base/types.hh"

namespace weft::wire {

class Sha256Stream {
 public:
  Sha256Stream() noexcept { start(); }
  // Forgets everything; also allowed half-way.
  void start() noexcept;
  void update(base::Bytes bytes) noexcept;
  // The hash of all bytes since start(). Call start() before the next update().
  [[nodiscard]] base::Sha256 finish() noexcept;

  // ---- for sha256_pair.cc, which runs the compression function itself
  static constexpr std::size_t kBlockBytes = 64;
  [[nodiscard]] bool on_block_boundary() const noexcept;   // no bytes wait for the rest of their block
  [[nodiscard]] std::uint32_t* words() noexcept;           // the eight words of the state
  void skip_blocks(std::size_t count) noexcept;            // words() has taken them in

 private:
  alignas(8) std::array<std::byte, 112> state_;   // OpenSSL's SHA256_CTX; sha256.cc checks the size
};

[[nodiscard]] base::Sha256 sha256(base::Bytes bytes) noexcept;

}  // namespace weft::wire
