// `weft bench --one-process`: a giving and a taking data core in turn on one thread, their packets handed over in memory. What
// the agents, the scheduler and the AEAD cost with no port, no second CPU and no waiting in it: cycles that compare from run
// to run, and a program that valgrind and perf can look at whole.
// Thread: the caller's, for `seconds` and 1 s. Memory: 96 MiB.
#pragma once

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

#include "engine/run/bench_end.hh"

namespace weft::run {

struct InnerWish {
  std::uint32_t paths = 2;                 // a port each, 1 … kPortsMax
  std::uint32_t mtu = 1500;                // 1280 … 9000: what a packet of such a port carries over IPv4
  std::uint32_t seconds = 5;
  std::uint32_t block_bytes = 1u << 20;    // 128 KiB … 16 MiB, a power of two
  bool verify = false;                     // hash the blocks
};

// Over the time that was measured (the first second is left out).
struct InnerResult {
  double seconds = 0;
  std::uint64_t bytes = 0;                 // of blocks that ended
  BenchEnd sender, receiver;               // kIdle: the other end's turns, and what is between them
};

// A sentence where memory, io_uring or the AEAD is not to be had.
[[nodiscard]] tl::expected<InnerResult, std::string> inner_bench(const InnerWish& wish);

}  // namespace weft::run
