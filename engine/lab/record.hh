// What was seen of one run, as it was seen: samples of the counters, waits between blocks, orders given. figures.hh
// makes numbers of it. Times are seconds of the laboratory's own clock from the run's begin; the clocks of the wefts
// are translated when a sample is taken. Values; any one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/lab/timeline.hh"

namespace weft::lab {

// Counted from the run's begin, over all receivers.
struct Sample {
  double at_s = 0;
  std::uint64_t verified = 0;              // payload bytes whose hash matched
  std::uint64_t received = 0;              // payload bytes that came over paths, for the first time
  std::vector<std::uint64_t> by_link;      // payload bytes received, by index of the scenario's links
};

struct Wait {
  double began_s = 0, lasted_s = 0;        // between two verified blocks at one receiver
};

struct Given {
  double at_s = 0;                         // when both sides had it
  Order order;
};

struct Record {
  std::vector<Sample> samples;             // by time; the first before the first block
  std::vector<Wait> waits;
  std::vector<Given> orders;
  std::uint64_t payload = 0;               // what was to be moved
  std::uint64_t via_link = 0;              // of it, over the TLS link
  std::uint64_t duplicate = 0, retransmitted = 0;
};

}  // namespace weft::lab
