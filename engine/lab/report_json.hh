// The reports of a command as JSON, with every figure, for whoever draws or compares them. Pure.
#pragma once

#include <span>
#include <string>

#include "engine/lab/report.hh"

namespace weft::lab {

// {"reports": […]}; names carry their units.
[[nodiscard]] std::string report_json(std::span<const Report> reports);

}  // namespace weft::lab
