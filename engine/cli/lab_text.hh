// What `weft lab` prints: for somebody who tests hardware and wants to see at a glance what ran, each run's figures,
// what held and by how much. Pure.
#pragma once

#include <span>
#include <string>

#include "engine/lab/report.hh"

namespace weft::cli {

[[nodiscard]] std::string lab_begin_text(const lab::Report& report);
[[nodiscard]] std::string lab_run_text(const lab::Report& report, const lab::RunReport& run);
// One line per scenario, and the sum of them.
[[nodiscard]] std::string lab_end_text(std::span<const lab::Report> reports);

}  // namespace weft::cli
