// What the cores of one end did: counters at a moment, or between two. Values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/share/stages.hh"

namespace weft::run {

struct BenchEnd {
  double seconds = 0;                          // of some clock
  std::uint64_t packets_in = 0, packets_out = 0, packets_lost = 0;
  std::uint64_t again = 0, duplicate = 0;      // chunk bytes sent, received twice
  share::StageCycles cycles{};
  // The end that sends the data acknowledges nothing to speak of: its packets are those it sends.
  [[nodiscard]] std::uint64_t packets() const { return std::max(packets_in, packets_out); }
};

[[nodiscard]] inline BenchEnd operator-(BenchEnd to, const BenchEnd& from) {
  to.seconds -= from.seconds;
  to.packets_in -= from.packets_in;
  to.packets_out -= from.packets_out;
  to.packets_lost -= from.packets_lost;
  to.again -= from.again;
  to.duplicate -= from.duplicate;
  for (std::size_t i = 0; i < share::kStages; ++i) to.cycles[i] -= from.cycles[i];
  return to;
}

}  // namespace weft::run
