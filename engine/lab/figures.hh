// The numbers of one run, from its record. Pure.
//
//   received
//     ^                       ______  100 %      goodput: the slope between from_percent and to_percent of the payload,
//     |                 x----/                   so that neither the windows' growth nor the last blocks of a slow
//     |            ----/    ^ to_percent         path count. Of bytes that came over paths, not of verified blocks:
//     |           /                              many are under way at once, and are done together. The TLS link, which
//     |          /                               helps out when all paths are lost, is no path.
//     |     x-----/
//     |____/  ^ from_percent
//     +---------------------------> time
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/lab/record.hh"
#include "engine/lab/scenario.hh"

namespace weft::lab {

struct BackInUse {
  std::size_t link = 0;
  double healed_s = 0;
  std::optional<double> after_s;           // until it carried half of what it had; none: not before the end
};

struct Figures {
  double first_s = 0;                      // the first verified block, from the run's begin
  double seconds = 0;                      // from it to the last
  double goodput_Bps = 0;                  // as above
  double paths_Bps = 0, whole_Bps = 0;     // over the whole time: what came over paths; all that was verified
  double from_s = 0, to_s = 0;             // where goodput counts, from the first block
  double stall_s = 0, stall_at_s = 0;      // the longest wait, and when it began, from the first block
  double event_stall_s = 0;                // the longest that reaches into the second after an order
  std::vector<BackInUse> back;             // by healing, flaps left out: the next one comes too soon
  std::uint64_t payload = 0, via_link = 0, duplicate = 0, retransmitted = 0;
  std::vector<std::uint64_t> by_link;
  std::size_t flaps = 0;                   // that began
  // For each link, how long it was up between the first block and the last.
  std::vector<double> up_s;
};

[[nodiscard]] Figures figures_of(const Record& record, const Scenario& scenario, const Run& run);

}  // namespace weft::lab
