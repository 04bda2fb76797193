// SpscRing against a deque, one thread: what goes in and comes out by random batches. (Two threads, and the memory
// orders between them, are the business of tests/unit/share.)
#include <deque>

#include "engine/share/spsc_ring.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {

void make_seeds(Seeds& out) {
  out.add("single", std::string_view("\0\0\1\1\1\0\1\1\1", 9));
  out.add("batches", std::string_view("\3\0\5\2\0\1\3\0\11\1\11\2\0\0\4\3\0\1\2", 19));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  Choices in(bytes_of(data, size));
  std::vector<std::uint32_t> slots(std::size_t{1} << in.below(7));
  weft::share::SpscRing<std::uint32_t> ring(slots);
  std::deque<std::uint32_t> model;
  std::uint32_t next = 0;
  CHECK(ring.capacity() == slots.size());
  while (!in.empty()) {
    understood();
    const std::uint32_t action = in.below(5), count = in.below(80);
    std::vector<std::uint32_t> batch(count);
    const std::size_t free = slots.size() - model.size();
    if (action == 0) {
      for (std::uint32_t i = 0; i < count; ++i) batch[i] = next + i;
      const std::uint32_t took = ring.push(batch);
      CHECK(took == std::min<std::size_t>(count, free));
      for (std::uint32_t i = 0; i < took; ++i) model.push_back(next++);
    } else if (action == 1) {
      const std::uint32_t got = ring.pop(batch);
      CHECK(got == std::min<std::size_t>(count, model.size()));
      CHECK(std::equal(batch.begin(), batch.begin() + got, model.begin()));
      model.erase(model.begin(), model.begin() + got);
    } else if (action == 2) {
      CHECK(ring.room() == free);
    } else if (action == 3) {
      CHECK(ring.push_one(next) == (free > 0));
      if (free > 0) model.push_back(next++);
    } else {
      std::uint32_t item = 0;
      const bool got = ring.pop_one(item);
      CHECK(got == !model.empty());
      if (!got) continue;
      CHECK(item == model.front());
      model.pop_front();
    }
  }
  return 0;
}
