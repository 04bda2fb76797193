// What `weft bench` prints and writes as JSON, from what was seen. Pure, but for JSON's text, which is the daemon's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/run/bench_end.hh"
#include "engine/run/raw_bench.hh"

namespace weft::cli {

// Of an end that is looked at by REST: differences of two GET /rest/weft/meter.
using run::BenchEnd;

struct BenchSeen {
  std::string title;                           // what is measured, in words
  struct Interval { double to_s = 0; std::uint64_t bytes = 0; };
  std::vector<Interval> intervals;
  double seconds = 0;
  std::uint64_t bytes = 0;
  double synced_s = 0;                         // what fsync took at the end
  struct Times { std::uint64_t p50 = 0, p90 = 0, p99 = 0, p999 = 0, longest = 0; };   // microseconds
  std::optional<Times> times;                  // of a block
  std::uint32_t block_bytes = 0;
  std::uint32_t cores = 1;                     // data cores of an end
  bool one_thread = false;                     // of both ends in turn: what is idle at one is the other's
  BenchEnd receiver;
  std::optional<BenchEnd> sender;              // where it is ours too
};

[[nodiscard]] std::string bench_interval_text(const BenchSeen::Interval& before, const BenchSeen::Interval& now);
[[nodiscard]] std::string bench_text(const BenchSeen& seen);
[[nodiscard]] std::string bench_json(const BenchSeen& seen);
[[nodiscard]] std::string raw_text(const run::RawWish& wish, const run::RawResult& raw);
[[nodiscard]] std::string raw_json(const run::RawWish& wish, const run::RawResult& raw);

}  // namespace weft::cli
