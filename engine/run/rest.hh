// Carries out what Idle decides: the one place where a thread of the data side gives its CPU away.
#pragma once

#include <time.h>

#include "engine/run/idle.hh"

namespace weft::run {

inline void rest(const Idle::Decision& decision) noexcept {
  switch (decision.rest) {
    case Idle::Rest::kNone: return;
    case Idle::Rest::kPause: return __builtin_ia32_pause();
    case Idle::Rest::kSleep: {
      const timespec time{.tv_sec = 0, .tv_nsec = decision.sleep.ns};
      ::nanosleep(&time, nullptr);
    }
  }
}

}  // namespace weft::run
