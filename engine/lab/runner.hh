// Runs one scenario from its beginning to its report: the pair, then each run in the order of the file.
//
//   pair up -> for each run: links as the scenario has them, those of other runs silent -> their paths are in use, and
// only
//   those -> files made and on the disk -> scanned -> watched until both sides have everything -> compared -> judged
//
// The same pair serves all runs, so that ratios are of one pair of wefts in one state of the machine.
// Blocking; the main thread. Everything has a deadline; a signal ends it early and in order.
#pragma once

#include <filesystem>

#include "engine/lab/report.hh"
#include "engine/lab/rest.hh"
#include "engine/lab/scenario.hh"
#include "engine/lab/stop_signal.hh"

namespace weft::lab {

// Told while it happens, so that somebody who waits sees something.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_begin(const Report& report) = 0;
  virtual void on_run(const Report& report, const RunReport& run) = 0;
};

struct RunnerOptions {
  std::filesystem::path directory;         // ours alone, exists
};

[[nodiscard]] Report run_scenario(const Scenario& scenario, Rest& rest, StopSignal& stop, const RunnerOptions& options,
                                  Watcher& watcher);

}  // namespace weft::lab
