// What the scheduler costs per packet, and how that grows. Run: build/bench/sched_bench
// items/s are packets; the data core's budget at 5 Mpps is 200 ns for everything.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "bench/timed.hh"
#include "sched/lane.hh"
#include "sched/loss.hh"
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
  bench::Timed timed(state);
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
  timed.end(static_cast<std::size_t>(state.iterations()) * kBurst);
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
  bench::Timed timed(state);
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
  timed.end(static_cast<std::size_t>(state.iterations()) * kBurst);
}
BENCHMARK(LaneRoundTripWithLoss);

std::vector<LaneView> lanes_of(std::int64_t count) {
  std::vector<LaneView> lanes;
  for (std::int64_t i = 0; i < count; ++i)
    lanes.push_back({.usable = true,
                     .can_send = true,
                     .backup = false,
                     .state = share::PathState::kActive,
                     .rate_Bps = static_cast<std::uint64_t>(100'000'000 + i * 7'000'000),
                     .srtt = base::microseconds(200 + 30 * i),
                     .rttvar = {},
                     .queued_bytes = 40'000});
  return lanes;
}

// As a data core does it: a survey per turn of 64 packets.
void Pick(benchmark::State& state, share::Policy policy, std::uint64_t unsent_bytes) {
  const std::vector<LaneView> lanes = lanes_of(state.range(0));
  Picker picker;
  picker.set_policy(policy);
  bench::Timed timed(state);
  LaneSurvey survey;
  std::uint32_t picks = 0;
  for (auto _ : state) {
    if (picks++ % 64 == 0) survey = survey_of(lanes);
    benchmark::DoNotOptimize(picker.pick(lanes, survey, unsent_bytes, kPacket));
  }
  timed.end(static_cast<std::size_t>(state.iterations()));
}
// For requests and the like.
void PickControl(benchmark::State& state) {
  const std::vector<LaneView> lanes = lanes_of(state.range(0));
  Picker picker;
  bench::Timed timed(state);
  for (auto _ : state) benchmark::DoNotOptimize(picker.pick_control(lanes));
  timed.end(static_cast<std::size_t>(state.iterations()));
}

// A packet remembered, found by its ack and forgotten, with so many in flight.
void InFlightInsertAndSettle(benchmark::State& state) {
  std::vector<SentPacket> ring(8192);
  InFlight in_flight(ring);
  SentPacket packet;
  packet.kind = SentKind::kChunk;
  packet.bytes = kPacket;
  std::uint64_t oldest = 0;
  for (; packet.packet_number < static_cast<std::uint64_t>(state.range(0)); ++packet.packet_number) in_flight.push(packet);
  bench::Timed timed(state);
  for (auto _ : state) {
    in_flight.push(packet);
    ++packet.packet_number;
    in_flight.settle(*in_flight.find(oldest++), SentState::kAcked);
  }
  timed.end(static_cast<std::size_t>(state.iterations()));
}
BENCHMARK(InFlightInsertAndSettle)->RangeMultiplier(8)->Range(1, 4096);

// A sender's packets, and what looks among them for lost ones.
struct LossRig {
  std::vector<SentPacket> ring = std::vector<SentPacket>(8192);
  InFlight in_flight{ring};
  Rtt rtt{base::milliseconds(1)};
  LossDetector loss;
  base::Instant now{1'000'000'000};
  std::uint64_t next = 0, lost = 0;

  void send(std::uint64_t packets) {
    for (; packets > 0; --packets, ++next)
      in_flight.push({.packet_number = next, .bytes = kPacket, .kind = SentKind::kChunk, .sent = now});
  }
  void acknowledge(std::uint64_t number) {
    in_flight.settle(*in_flight.find(number), SentState::kAcked);
    loss.on_largest_acked(number);
  }
  LossResult look() {
    return loss.detect(in_flight, rtt, now, [this](const SentPacket&, SentState) { ++lost; });
  }
};

// With so many in flight, the usual look: a later one has been acknowledged, and it is too early to say of the first.
void LossScanNone(benchmark::State& state) {
  LossRig rig;
  rig.send(static_cast<std::uint64_t>(state.range(0)));
  rig.acknowledge(kPacketThreshold - 1);
  bench::Timed timed(state);
  for (auto _ : state) benchmark::DoNotOptimize(rig.look());
  timed.end(static_cast<std::size_t>(state.iterations()));
  if (rig.lost > 0 || rig.loss.deadline() == base::kNever) state.SkipWithError("it did not look");
}
BENCHMARK(LossScanNone)->RangeMultiplier(8)->Range(8, 4096);

// The last of so many is acknowledged and nothing before it: all are lost but the last three.
void LossScanAll(benchmark::State& state) {
  const auto packets = static_cast<std::uint64_t>(state.range(0));
  LossRig rig;
  bench::Timed timed(state);
  for (auto _ : state) {
    rig.send(packets);
    rig.acknowledge(rig.next - 1);
    benchmark::DoNotOptimize(rig.look());
    rig.in_flight.forget_lost(rig.now + base::seconds(1));
  }
  timed.end(rig.next);
  if (rig.lost == 0) state.SkipWithError("nothing was lost");
}
BENCHMARK(LossScanAll)->RangeMultiplier(8)->Range(8, 4096);

// An ACK of so many ranges for as many packets each, and the receiver's side of it: every other packet is missing.
void AckOfRanges(benchmark::State& state) {
  const auto ranges = static_cast<std::uint32_t>(state.range(0));
  std::vector<SentPacket> ring(4096), other_ring(64);
  Lane sender({.max_packet_bytes = kPacket}, ring), receiver({.max_packet_bytes = kPacket}, other_ring);
  base::Instant now{1'000'000'000};
  wire::Ack ack;
  std::uint64_t fates = 0;
  bench::Timed timed(state);
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < 2 * ranges; ++i) {
      SentPacket packet;
      packet.packet_number = sender.take_packet_number();
      packet.bytes = kPacket;
      packet.kind = SentKind::kChunk;
      sender.on_sent(packet, now);
      if (i % 2 == 1) receiver.on_packet_received(packet.packet_number, true, now);
    }
    now += base::milliseconds(1);
    if (receiver.fill_ack(ack, now)) {
      sender.handle_ack(ack, now, [&](const SentPacket&, Fate) { ++fates; });
      receiver.on_ack_acked(ack.largest);
    }
  }
  benchmark::DoNotOptimize(fates);
  timed.end(static_cast<std::size_t>(state.iterations()) * 2 * ranges);
}
BENCHMARK(AckOfRanges)->RangeMultiplier(2)->Range(1, 32);

void lane_counts(benchmark::internal::Benchmark* sweep) {
  for (const int lanes : {1, 2, 4, 8, 16}) sweep->Arg(lanes);
}
constexpr std::uint64_t kBody = std::uint64_t{1} << 40;
BENCHMARK_CAPTURE(Pick, rate_body, share::Policy::kRate, kBody)->Apply(lane_counts);
BENCHMARK_CAPTURE(Pick, rate_tail, share::Policy::kRate, std::uint64_t{1'400})->Apply(lane_counts);
BENCHMARK_CAPTURE(Pick, weighted, share::Policy::kWeighted, kBody)->Apply(lane_counts);
BENCHMARK_CAPTURE(Pick, ecf, share::Policy::kEcf, kBody)->Apply(lane_counts);
BENCHMARK_CAPTURE(Pick, min_rtt, share::Policy::kMinRtt, kBody)->Apply(lane_counts);
BENCHMARK(PickControl)->Apply(lane_counts);

}  // namespace
}  // namespace weft::sched

BENCHMARK_MAIN();
