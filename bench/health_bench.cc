// What monitoring costs that finds nothing: many devices at rest, four good paths each. Run: build/bench/health_bench
// Each iteration is one second of the control core: every session looked at as often as engine/run does (health::look_every), its
// reports aggregated and judged, its probes answered within 2 ms.
//   control_core    of one CPU, at this machine's speed
//   bits_per_device of challenges, responses and acknowledgements per second, both ways, with UDP and IPv4
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "engine/wire/frame.hh"
#include "engine/wire/packet.hh"
#include "health/monitor.hh"

namespace weft::health {
namespace {

constexpr std::size_t kPaths = 4;
constexpr std::size_t kProbeBits =
    8 * (3 * (28 + wire::kOverheadBytes) + wire::kPathChallengeBytes + wire::kPathResponseBytes + 2 * wire::kAckBytesMin);

struct Device {
  Monitor monitor;
  std::array<share::LaneReport, kPaths> lanes{};
  std::array<base::Instant, kPaths> answer_at{};      // kNever: nothing was asked
  std::array<std::uint32_t, kPaths> asked{};
  base::Instant look_at{};
};

void look(Device& device, base::Instant now, std::uint64_t& probes) {
  std::array<PathReport, kPaths> reports;
  for (std::size_t i = 0; i < kPaths; ++i) {
    share::LaneReport& lane = device.lanes[i];
    if (device.answer_at[i] <= now) {
      lane.last_received = device.answer_at[i];
      lane.probe_seq_answered = device.asked[i];
      lane.unanswered_since = base::kNever;
      device.answer_at[i] = base::kNever;
    }
    const LaneSample sample{&lane, now};
    reports[i] = aggregate(base::PathId{static_cast<std::uint8_t>(i)}, {&sample, 1});
    reports[i].state = share::PathState::kActive;
  }
  const Verdicts verdicts = device.monitor.tick(reports, now);
  for (std::size_t i = 0; i < kPaths; ++i) {
    if (!verdicts[i].probe_due) continue;
    ++probes;
    ++device.asked[i];
    device.lanes[i].unanswered_since = now;
    device.answer_at[i] = now + base::milliseconds(2);
  }
  device.look_at = device.monitor.next_look(reports, now);
}

void AtRest(benchmark::State& state) {
  std::vector<Device> devices(static_cast<std::size_t>(state.range(0)));
  base::Instant now{base::seconds(10'000).ns};
  for (Device& device : devices)
    for (std::size_t i = 0; i < kPaths; ++i) {
      share::LaneReport& lane = device.lanes[i];
      lane.path = base::PathId{static_cast<std::uint8_t>(i)};
      lane.validated = true;
      lane.srtt = lane.rtt_min = lane.rtt_latest = base::milliseconds(2);
      lane.unanswered_since = base::kNever;
      lane.last_received = now;
      device.answer_at[i] = base::kNever;
    }
  std::uint64_t probes = 0, ignored = 0;
  const auto run = [&](base::Duration time, base::Duration tick, std::uint64_t& count) {
    for (const base::Instant end = now + time; now < end; now += tick)
      for (Device& device : devices)
        if (device.look_at <= now) look(device, now, count);
  };
  run(base::seconds(3600), base::seconds(1), ignored);   // until they have gone to rest
  for (auto _ : state) run(base::seconds(1), base::milliseconds(10), probes);
  const double seconds = static_cast<double>(state.iterations());
  state.counters["control_core"] =
      benchmark::Counter(seconds, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bits_per_device"] =
      static_cast<double>(probes * kProbeBits) / seconds / static_cast<double>(devices.size());
  state.counters["bytes_per_device"] = sizeof(Monitor);
}
BENCHMARK(AtRest)->Arg(1)->Arg(16)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft::health

BENCHMARK_MAIN();
