// engine/wire per packet: seal and open with each back end, frames, replay window, SHA-256.
//   build/bench/wire_bench [--benchmark_filter=Seal]
// items = packets (or frames), bytes = what a user gets: plaintext; cycles are per item.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <vector>

#include "bench/timed.hh"
#include "engine/base/prng.hh"
#include "engine/wire/aead.hh"
#include "engine/wire/frame.hh"
#include "engine/wire/replay_window.hh"
#include "engine/wire/sha256_pair.hh"

namespace weft::wire {
namespace {

constexpr std::size_t kBurst = 32;
constexpr std::size_t kPacketStride = 10'240;          // no two packets share a line; jumbo fits
constexpr std::size_t kSourceBytes = std::size_t{8} << 20;   // slots of a core: beyond L2
constexpr std::uint32_t kHeadBytes = kAckBytesMin + kChunkHeaderBytes;

struct Rig {
  Rig(AeadKind kind, std::size_t body_bytes)
      : source(kSourceBytes), packets(kBurst * kPacketStride) {
    auto made = make_aead(kind, 1);
    if (!made) return;
    aead = std::move(*made);
    aead->prepare({}, key);
    for (std::size_t i = 0; i < kBurst; ++i) {
      std::byte* const packet = packets.data() + i * kPacketStride;
      encode_header(packet, {.packet_number = i});
      seals[i] = {&key, i, packet, kHeadBytes,
                  base::Bytes(source).subspan(i * body_bytes, body_bytes)};
      opens[i] = {&key, i, packet, static_cast<std::uint32_t>(seals[i].sealed_bytes())};
    }
  }
  ~Rig() {
    if (aead) aead->release(key);
  }
  std::unique_ptr<Aead> aead;
  KeySlot key;
  std::vector<std::byte> source, packets;
  std::array<SealJob, kBurst> seals{};
  std::array<OpenJob, kBurst> opens{};
};

void seal_burst(benchmark::State& state, AeadKind kind) {
  const auto body_bytes = static_cast<std::size_t>(state.range(0));
  Rig rig(kind, body_bytes);
  if (!rig.aead) {
    state.SkipWithError("this back end does not run here");
    return;
  }
  std::uint64_t number = 0;
  std::size_t at = 0;
  bench::Timed timed(state);
  for (auto _ : state) {
    for (SealJob& job : rig.seals) {
      job.packet_number = number++;
      job.body = base::Bytes(rig.source).subspan(at, body_bytes);
      at = at + 2 * body_bytes <= kSourceBytes ? at + body_bytes : 0;
    }
    rig.aead->seal(rig.seals);
    benchmark::ClobberMemory();
  }
  timed.end(number, body_bytes);
}

// Opening destroys the packet, so each round opens what the round before left: rubbish, refused at
// the end. The work is the same: decrypt, hash, compare.
void open_burst(benchmark::State& state, AeadKind kind) {
  const auto body_bytes = static_cast<std::size_t>(state.range(0));
  Rig rig(kind, body_bytes);
  if (!rig.aead) {
    state.SkipWithError("this back end does not run here");
    return;
  }
  std::size_t packets = 0;
  bench::Timed timed(state);
  for (auto _ : state) {
    rig.aead->open(rig.opens);
    benchmark::ClobberMemory();
    packets += kBurst;
  }
  timed.end(packets, body_bytes);
}

// A burst of 1400 bytes each, over so many paths in turn: each has its key, 1 KiB of it.
void seal_over_paths(benchmark::State& state) {
  constexpr std::size_t kBody = 1400;
  const auto paths = static_cast<std::size_t>(state.range(0));
  auto made = best_aead(paths);
  if (!made) return state.SkipWithError("no AEAD");
  const auto keys = std::make_unique<KeySlot[]>(paths);
  for (std::size_t i = 0; i < paths; ++i) (*made)->prepare({}, keys[i]);
  const std::vector<std::byte> source(kSourceBytes);
  std::vector<std::byte> packets(kBurst * kPacketStride);
  std::array<SealJob, kBurst> jobs{};
  std::uint64_t number = 0;
  {
    bench::Timed timed(state);
    for (auto _ : state) {
      for (std::size_t i = 0; i < kBurst; ++i, ++number)
        jobs[i] = {&keys[number % paths], number, packets.data() + i * kPacketStride, kHeadBytes,
                   base::Bytes(source).subspan(number % (kSourceBytes / kBody) * kBody, kBody)};
      (*made)->seal(jobs);
      benchmark::ClobberMemory();
    }
    timed.end(number, kBody);
  }
  for (std::size_t i = 0; i < paths; ++i) (*made)->release(keys[i]);
}

void prepare_key(benchmark::State& state, AeadKind kind) {
  Rig rig(kind, 64);
  if (!rig.aead) {
    state.SkipWithError("this back end does not run here");
    return;
  }
  share::PacketKey key;
  bench::Timed timed(state);
  for (auto _ : state) {
    rig.aead->prepare(key, rig.key);
    key.key[0] ^= std::byte{1};
  }
  timed.end(static_cast<std::size_t>(state.iterations()));
}

void packet_sizes(benchmark::internal::Benchmark* sweep) {
  for (const int bytes : {64, 256, 512, 1024, 1400, 4096, 8900}) sweep->Arg(bytes);
}

BENCHMARK_CAPTURE(seal_burst, ipsec_mb, AeadKind::kIpsecMb)->Apply(packet_sizes);
BENCHMARK_CAPTURE(seal_burst, openssl, AeadKind::kOpenssl)->Apply(packet_sizes);
BENCHMARK_CAPTURE(open_burst, ipsec_mb, AeadKind::kIpsecMb)->Apply(packet_sizes);
BENCHMARK_CAPTURE(open_burst, openssl, AeadKind::kOpenssl)->Apply(packet_sizes);
BENCHMARK(seal_over_paths)->RangeMultiplier(2)->Range(1, 64);
BENCHMARK_CAPTURE(prepare_key, ipsec_mb, AeadKind::kIpsecMb);
BENCHMARK_CAPTURE(prepare_key, openssl, AeadKind::kOpenssl);

Ack ack_with(std::size_t ranges) {
  Ack ack{.path = 1, .largest = 1'000'000, .delay_us = 100};
  for (std::uint64_t i = 0; i < ranges; ++i) {
    if (!ack.ranges.try_push({999'900 - i * 1000, 1'000'000 - i * 1000})) break;
  }
  return ack;
}

// What a sender does per packet: header, ACK of one range, CHUNK header.
void encode_chunk_head(benchmark::State& state) {
  std::array<std::byte, 256> packet;
  const Ack ack = ack_with(1);
  std::uint64_t number = 0;
  bench::Timed timed(state);
  for (auto _ : state) {
    encode_header(packet.data(), {.receiver_index = 7, .packet_number = number++});
    base::ByteWriter writer(base::MutableBytes(packet).subspan(kHeaderBytes));
    encode(writer, ack);
    encode_chunk_header(writer, 7, 0, 1400);
    benchmark::DoNotOptimize(packet);
  }
  timed.end(number, kHeaderBytes + kHeadBytes);
}
BENCHMARK(encode_chunk_head);

// What a receiver does per packet; the argument is the number of ack ranges.
void decode_ack_and_chunk(benchmark::State& state) {
  std::array<std::byte, 2048> packet{};
  encode_header(packet.data(), {.receiver_index = 7, .packet_number = 1});
  base::ByteWriter writer(base::MutableBytes(packet).subspan(kHeaderBytes));
  encode(writer, ack_with(static_cast<std::size_t>(state.range(0))));
  encode(writer, Chunk{.request_id = 7, .data = base::Bytes(packet).first(1400)});
  const auto text = base::Bytes(packet).subspan(kHeaderBytes, writer.used());
  Frame frame;
  std::size_t count = 0;
  bench::Timed timed(state);
  for (auto _ : state) {
    PacketHeader header;
    share::Drop why{};
    benchmark::DoNotOptimize(decode_header(packet, header, why));
    FrameReader reader(text);
    while (reader.next(frame)) benchmark::DoNotOptimize(frame);
    if (!reader.ok()) state.SkipWithError("does not decode");
    ++count;
  }
  timed.end(count, text.size());
}
BENCHMARK(decode_ack_and_chunk)->Arg(1)->Arg(4)->Arg(32);

// The common case: every packet in order.
void replay_window_in_order(benchmark::State& state) {
  std::vector<std::uint64_t> words(kReplayWindowWords);
  ReplayWindow window(words);
  std::uint64_t number = 0;
  bench::Timed timed(state);
  for (auto _ : state) {
    if (!window.would_accept(number)) state.SkipWithError("refused");
    window.accept(number++);
  }
  timed.end(number);
}
BENCHMARK(replay_window_in_order);

// Two queues of one path, one of them 40 packets behind.
void replay_window_out_of_order(benchmark::State& state) {
  std::vector<std::uint64_t> words(kReplayWindowWords);
  ReplayWindow window(words);
  std::uint64_t number = 80;
  bench::Timed timed(state);
  for (auto _ : state) {
    const std::uint64_t turn = number % 2 == 0 ? number : number - 80;
    if (window.would_accept(turn)) window.accept(turn);
    ++number;
  }
  timed.end(number);
}
BENCHMARK(replay_window_out_of_order);

void sha256_stream(benchmark::State& state) {
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)));
  Sha256Stream stream;
  std::size_t count = 0;
  bench::Timed timed(state);
  for (auto _ : state) {
    stream.start();
    stream.update(bytes);
    benchmark::DoNotOptimize(stream.finish());
    ++count;
  }
  timed.end(count, bytes.size());
}
BENCHMARK(sha256_stream)->Arg(1400)->Arg(128 << 10);

// Two streams of so many bytes at once; bytes per second are those of both.
void sha256_pair(benchmark::State& state) {
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)));
  const Sha256Pair pair;
  Sha256Stream a, b;
  std::size_t count = 0;
  bench::Timed timed(state);
  for (auto _ : state) {
    a.start();
    b.start();
    pair.update(a, bytes, b, bytes);
    benchmark::DoNotOptimize(a.finish());
    benchmark::DoNotOptimize(b.finish());
    ++count;
  }
  timed.end(count, 2 * bytes.size());
}
BENCHMARK(sha256_pair)->Arg(1400)->Arg(128 << 10);

}  // namespace
}  // namespace weft::wire

BENCHMARK_MAIN();
