// What crosses the border of a core: rings and snapshots. Run: build/bench/share_bench
// items = values handed over.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <vector>

#include "bench/timed.hh"
#include "engine/share/command.hh"
#include "engine/share/disk_job.hh"
#include "engine/share/report.hh"
#include "engine/share/snapshot.hh"
#include "engine/share/spsc_ring.hh"
#include "engine/share/table.hh"

namespace weft::share {
namespace {

// In and out again in bursts of so many, on one core: the work alone.
template <typename T> void RingBurst(benchmark::State& state) {
  const auto burst = static_cast<std::size_t>(state.range(0));
  std::vector<T> slots(1024);
  SpscRing<T> ring(slots);
  std::vector<T> in(burst), out(burst);
  bench::Timed timed(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(ring.push(in));
    benchmark::DoNotOptimize(ring.pop(out));
    benchmark::ClobberMemory();
  }
  timed.end(static_cast<std::size_t>(state.iterations()) * burst);
}
BENCHMARK_TEMPLATE(RingBurst, DiskJob)->Arg(1)->Arg(8)->Arg(64);
BENCHMARK_TEMPLATE(RingBurst, Command)->Arg(1)->Arg(8);

// From one thread to another, a burst at a time: with the lines that go from core to core. Two CPUs that are free, or it
// measures the system's scheduler.
void RingAcross(benchmark::State& state) {
  constexpr std::size_t kItems = 64;
  static std::vector<DiskJob> slots(1024);
  static SpscRing<DiskJob> ring(slots);
  std::array<DiskJob, kItems> items{};
  for (auto _ : state)
    for (std::size_t done = 0; done < kItems;) {
      const std::span<DiskJob> rest = std::span(items).subspan(done);
      done += state.thread_index() == 0 ? ring.push(rest) : ring.pop(rest);
    }
  if (state.thread_index() == 0) state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kItems));
}
BENCHMARK(RingAcross)->Threads(2)->UseRealTime();

// As a core reports every 2 ms, and as control tells its table.
template <typename T> void SnapshotPublished(benchmark::State& state) {
  const auto snapshot = std::make_unique<Snapshot<T>>();
  const auto value = std::make_unique<T>();
  bench::Timed timed(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(snapshot->try_publish(*value));
    benchmark::DoNotOptimize(snapshot->adopt());
    benchmark::ClobberMemory();
  }
  timed.end(static_cast<std::size_t>(state.iterations()), sizeof(T));
}
BENCHMARK_TEMPLATE(SnapshotPublished, CoreReport);
BENCHMARK_TEMPLATE(SnapshotPublished, PathTable);

// The turn that finds nothing new: what every turn pays.
void SnapshotLookedAt(benchmark::State& state) {
  const auto snapshot = std::make_unique<Snapshot<PathTable>>();
  bench::Timed timed(state);
  for (auto _ : state) benchmark::DoNotOptimize(snapshot->adopt());
  timed.end(static_cast<std::size_t>(state.iterations()));
}
BENCHMARK(SnapshotLookedAt);

}  // namespace
}  // namespace weft::share

BENCHMARK_MAIN();
