// Expectations against figures. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/lab/report.hh"
#include "engine/lab/scenario.hh"

namespace weft::lab {

// Goodput of each link alone, bytes per second, by its index; what has not been measured is missing.
using Alone = std::map<std::size_t, double>;

// One verdict per expectation of the run, in the order of the struct. What is to be compared with a run that gave no
// figure does not hold, and says so.
[[nodiscard]] std::vector<Verdict> judge(const Scenario& scenario, const Run& run, const Figures& figures,
                                         const Alone& alone);

}  // namespace weft::lab
