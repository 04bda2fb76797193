// The parts of scenario files that both kinds of file have, for scenario.cc, scenario_runs.cc. Shows toml++.
#pragma once

#include <span>

#include "bep/model/toml_reader.hh"
#include "engine/lab/scenario.hh"

namespace weft::lab {

// Link names in the file are indexes here. kMissing: refused.
inline constexpr std::size_t kMissing = SIZE_MAX;
[[nodiscard]] std::size_t find_link(std::span<const Link> links, const std::string& name);

void read_shape(model::TomlTable& table, Shape& shape);
// The links named by `key`; the run's or scenario's own when it is absent.
void read_links(model::TomlTable& table, const char* key, const Scenario& scenario, std::vector<std::size_t>& out);
[[nodiscard]] Run read_run(const toml::table* from, const Scenario& scenario, model::TomlErrors& errors);

}  // namespace weft::lab
