// One measurement of the datapath (bench_run.hh) as it is asked for and as it is shown. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/time.hh"
#include "engine/base/types.hh"

namespace weft::run {

struct BenchWish {
  base::DeviceId device{};
  bool from_disk = false, to_disk = false;
  bool verify = true;                  // hash what goes to memory; what goes to the disk always is
  std::uint32_t seconds = 10;          // 1 … kBenchSecondsMax, after the warm-up
  std::uint32_t block_bytes = 1u << 20;   // 128 KiB … 16 MiB, a power of two
};
inline constexpr std::uint32_t kBenchSecondsMax = 3600;

enum class BenchState : std::uint8_t { kNone, kOpening, kWarming, kRunning, kEnding, kDone, kFailed };
[[nodiscard]] const char* name_of(BenchState state) noexcept;

struct BenchShown {
  BenchState state = BenchState::kNone;
  BenchWish wish;
  std::string why;                     // kFailed: a sentence
  base::Duration running{};            // in kRunning so far; in all
  std::uint64_t bytes = 0, blocks = 0; // done in that time
  base::Duration synced{};             // what fsync took at the end
  // From the order of a block to its end, of those done in kRunning.
  struct Times { base::Duration p50{}, p90{}, p99{}, p999{}, longest{}; };
  std::optional<Times> times;          // once it has ended
};

}  // namespace weft::run
