#include "engine/wire/sha256_ni.hh"

#include "engine/base/must.hh"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#include <array>

// The functions of this file alone are compiled for CPUs that have the instructions.
#define WEFT_SHA_NI __attribute__((target("sha,avx")))

namespace weft::wire {
namespace {

// FIPS 180-4 §4.2.2.
alignas(16) constexpr std::array<std::uint32_t, 64> kRound = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

constexpr unsigned kGroups = 16;   // of four rounds

// One stream in registers. The instructions want the state as the words ABEF and CDGH, highest first.
struct Rounds {
  __m128i abef, cdgh;
  __m128i w[4];   // the last sixteen words of the message schedule, four to a register

  WEFT_SHA_NI void load_state(const std::uint32_t* state) {
    const __m128i dcba = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state));
    const __m128i hgfe = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state + 4));
    const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
    const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    abef = _mm_alignr_epi8(cdab, efgh, 8);
    cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
  }

  WEFT_SHA_NI void store_state(std::uint32_t* state) const {
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
  }

  // Words 4i..4i+3 of the schedule, big-endian from the message for the first sixteen, else §6.2.2 step 1.
  WEFT_SHA_NI void schedule(unsigned i, const std::byte* data) {
    if (i < 4) {
      const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data) + i), swap);
      return;
    }
    const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]),
                                      _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4));
    w[i % 4] = _mm_sha256msg2_epu32(sum, w[(i + 3) % 4]);
  }

  WEFT_SHA_NI void four_rounds(unsigned i) {
    const __m128i k = _mm_load_si128(reinterpret_cast<const __m128i*>(kRound.data()) + i);
    const __m128i wk = _mm_add_epi32(w[i % 4], k);
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));
  }
};

}  // namespace

bool cpu_has_sha_ni() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool avx = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_AVX) != 0 && (c & bit_OSXSAVE) != 0;
  return avx && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

WEFT_SHA_NI void sha256_compress_two(Sha256Lane a, Sha256Lane b, std::size_t blocks) noexcept {
  Rounds x, y;
  x.load_state(a.state);
  y.load_state(b.state);
  for (; blocks > 0; --blocks, a.data += 64, b.data += 64) {
    const Rounds x_before = x, y_before = y;
#pragma GCC unroll 16
    for (unsigned i = 0; i < kGroups; ++i) {
      x.schedule(i, a.data);
      y.schedule(i, b.data);
      x.four_rounds(i);
      y.four_rounds(i);
    }
    x.abef = _mm_add_epi32(x.abef, x_before.abef);
    x.cdgh = _mm_add_epi32(x.cdgh, x_before.cdgh);
    y.abef = _mm_add_epi32(y.abef, y_before.abef);
    y.cdgh = _mm_add_epi32(y.cdgh, y_before.cdgh);
  }
  x.store_state(a.state);
  y.store_state(b.state);
}

}  // namespace weft::wire

#else

namespace weft::wire {

bool cpu_has_sha_ni() noexcept { return false; }
void sha256_compress_two(Sha256Lane, Sha256Lane, std::size_t) noexcept { MUST(false); }

}  // namespace weft::wire

#endif
