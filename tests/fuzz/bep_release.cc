// RELEASE: a bounded list of handles, packed or not.
#include "tests/fuzz/bep_private.hh"

namespace weft::fuzz {

using namespace proto;

void make_seeds(Seeds& out) {
  out.add("three", encode_private(Release{{1, 2, UINT32_MAX}}));
  out.add("unpacked", std::string_view("\x08\x01\x08\x02\x08\xff\xff\xff\xff\x0f", 10));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const auto release = read_private<Release>(MessageType::kRelease, data, size);
  if (release) CHECK(release->handles.size() <= kPrivateEntriesMax);
  return 0;
}
