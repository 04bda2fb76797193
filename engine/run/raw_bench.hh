// The floor under `weft bench`: two processes of this machine, one thread each, joined by the same ports, that seal and open
// packets and do nothing else: no frames, acknowledgments, lanes, choices, timers or disk. What the engine adds is what it
// costs beyond this.
// Thread: called on the main thread before any other exists, because it forks and starts DPDK in both. Blocks for `seconds`
// and 1 s.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <tl/expected.hpp>

#include "engine/share/stages.hh"

namespace weft::run {

struct RawWish {
  std::uint32_t paths = 2;                 // memif ports, 1 … kPortsMax
  std::uint32_t mtu = 1500;                // 1280 … 9000
  std::uint32_t seconds = 5;
  std::filesystem::path directory;         // for sockets and DPDK's files; exists
};

// One end, over the time that was measured (the first second is left out).
struct RawEnd {
  std::uint64_t packets = 0, bytes = 0;    // of plaintext
  std::uint64_t refused = 0;               // packets that did not open
  double seconds = 0;
  share::StageCycles stages{};             // kPoll, kOpen, kSeal, kTransmit, kIdle
};
struct RawResult {
  RawEnd sender, receiver;
};

// A sentence where a port or DPDK does not start, or the other end ended early.
[[nodiscard]] tl::expected<RawResult, std::string> raw_bench(const RawWish& wish);

}  // namespace weft::run
