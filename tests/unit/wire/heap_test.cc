// The promise of aead.hh and sha256.hh: no heap after construction. Counts OpenSSL's allocations
// through its own hook and ours through operator new.
#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <new>
#include <vector>

#include "engine/wire/aead.hh"
#include "engine/wire/sha256.hh"

namespace {

// One thread runs tests; a plain counter is enough.
std::size_t allocations = 0;

void* counted_malloc(std::size_t bytes, const char*, int) {
  ++allocations;
  return std::malloc(bytes);
}
void* counted_realloc(void* old, std::size_t bytes, const char*, int) {
  ++allocations;
  return std::realloc(old, bytes);
}
void counted_free(void* old, const char*, int) { std::free(old); }

// OpenSSL takes hooks only before its first allocation, so before main().
const bool hooked = CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) == 1;

}  // namespace

// Not inlined: GCC would see malloc() meet a delete expression and warn of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* const memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace weft::wire {
namespace {

TEST(Heap, TheCounterCounts) {
  ASSERT_TRUE(hooked);
  const std::size_t before = allocations;
  const std::vector<int> one(1);
  EXPECT_EQ(allocations, before + 1);
  OPENSSL_free(OPENSSL_malloc(8));
  EXPECT_EQ(allocations, before + 2);
}

TEST(Heap, NothingAfterAnAeadIsMade) {
  for (const auto kind : {AeadKind::kIpsecMb, AeadKind::kOpenssl}) {
    auto aead = make_aead(kind, 2);
    if (!aead) continue;   // ipsec-mb is not everywhere; aead_test.cc says when it is skipped
    std::array<std::byte, 10'000> packet{};
    std::array<std::byte, 9'000> body{};
    KeySlot slot, other;
    const std::size_t before = allocations;
    for (std::size_t round = 0; round < 3; ++round) {
      (*aead)->prepare({}, slot);
      (*aead)->prepare({}, other);
      for (const std::size_t body_bytes : {0u, 100u, 9'000u}) {
        const SealJob seal{&slot, round, packet.data(), 40, std::span(body).first(body_bytes)};
        (*aead)->seal({&seal, 1});
        OpenJob open{&slot, round, packet.data(), static_cast<std::uint32_t>(seal.sealed_bytes())};
        (*aead)->open({&open, 1});
        EXPECT_TRUE(open.ok);
        (*aead)->open({&open, 1});   // by now it is plaintext: the refusal must not allocate either
        EXPECT_FALSE(open.ok);
      }
      (*aead)->release(slot);
      (*aead)->release(other);
    }
    EXPECT_EQ(allocations, before) << (*aead)->name();
  }
}

TEST(Heap, NothingForHashing) {
  const std::array<std::byte, 1000> bytes{};
  const std::size_t before = allocations;
  Sha256Stream stream;
  for (int round = 0; round < 3; ++round) {
    stream.start();
    stream.update(bytes);
    stream.update(bytes);
    const base::Sha256 hash = stream.finish();
    EXPECT_NE(hash, base::Sha256{});
  }
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace weft::wire
