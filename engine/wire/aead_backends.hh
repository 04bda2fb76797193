// What the two back ends share, and how aead.cc makes them. Included by aead*.cc only.
#pragma once

#include <cstring>

#include "engine/wire/aead.hh"

namespace weft::wire {

// nullptr where this machine or OpenSSL has no such back end.
[[nodiscard]] std::unique_ptr<Aead> make_ipsec_mb_aead();
[[nodiscard]] std::unique_ptr<Aead> make_openssl_aead(std::size_t keys_max);

// IV xor packet number, right-aligned (RFC 9001 §5.3): unique as long as the number is.
using Nonce = std::array<unsigned char, 12>;
inline Nonce make_nonce(const KeySlot& key, std::uint64_t packet_number) noexcept {
  Nonce nonce;
  std::memcpy(nonce.data(), key.iv.data(), nonce.size());
  std::uint64_t tail;
  std::memcpy(&tail, nonce.data() + 4, sizeof tail);
  tail ^= base::swap_to_be(packet_number);
  std::memcpy(nonce.data() + 4, &tail, sizeof tail);
  return nonce;
}

inline unsigned char* raw(std::byte* at) noexcept { return reinterpret_cast<unsigned char*>(at); }
inline const unsigned char* raw(const std::byte* at) noexcept {
  return reinterpret_cast<const unsigned char*>(at);
}

}  // namespace weft::wire
