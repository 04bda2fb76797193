// What a core does with a turn that found nothing: a pause, then short sleeps, then longer ones, up to kSleepMax.
// The first turn with work starts from the beginning. So a busy core never sleeps, and the first packet after a rest waits at
// most kSleepMax. The design's "about 1 ms" costs 3.1 % of a CPU here, in a bare loop of such sleeps (38 to 57 us each, in a
// virtual machine), so that only fewer of them are cheaper (bench/README.md). It is reached after 40 ms without anything.
// Why sleeps so early: on a small machine both ends' cores and control share the CPUs; a spinning core would take from
// the others the very time in which its next packet is made. Giving way (sched_yield) in between is no help: a receiver
// that waits for its sender called it 13 000 times a second, and left the sender less of the machine than its sleep does
// (1 Gbit/s + 200 Mbit/s over af_packet on two CPUs: 5 of 13 runs below 90 % of the sum with it, 4 of 18 without; memif
// medians 634 and 631 MB/s with it, 645 and 669 without).
// Owner: one core thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/time.hh"

namespace weft::run {

class Idle {
 public:
  static constexpr std::uint32_t kPauses = 4;
  static constexpr base::Duration kSleepMin = base::microseconds(20);
  static constexpr base::Duration kSleepMax = base::milliseconds(3);

  enum class Rest : std::uint8_t { kNone, kPause, kSleep };
  struct Decision {
    Rest rest = Rest::kNone;
    base::Duration sleep{};
  };
  [[nodiscard]] Decision on_turn(std::uint32_t work) noexcept {
    if (work > 0) {
      idle_turns_ = 0;
      sleep_ = kSleepMin;
      return {};
    }
    ++idle_turns_;
    if (idle_turns_ <= kPauses) return {Rest::kPause, {}};
    const base::Duration now = sleep_;
    // Slowly: after 8 rests the next step, so that gaps within a transfer keep short sleeps.
    if (idle_turns_ % 8 == 0) sleep_ = std::min(sleep_ * 2, kSleepMax);
    return {Rest::kSleep, now};
  }

 private:
  std::uint32_t idle_turns_ = 0;
  base::Duration sleep_ = kSleepMin;
};

}  // namespace weft::run
