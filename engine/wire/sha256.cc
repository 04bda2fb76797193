// Wraps OpenSSL's SHA-256 block functions.
// Why the low-level calls that OpenSSL 3 marks deprecated: EVP_DigestInit_ex2() frees and allocates
// its state on every start, and a data core starts one hash per block. The code below them is the
// same, SHA-NI included.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "engine/wire/sha256.hh"

#include <openssl/sha.h>

#include <new>

#include "engine/base/must.hh"

namespace weft::wire {
namespace {

SHA256_CTX* context_of(std::byte* state) noexcept {
  return std::launder(reinterpret_cast<SHA256_CTX*>(state));
}

}  // namespace

void Sha256Stream::start() noexcept {
  static_assert(sizeof(SHA256_CTX) <= sizeof state_);
  static_assert(alignof(SHA256_CTX) <= 8);
  MUST(SHA256_Init(new (state_.data()) SHA256_CTX) == 1);
}

void Sha256Stream::update(base::Bytes bytes) noexcept {
  MUST(SHA256_Update(context_of(state_.data()), bytes.data(), bytes.size()) == 1);
}

base::Sha256 Sha256Stream::finish() noexcept {
  base::Sha256 hash;
  static_assert(sizeof hash == SHA256_DIGEST_LENGTH);
  MUST(SHA256_Final(reinterpret_cast<unsigned char*>(hash.data()), context_of(state_.data())) == 1);
  return hash;
}

bool Sha256Stream::on_block_boundary() const noexcept {
  return std::launder(reinterpret_cast<const SHA256_CTX*>(state_.data()))->num == 0;
}

std::uint32_t* Sha256Stream::words() noexcept { return context_of(state_.data())->h; }

void Sha256Stream::skip_blocks(std::size_t count) noexcept {
  // OpenSSL counts bits in two words of 32.
  SHA256_CTX& context = *context_of(state_.data());
  const std::uint64_t bits = ((std::uint64_t{context.Nh} << 32) | context.Nl) + count * kBlockBytes * 8;
  context.Nl = static_cast<std::uint32_t>(bits);
  context.Nh = static_cast<std::uint32_t>(bits >> 32);
}

base::Sha256 sha256(base::Bytes bytes) noexcept {
  Sha256Stream stream;
  stream.update(bytes);
  return stream.finish();
}

}  // namespace weft::wire
