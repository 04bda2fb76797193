// The replay window against a set of all numbers ever accepted: operations from the input.
#include <set>

#include "engine/wire/packet.hh"
#include "engine/wire/replay_window.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {
namespace {

// Near the newest number, near the window's end, or anywhere.
std::uint64_t choose_number(Choices& in, const wire::ReplayWindow& window) {
  const std::uint64_t step = in.byte();
  switch (in.below(5)) {
    case 0: return window.next() + step % 4;
    case 1: return window.next() - std::min(window.next(), step);
    case 2: return window.next() - std::min(window.next(), window.size() + step % 8 - 4);
    case 3: return window.next() + window.size() + step - 128;
    default: return in.number<std::uint64_t>();
  }
}

}  // namespace

void make_seeds(Seeds& out) {
  out.add("in-order", std::string_view("\1\0\0\0\0\0\0\0\0\0\0", 11));
  out.add("old-and-new", std::string_view("\0\5\3\7\1\4\2\2\2\200\3\1\1\5\2\6\2\1\4\77\377\377\377\377\377\377\377", 27));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  Choices in(bytes_of(data, size));
  std::vector<std::uint64_t> words(std::size_t{1} << in.below(4), 0x5A5A5A5A5A5A5A5A);
  weft::wire::ReplayWindow window(words);
  std::set<std::uint64_t> seen;
  CHECK(window.size() == words.size() * 64 && window.next() == 0);
  while (!in.empty()) {
    const std::uint64_t number = choose_number(in, window);
    const std::uint64_t next = seen.empty() ? 0 : *seen.rbegin() + 1;
    const bool fresh = number <= weft::wire::kPacketNumberMax && !seen.contains(number) &&
                       (number >= next || next - number <= window.size());
    CHECK(window.would_accept(number) == fresh);
    if (!fresh) continue;
    understood();
    window.accept(number);
    seen.insert(number);
    CHECK(!window.would_accept(number) && window.next() == *seen.rbegin() + 1);
  }
  return 0;
}
