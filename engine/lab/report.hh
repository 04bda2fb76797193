// What became of a scenario: each run's figures and each expectation's verdict. The command prints it as text
// (engine/cli/lab_text.hh); junit.hh and report_json.hh write it for machines. Values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/lab/figures.hh"

namespace weft::lab {

struct Verdict {
  std::string what;                        // "of_sum_min", or "every byte right"
  std::string sentence;                    // "goodput is at least 98.5 % of the sum of left and right alone"
  bool held = false;
  std::string seen, wanted;                // "97.2 %", "at least 98.5 %"
  std::string margin;                      // by how much: "1.3 points short"
};

struct RunReport {
  std::string name;
  std::vector<std::string> links;          // that were up from the start
  double wall_s = 0;                       // the whole of it, preparation included
  std::string error;                       // why there are no figures; empty: there are
  Figures figures;
  std::vector<std::string> story;          // orders with their times
  std::vector<Verdict> verdicts;
  [[nodiscard]] bool held() const;
};

struct Report {
  std::string file, title;
  std::uint32_t seed = 0;
  std::vector<std::string> links;          // names, in the order of Figures::by_link
  std::vector<std::string> described;      // "left: 400 Mbit/s, 1 ms each way, queue 5 ms; shared memory"
  std::string when;                        // RFC 3339, UTC
  double wall_s = 0;
  std::string error;                       // what ended it before its runs; empty: nothing
  bool interrupted = false;
  std::vector<RunReport> runs;
  [[nodiscard]] bool held() const;         // every run was done and everything expected held
};

}  // namespace weft::lab
