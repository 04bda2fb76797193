// What every benchmark counts besides time: cycles per item, so that machines of other clock rates compare, and allocations, of
// which a timed part of the datapath may make none.
//   Timed timed(state);
//   for (auto _ : state) …
//   timed.end(items, bytes per item);
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>

namespace weft::bench {

// Calls of operator new since the process began; one thread.
[[nodiscard]] std::size_t allocations() noexcept;

enum class Heap : bool { kForbidden, kAllowed };   // allowed: on the control core

class Timed {
 public:
  explicit Timed(benchmark::State& state, Heap heap = Heap::kForbidden)
      : state_(state), heap_(heap), allocations_(allocations()), began_(__builtin_ia32_rdtsc()) {}
  // Fails the benchmark where something was allocated.
  void end(std::size_t items, std::size_t bytes_each = 0) {
    const std::uint64_t cycles = __builtin_ia32_rdtsc() - began_;
    if (heap_ == Heap::kForbidden && allocations() != allocations_) return state_.SkipWithError("allocates in the timed part");
    state_.counters["cycles"] = static_cast<double>(cycles) / static_cast<double>(items == 0 ? 1 : items);
    state_.SetItemsProcessed(static_cast<std::int64_t>(items));
    if (bytes_each > 0) state_.SetBytesProcessed(static_cast<std::int64_t>(items * bytes_each));
  }

 private:
  benchmark::State& state_;
  Heap heap_;
  std::size_t allocations_;
  std::uint64_t began_;
};

}  // namespace weft::bench
