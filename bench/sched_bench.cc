// What the scheduler costs per packet. Run: build/bench/sched_bench
// items/s are packets; the data core's budget at 5 Mpps is 200 ns for everything.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "sched/lane.hh"
#include "sched/picker.hh"

namespace weft::sched {
namespace {

constexpr std::uint32_t kPacket = 1400;
constexpr std::uint32_t kBurst = 32;

// One burst sent, received, acknowledged: both ends of a lane, per packet.
void LaneRoundTrip(benchmark::State& state, share::Congestion congestion) {
  std::vector<SentPacket> ring(4096), other_ring(64);
  Lane sender({.max_packet_bytes = kPacket, .congestion = congestion}, ring);
  Lane receiver({.max_packet_bytes = kPacket}, other_ring);
  base::Instant now{1'000'000'000};
  wire::Ack ack;
  std::uint64_t fates = 0;
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < kBurst; ++i) {
      benchmark::DoNotOptimize(sender.can_send(kPacket, now));
      SentPacket packet;
      packet.packet_number = sender.take_packet_number();
      packet.bytes = kPacket;
      packet.kind = SentKind::kChunk;
      sender.on_sent(packet, now);
      receiver.on_packet_received(packet.packet_number, true, now);
    }
    now += base::microseconds(50);
    if (receiver.ack_due(now) && receiver.fill_ack(ack, now))
      sender.handle_ack(ack, now, [&](const SentPacket&, Fate) { ++fates; });
  }
  benchmark::DoNotOptimize(fates);
  state.SetItemsProcessed(state.iterations() * kBurst);
}
BENCHMARK_CAPTURE(LaneRoundTrip, cubic, share::Congestion::kCubic);
BENCHMARK_CAPTURE(LaneRoundTrip, bbr, share::Congestion::kBbr);

// Every 50th packet is lost, so that acks carry ranges and losses are walked.
void LaneRoundTripWithLoss(benchmark::State& state) {
  std::vector<SentPacket> ring(4096), other_ring(64);
  Lane sender({.max_packet_bytes = kPacket}, ring);
  Lane receiver({.max_packet_bytes = kPacket}, other_ring);
  base::Instant now{1'000'000'000};
  wire::Ack ack;
  std::uint64_t fates = 0;
  const auto count = [&](const SentPacket&, Fate) { ++fates; };
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < kBurst; ++i) {
      SentPacket packet;
      packet.packet_number = sender.take_packet_number();
      packet.bytes = kPacket;
      packet.kind = SentKind::kChunk;
      sender.on_sent(packet, now);
      if (packet.packet_number % 50 != 0)
        receiver.on_packet_received(packet.packet_number, true, now);
    }
    now += base::microseconds(50);
    if (receiver.ack_due(now) && receiver.fill_ack(ack, now)) sender.handle_ack(ack, now, count);
    sender.handle_timeout(now, count);
  }
  benchmark::DoNotOptimize(fates);
  state.SetItemsProcessed(state.iterations() * kBurst);
}
BENCHMARK(LaneRoundTripWithLoss);

void Pick(benchmark::State& state, share::Policy policy, std::uint64_t unsent_bytes) {
  std::vector<LaneView> lanes;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    lanes.push_back({.usable = true,
                     .can_send = true,
                     .backup = false,
                     .state = share::PathState::kActive,
                     .rate_Bps = static_cast<std::uint64_t>(100'000'000 + i * 7'000'000),
                     .srtt = base::microseconds(200 + 30 * i),
                     .rttvar = {},
                     .queued_bytes = 40'000});
  Picker picker;
  picker.set_policy(policy);
  for (auto _ : state) benchmark::DoNotOptimize(picker.pick(lanes, unsent_bytes, kPacket));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(Pick, rate_body, share::Policy::kRate, std::uint64_t{1} << 40)->Arg(2)->Arg(8);
BENCHMARK_CAPTURE(Pick, rate_tail, share::Policy::kRate, std::uint64_t{1'400})->Arg(2)->Arg(8);
BENCHMARK_CAPTURE(Pick, weighted, share::Policy::kWeighted, std::uint64_t{1} << 40)->Arg(2)->Arg(8);
BENCHMARK_CAPTURE(Pick, ecf, share::Policy::kEcf, std::uint64_t{1} << 40)->Arg(2)->Arg(8);
BENCHMARK_CAPTURE(Pick, min_rtt, share::Policy::kMinRtt, std::uint64_t{1} << 40)->Arg(2)->Arg(8);

}  // namespace
}  // namespace weft::sched

BENCHMARK_MAIN();
