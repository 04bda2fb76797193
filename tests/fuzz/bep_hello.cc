// Hello: judged as early as its bytes allow and never otherwise, and written again with the same meaning.
#include "bep/proto/hello.hh"
#include "bep/proto/names.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {

using namespace proto;
using Outcome = HelloDecoded::Outcome;

void make_seeds(Seeds& out) {
  Hello hello{.device_name = "test device", .client_name = "syncthing", .client_version = "v1.19.2"};
  out.add("stock", encode_hello(hello));
  hello = {.device_name = "b\u00fcro", .client_version = "v0.1.0", .num_connections = 3,
           .timestamp_ns = 1'700'000'000'000'000'000, .weft_version = kWeftVersion};
  out.add("weft", encode_hello(hello));
  out.add("empty", encode_hello({.client_name = ""}));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const weft::base::Bytes input = bytes_of(data, size);
  const HelloDecoded whole = decode_hello(input);
  CHECK((whole.outcome == Outcome::kRefused) == (whole.reason != Reason::kNone));
  // A prefix either says the same or wants more; once it has spoken, more bytes change nothing.
  const std::size_t step = 1 + size / 64;
  for (std::size_t length = 0; length < size; length += step) {
    const HelloDecoded part = decode_hello(input.first(length));
    if (part.outcome == Outcome::kNeedMore) continue;
    CHECK(part.outcome == whole.outcome && part.reason == whole.reason && part.used == whole.used);
    CHECK(part.hello == whole.hello);
  }
  if (whole.outcome != Outcome::kDone) return 0;
  understood();
  CHECK(whole.used <= size && whole.used <= kHelloBytesMax + 6);
  for (const std::string& text : {whole.hello.device_name, whole.hello.client_name, whole.hello.client_version})
    CHECK(is_utf8(text) && text.size() <= 1024);
  const std::vector<std::byte> again = encode_hello(whole.hello);
  const HelloDecoded second = decode_hello(again);
  CHECK(second.outcome == Outcome::kDone && second.used == again.size() && second.hello == whole.hello);
  return 0;
}
