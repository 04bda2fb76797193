// Request: name and range are safe to act on, protobuf reads the same, and it is written again with the same meaning.
#include "bep/proto/names.hh"
#include "bep/proto/pb.hh"
#include "tests/fuzz/bep_values.hh"

namespace weft::fuzz {

using namespace proto;

void make_seeds(Seeds& out) {
  out.add("block", encoded(small_request()));
  Request temporary = small_request();
  temporary.from_temporary = true;
  temporary.hash.clear();
  out.add("temporary", encoded(temporary));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  Request request;
  const Reason reason = decode(bytes_of(data, size), request);
  weft::bep::Request slow;
  const bool parsed = slow.ParseFromArray(data, static_cast<int>(size));
  const bool range = slow.offset() >= 0 && slow.size() >= 0 && slow.size() <= 32 << 20 &&
                     slow.offset() <= INT64_MAX - slow.size();
  const bool good = parsed && is_utf8(slow.folder()) && is_valid_name(slow.name()) && range;
  CHECK((reason == Reason::kNone) == good);
  if (!good) return 0;
  understood();
  CHECK(request.id == slow.id() && request.folder == slow.folder() && request.name == slow.name());
  CHECK(request.offset == slow.offset() && request.size == slow.size() && request.block_no == slow.block_no());
  CHECK(request.from_temporary == slow.from_temporary());
  CHECK(request.hash.empty() || text_of(request.hash) == slow.hash());
  CHECK(request.hash_unusable == (slow.hash().size() != 0 && slow.hash().size() != 32));
  Request again;
  CHECK(decode(encoded(request), again) == Reason::kNone);
  request.hash_unusable = false;      // is not sent: the hash is left out instead
  CHECK(again == request);
  return 0;
}
