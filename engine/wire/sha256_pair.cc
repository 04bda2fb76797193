#include "engine/wire/sha256_pair.hh"

#include <algorithm>

#include "engine/base/must.hh"
#include "engine/wire/sha256_ni.hh"

namespace weft::wire {

Sha256Pair::Sha256Pair() noexcept : sha_ni_(cpu_has_sha_ni()) {}

void Sha256Pair::update(Sha256Stream& a, base::Bytes of_a, Sha256Stream& b, base::Bytes of_b) const noexcept {
  MUST(&a != &b);
  if (sha_ni_ && a.on_block_boundary() && b.on_block_boundary()) {
    const std::size_t blocks = std::min(of_a.size(), of_b.size()) / Sha256Stream::kBlockBytes;
    if (blocks > 0) {
      sha256_compress_two({a.words(), of_a.data()}, {b.words(), of_b.data()}, blocks);
      a.skip_blocks(blocks);
      b.skip_blocks(blocks);
      of_a = of_a.subspan(blocks * Sha256Stream::kBlockBytes);
      of_b = of_b.subspan(blocks * Sha256Stream::kBlockBytes);
    }
  }
  if (!of_a.empty()) a.update(of_a);
  if (!of_b.empty()) b.update(of_b);
}

}  // namespace weft::wire
