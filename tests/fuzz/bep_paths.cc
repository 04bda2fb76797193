// PATHS: a plan of at most 64 paths, none twice.
#include "tests/fuzz/bep_private.hh"

namespace weft::fuzz {

using namespace proto;

void make_seeds(Seeds& out) {
  out.add("three", encode_private(Paths{.number = 7, .by_low = true, .pinned = true,
                                        .paths = {{0, 1, 256, 0}, {63, 3, 256, 9}, {9, 2, 64, 65535}}}));
  out.add("none", encode_private(Paths{}));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const auto paths = read_private<Paths>(MessageType::kPaths, data, size);
  if (!paths) return 0;
  CHECK(paths->number <= Paths::kNumberMax && paths->paths.size() <= weft::base::kPathsMax);
  for (const Paths::Entry& path : paths->paths)
    CHECK(path.path < weft::base::kPathsMax && path.use <= Paths::kUseMax && path.part >= 1 && path.part <= Paths::kWholeWindow);
  return 0;
}
