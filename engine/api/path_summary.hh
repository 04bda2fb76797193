// One path as a user sees it: its lanes (one per data core) added up. Pure.
#pragma once

#include <cstdint>

#include "engine/base/time.hh"
#include "engine/run/status_source.hh"

namespace weft::api {

struct PathSummary {
  bool validated = false;                         // at least one lane was answered
  std::uint32_t lanes_validated = 0;
  // Of the lane with the smallest smoothed RTT: what the path can do. Zero: not measured.
  base::Duration srtt{}, rttvar{}, rtt_min{};
  std::uint64_t rate_Bps = 0;                     // sum of the lanes' delivery-rate estimates
  std::uint64_t cwnd_bytes = 0, in_flight_bytes = 0;
  std::uint64_t packets_in = 0, packets_out = 0, packets_lost = 0;   // lost: without the spurious ones
  std::uint64_t bytes_in = 0, bytes_out = 0;                         // UDP payload
  std::uint64_t chunk_bytes_in = 0, chunk_bytes_out = 0;
  std::uint64_t chunk_bytes_again = 0, chunk_bytes_redundant = 0, chunk_bytes_duplicate = 0;
  std::uint64_t probe_bytes_out = 0;
  std::int64_t silent_ms = -1;                    // since anything authentic came; -1: nothing ever did
};

[[nodiscard]] PathSummary summarize(const run::PathStatus& path, base::Instant now);

}  // namespace weft::api
