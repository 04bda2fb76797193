// What one seed chooses: the size of its world, its own tiny limits, its own rates of every fault.
// "Swarm testing": a world with every fault at a middling rate is always the same kind of world. Here each fault is off
// in about half of the worlds and somewhere between rare and terrible in the others.
// Pure: a seed always draws the same swarm.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "engine/base/time.hh"
#include "engine/run/core_limits.hh"
#include "engine/run/lane_table.hh"
#include "engine/share/table.hh"
#include "tests/sim/dice.hh"

namespace weft::sim {

inline constexpr std::uint32_t kEnginesMax = 4;
inline constexpr std::uint32_t kSimPortsMax = 3;
inline constexpr std::uint32_t kSimCoresMax = 3;

// One direction of one path.
struct WayRates {
  base::Duration delay = base::microseconds(50);
  base::Duration jitter{};  // uniform, up to
  std::uint64_t rate_Bps = 100'000'000;
  std::uint64_t queue_bytes = 1u << 20;  // of the rate limit; what is beyond is dropped
  std::uint32_t loss_ppm = 0;
  // Bursts (Gilbert, Elliott): entered and left per packet; inside, packets are lost at burst_loss_ppm.
  std::uint32_t burst_enter_ppm = 0, burst_leave_ppm = 200'000, burst_loss_ppm = 900'000;
  std::uint32_t double_ppm = 0;     // delivered twice
  std::uint32_t damage_ppm = 0;     // a bit turned, or the end cut off
  std::uint32_t overtaken_ppm = 0;  // held back by up to overtaken_by
  base::Duration overtaken_by{};
  std::uint32_t replay_ppm = 0;   // comes once more, much later
  std::uint32_t forged_ppm = 0;   // somebody sends rubbish beside it
  std::uint32_t mtu_payload = 0;  // larger payloads vanish; 0: none does
};

// Sizes of what is fixed at construction. All are legal for the shipped code; what is not, and why, is in README.md.
struct SimLimits {
  run::CoreLimits core{};
  run::LaneTable::Limits lanes{};
  std::uint32_t fetch_slots = 8, serve_slots = 4;
  std::uint32_t command_ring = 64, event_ring = 64, job_ring = 64, done_ring = 64, hand_over_ring = 64;
  std::uint32_t rx_ring = 512;  // datagrams a port keeps for one core
  std::uint32_t tx_ring = 512;  // packets a port takes in one call, at most
  std::uint32_t tx_pool = 256;  // packet buffers of one core at one port
  std::uint32_t disk_depth = 16;
};

// How often things go wrong: mean virtual time between two of a kind, zero for never.
struct FaultRates {
  base::Duration cut{}, cut_lasts{};  // of a path: one way, or both
  base::Duration port_down{}, port_down_lasts{};
  base::Duration port_removed{}, port_gone{};  // by the operator; the second: until it is added again
  base::Duration crash{}, crash_lasts{};
  base::Duration link_lost{}, link_gone{};  // the second: until it is there again
  base::Duration clock_step{};
  base::Duration core_stall{}, control_stall{};
  base::Duration weather{};  // all rates of one way are drawn anew
  base::Duration disk_full{}, disk_full_lasts{};
  base::Duration wish{};  // of an operator about paths, sensible or not: no fault, and as disturbing
  std::uint32_t read_error_ppm = 0, read_short_ppm = 0, read_rot_ppm = 0, write_error_ppm = 0;
  std::uint32_t wrong_core_ppm = 0;
  std::uint32_t refuse_open_ppm = 0;
  std::uint32_t close_early_ppm = 0;  // per tick of a puller
  std::uint32_t offer_twice_ppm = 0;
};

struct Swarm {
  std::uint64_t seed = 0;
  std::uint32_t engines = 2;
  std::array<std::uint32_t, kEnginesMax> cores{};
  std::uint32_t ports = 2;  // of each engine
  bool mesh = false;        // every port reaches every other; else equal numbers only
  std::array<std::uint16_t, kSimPortsMax> mtu{};
  std::array<share::PathRole, kSimPortsMax> role{};
  std::array<bool, kEnginesMax> single_path{};  // multipathEnabled false
  share::Policy policy = share::Policy::kRate;
  std::array<share::Congestion, kSimPortsMax> congestion{};
  bool real_aead = false;
  bool calm = false;             // no faults at all: then nothing may be sent twice, or nearly
  bool park = false;             // at the end everything is cut and sessions must end by themselves
  bool others_stay_cut = false;  // in the liveness phase: all paths but the healed one
  SimLimits limits{};
  FaultRates faults{};
  base::Duration safety{};                // how long faults go on
  base::Duration turn_min{}, turn_max{};  // what one turn of an agent costs
  base::Duration disk_min{}, disk_max{};  // what one job costs the disk
  std::uint32_t files = 1;                // wanted by each puller
  std::uint32_t file_bytes_max = 1;
  std::uint32_t block_bytes_max = 1;
  std::uint64_t again_bytes = 0;  // that each puller wants anew while faults go on, once it has all
};

[[nodiscard]] Swarm draw_swarm(std::uint64_t seed);
// The choices in words, a line each, for the head of a trace.
[[nodiscard]] std::string describe(const Swarm& swarm);
// The weather of one direction of one path, in the temper of the world.
[[nodiscard]] WayRates draw_way(const Swarm& swarm, Dice& dice);

}  // namespace weft::sim
