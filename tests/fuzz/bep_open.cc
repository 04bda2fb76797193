// OPEN: files that a peer wants to read over paths; names, sizes and cores are safe to act on.
#include "tests/fuzz/bep_private.hh"

namespace weft::fuzz {

using namespace proto;

void make_seeds(Seeds& out) {
  Open open;
  for (std::uint32_t i = 0; i < 4; ++i)
    open.files.push_back({i, "default", "dir/f" + std::to_string(i), small_version(), 1000 * std::int64_t{i}, 131'072, i});
  out.add("four", encode_private(open));
  out.add("none", encode_private(Open{}));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const auto open = read_private<Open>(MessageType::kOpen, data, size);
  if (!open) return 0;
  CHECK(open->files.size() <= kPrivateEntriesMax);
  for (const Open::File& file : open->files) {
    CHECK(is_utf8(file.folder) && is_valid_name(file.name) && file.size >= 0);
    CHECK(file.block_size > 0 && file.block_size <= 16 << 20 && file.core < weft::base::kCoresMax);
    CHECK(file.version.counters().size() <= kCountersMax);
  }
  return 0;
}
