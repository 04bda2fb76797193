// Impairment: a bad network on purpose, for demos, labs and tests. A value set at run time from control
// (Port::set_impairment); ImpairStage (impair.hh) carries it out on each data core. Defaults impair nothing.
#pragma once

#include <cstdint>
#include <type_traits>

namespace weft::nic {

enum class Direction : std::uint8_t { kBoth, kTx, kRx };

struct Impairment {
  bool blackhole = false;          // every frame vanishes; the link stays up, as with a dead switch
  bool link_down = false;          // as with a pulled cable: both ways, and control sees the port's link down
  std::uint32_t drop_ppm = 0;      // 0 … 1 000 000
  std::uint32_t delay_us = 0;      // each way that `direction` names
  std::uint32_t jitter_us = 0;     // added to the delay, uniform in [0, jitter_us]; frames keep their order
  std::uint64_t rate_Bps = 0;      // per core and way, whole frames; 0 = unlimited
  std::uint32_t queue_us = 50'000; // the buffer in front of that rate; what would wait longer is dropped. 50 ms is a
                                   // usual switch or modem
  std::uint64_t seed = 0;          // not 0: the dice of loss and jitter begin anew from it
  Direction direction = Direction::kBoth;
  friend constexpr bool operator==(const Impairment&, const Impairment&) = default;
};
static_assert(std::is_trivially_copyable_v<Impairment>);

struct ImpairStats {
  std::uint64_t blackholed = 0;
  std::uint64_t dropped = 0;       // by drop_ppm
  std::uint64_t overflow = 0;      // the held-back queue was full, or the rate's queue too long
  std::uint64_t delayed = 0;
};

}  // namespace weft::nic
