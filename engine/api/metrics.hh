// The numbers of a daemon as Prometheus reads them. Families: README.md. Made anew for each scrape from the same
// source as the REST answers; nothing is kept between scrapes. Thread: control.
#pragma once

#include <string>

#include "engine/api/routes.hh"

namespace weft::api {

[[nodiscard]] std::string metrics_text(const Context& context);   // text exposition format 0.0.4

}  // namespace weft::api
