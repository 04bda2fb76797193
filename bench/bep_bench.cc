// The control core's hot parts: messages packed and read, the index written and asked. Run: build/bench/bep_bench
// The index of 10^6 entries takes some ten seconds to make: --benchmark_filter=-.*1000000 leaves it out.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/timed.hh"
#include "bep/model/index_db.hh"
#include "bep/proto/framing.hh"
#include "engine/base/prng.hh"

namespace weft {
namespace {

using bench::Heap;
constexpr const char* kFolder = "bench";
constexpr base::DeviceId kPeer{std::byte{9}};

std::string name_of(std::int64_t i) { return "directory " + std::to_string(i / 100) + "/file " + std::to_string(i); }

proto::FileInfo file_of(std::int64_t i) {
  proto::FileInfo file;
  file.name = name_of(i);
  file.size = 100'000;
  file.permissions = 0644;
  file.modified_s = 1'700'000'000 + i;
  file.version.update(1, 0);
  file.sequence = i + 1;
  file.block_size = 131'072;
  base::Prng prng(static_cast<std::uint64_t>(i));
  proto::Block block{0, 100'000, {}};
  for (std::byte& b : block.hash) b = static_cast<std::byte>(prng.next());
  file.blocks.push_back(block);
  return file;
}

// An Index message of so many files, as it lies in memory before it is packed.
std::vector<std::byte> index_of(std::int64_t files) {
  std::vector<std::byte> out;
  for (std::int64_t i = 0; i < files; ++i) proto::encode_file(file_of(i), out);
  return out;
}

void Lz4Pack(benchmark::State& state) {
  const std::vector<std::byte> message = index_of(state.range(0));
  std::vector<std::byte> out;
  bench::Timed timed(state, Heap::kAllowed);
  for (auto _ : state) {
    out.clear();
    proto::encode_message(proto::MessageType::kIndex, message, proto::Compression::kAlways, out);
    benchmark::ClobberMemory();
  }
  timed.end(static_cast<std::size_t>(state.iterations()), message.size());
  state.counters["packed_to"] = static_cast<double>(out.size()) / static_cast<double>(message.size());
}
BENCHMARK(Lz4Pack)->Arg(10)->Arg(1000)->Arg(10'000);

// A message taken from a stream that comes in pieces of `piece` bytes.
void read_back(benchmark::State& state, proto::MessageType type, proto::Compression compression, base::Bytes message,
               std::size_t piece) {
  std::vector<std::byte> stream;
  proto::encode_message(type, message, compression, stream);
  proto::FrameDecoder decoder;
  proto::Frame frame;
  bench::Timed timed(state, Heap::kAllowed);
  for (auto _ : state) {
    for (base::Bytes rest = stream; !rest.empty();) {
      const base::Bytes came = rest.first(std::min(piece, rest.size()));
      decoder.feed(came);
      rest = rest.subspan(came.size());
    }
    if (decoder.next(frame) != proto::FrameDecoder::Outcome::kFrame) return state.SkipWithError("not read back");
  }
  timed.end(static_cast<std::size_t>(state.iterations()), message.size());
}

void Lz4Unpack(benchmark::State& state) {
  read_back(state, proto::MessageType::kIndex, proto::Compression::kAlways, index_of(state.range(0)), SIZE_MAX);
}
BENCHMARK(Lz4Unpack)->Arg(10)->Arg(1000)->Arg(10'000);

// A block's answer through the framing, which neither packs nor reads it: what a byte from a link costs beside TLS.
void ResponseFraming(benchmark::State& state) {
  constexpr std::size_t kTlsRecord = 16'384;
  const std::vector<std::byte> message(static_cast<std::size_t>(state.range(0)));
  read_back(state, proto::MessageType::kResponse, proto::Compression::kMetadata, message, kTlsRecord);
}
BENCHMARK(ResponseFraming)->Arg(128 << 10)->Arg(1 << 20)->Arg(16 << 20);

// A peer's index of so many files, on the disk; made once.
class Index {
 public:
  explicit Index(std::int64_t files) {
    std::string name = (std::filesystem::temp_directory_path() / "weft-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return;
    directory_ = name;
    auto opened = model::IndexDb::open(directory_ / "index.db");
    if (!opened || !(*opened)->ensure_folder(kFolder)) return;
    db = std::move(*opened);
    for (std::int64_t at = 0; at < files; at += kBatch) {
      std::vector<proto::FileInfo> batch;
      for (std::int64_t i = at; i < std::min(files, at + kBatch); ++i) batch.push_back(file_of(i));
      if (db->update_remote(kFolder, kPeer, batch)) continue;
      db.reset();
      return;
    }
  }
  ~Index() {
    db.reset();
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;
  static constexpr std::int64_t kBatch = 1000;
  std::unique_ptr<model::IndexDb> db;

 private:
  std::filesystem::path directory_;
};

model::IndexDb* index_with(std::int64_t files) {
  static std::map<std::int64_t, std::unique_ptr<Index>> made;
  std::unique_ptr<Index>& one = made[files];
  if (one == nullptr) one = std::make_unique<Index>(files);
  return one->db.get();
}

void IndexLookup(benchmark::State& state) {
  model::IndexDb* const db = index_with(state.range(0));
  if (db == nullptr) return state.SkipWithError("no index could be made in the temporary directory");
  base::Prng prng(1);
  bench::Timed timed(state, Heap::kAllowed);
  for (auto _ : state) {
    const auto found = db->get_global(kFolder, name_of(prng.below(static_cast<std::uint32_t>(state.range(0)))));
    if (!found) return state.SkipWithError("not found");
  }
  timed.end(static_cast<std::size_t>(state.iterations()));
}
BENCHMARK(IndexLookup)->RangeMultiplier(100)->Range(1, 1'000'000);

// What is still to be fetched, asked as a puller does: the next thousand names.
void IndexNeed(benchmark::State& state) {
  model::IndexDb* const db = index_with(state.range(0));
  if (db == nullptr) return state.SkipWithError("no index could be made in the temporary directory");
  std::size_t names = 0;
  bench::Timed timed(state, Heap::kAllowed);
  for (auto _ : state) names += db->need(kFolder, model::NeedKind::kFile, "", 1000).size();
  timed.end(names);
}
BENCHMARK(IndexNeed)->RangeMultiplier(100)->Range(100, 1'000'000);

// A batch of a peer's entries written beside so many others. items = entries.
void IndexWrite(benchmark::State& state) {
  model::IndexDb* const db = index_with(state.range(0));
  if (db == nullptr) return state.SkipWithError("no index could be made in the temporary directory");
  std::vector<proto::FileInfo> batch;
  for (std::int64_t i = 0; i < std::min(state.range(0), Index::kBatch); ++i) batch.push_back(file_of(i));
  bench::Timed timed(state, Heap::kAllowed);
  for (auto _ : state) {
    for (proto::FileInfo& file : batch) file.version.update(1, 0);
    if (!db->update_remote(kFolder, kPeer, batch)) return state.SkipWithError("not written");
  }
  timed.end(static_cast<std::size_t>(state.iterations()) * batch.size());
}
BENCHMARK(IndexWrite)->RangeMultiplier(100)->Range(100, 1'000'000);

}  // namespace
}  // namespace weft

BENCHMARK_MAIN();
