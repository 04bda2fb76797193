// What the operator has configured for all sessions alike. Values.
#pragma once

#include "engine/base/time.hh"
#include "health/monitor.hh"
#include "migrate/chooser.hh"

namespace weft::run {

struct SessionSettings {
  health::Settings health{};
  migrate::Settings migrate{};                     // we_are_low is each session's own
  bool never_metered = false;
  base::Duration park_max = base::seconds(600);    // sessionParkS: how long a session without its device is kept at the most
};

}  // namespace weft::run
