// Close: its reason becomes one short printable line, however the peer wrote it.
#include "bep/proto/names.hh"
#include "tests/fuzz/bep_values.hh"

namespace weft::fuzz {

using namespace proto;

void make_seeds(Seeds& out) {
  out.add("bye", encode_close("bye"));
  out.add("umlaut", encode_close("b\u00f6se \u2014 invalid name: ../x"));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  std::string reason;
  if (decode_close(bytes_of(data, size), reason) != Reason::kNone) return 0;
  understood();
  CHECK(reason.size() <= 1024 && is_utf8(reason));
  CHECK(std::ranges::none_of(reason, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }));
  std::string again;
  CHECK(decode_close(encode_close(reason), again) == Reason::kNone && again == reason);
  // The raw bytes as our own text, too: a Close of ours quotes what peers sent.
  CHECK(decode_close(encode_close(text_of(bytes_of(data, size))), again) == Reason::kNone && again.size() <= 1024);
  return 0;
}
