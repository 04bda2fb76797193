// How long a dialer waits. Plain values.
#pragma once

#include "engine/base/time.hh"

namespace weft::net {

struct DialTimes {
  base::Duration connect = base::seconds(10);        // per address, as stock
  base::Duration more_after = base::seconds(1);      // with a link: before the next one, where several are wanted
  base::Duration better_after = base::seconds(60);   // … before addresses of a better network are tried
};

}  // namespace weft::net
