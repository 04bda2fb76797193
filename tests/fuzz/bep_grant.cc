// GRANT: handles or errors; an error from a later weft reads as one we know.
#include "tests/fuzz/bep_private.hh"

namespace weft::fuzz {

using namespace proto;

void make_seeds(Seeds& out) {
  Grant grant;
  grant.files = {{1, 0x10005, 0}, {2, 0, grant_error_of(base::Errc::kNotFound)}, {3, 0, 999}};
  out.add("three", encode_private(grant));
  out.add("none", encode_private(Grant{}));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const auto grant = read_private<Grant>(MessageType::kGrant, data, size);
  if (!grant) return 0;
  CHECK(grant->files.size() <= kPrivateEntriesMax);
  for (const Grant::File& file : grant->files)
    if (file.error > 0) CHECK(weft::base::name_of(errc_of_grant_error(file.error)) != nullptr);
  return 0;
}
