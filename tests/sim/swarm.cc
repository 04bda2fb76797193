#include "tests/sim/swarm.hh"

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cstdio>

#include "engine/run/chunk_map.hh"

namespace weft::sim {
namespace {

using base::microseconds;
using base::milliseconds;
using base::seconds;

SimLimits draw_limits(Dice& dice, std::uint32_t block_bytes_max, std::uint32_t lanes) {
  SimLimits limits;
  const bool tiny = !dice.one_in(4);  // most worlds live at their limits
  const auto size = [&](std::uint32_t low, std::uint32_t high) {
    return static_cast<std::uint32_t>(tiny ? dice.spread(low, std::min(high, 4 * low)) : dice.spread(low, high));
  };
  const auto ring = [&](std::uint32_t low, std::uint32_t high) {
    return tiny ? dice.power_of_two(low, std::min(high, 4 * low)) : dice.power_of_two(low, high);
  };
  const std::uint32_t largest = run::chunk_count(block_bytes_max, base::kSlotBytes);
  limits.fetch_slots = size(std::max(1u, largest), 48);
  limits.serve_slots = size(1, 24);
  limits.core = {.fetches = size(1, 64),
                 .extents = size(1, 128),
                 .requests = size(1, 64),
                 .files = size(2, 64),
                 .block_bytes = block_bytes_max};
  limits.command_ring = ring(1, 64);
  // The one ring that must hold all that may be outstanding: events are never refused (core_channel.hh).
  limits.event_ring = std::bit_ceil(limits.core.events());
  limits.job_ring = ring(1, 64);
  limits.done_ring = ring(1, 64);
  limits.hand_over_ring = ring(1, 64);
  limits.rx_ring = size(4, 1024);
  limits.tx_ring = size(1, 512);
  limits.tx_pool = size(3, 512);
  limits.disk_depth = size(1, 64);
  limits.lanes.lanes = lanes;
  limits.lanes.packets_in_flight = ring(16, 4096);
  limits.lanes.packets_per_epoch = dice.one_in(2) ? dice.spread(20, 400) : dice.spread(400, 100'000);
  return limits;
}

FaultRates draw_faults(Dice& dice) {
  FaultRates f;
  f.cut = dice.interval(milliseconds(20), seconds(2));
  f.cut_lasts = dice.spread_time(milliseconds(1), seconds(2));
  f.port_down = dice.interval(milliseconds(50), seconds(2));
  f.port_down_lasts = dice.spread_time(milliseconds(1), seconds(1));
  f.crash = dice.interval(milliseconds(100), seconds(3));
  f.crash_lasts = dice.spread_time(milliseconds(10), seconds(1));
  f.link_lost = dice.interval(milliseconds(50), seconds(2));
  f.link_gone = dice.spread_time(milliseconds(1), seconds(1));
  f.clock_step = dice.interval(milliseconds(50), seconds(2));
  f.core_stall = dice.interval(milliseconds(20), seconds(1));
  f.control_stall = dice.interval(milliseconds(20), seconds(1));
  f.weather = dice.interval(milliseconds(20), seconds(1));
  f.disk_full = dice.interval(milliseconds(50), seconds(1));
  f.disk_full_lasts = dice.spread_time(milliseconds(1), milliseconds(500));
  f.read_error_ppm = dice.rate(1000, 100'000);
  f.read_short_ppm = dice.rate(1000, 100'000);
  f.read_rot_ppm = dice.rate(1000, 100'000);
  f.write_error_ppm = dice.rate(1000, 100'000);
  f.wrong_core_ppm = dice.rate(1000, 300'000);
  f.refuse_open_ppm = dice.rate(10'000, 300'000);
  f.close_early_ppm = dice.rate(1000, 50'000);
  f.offer_twice_ppm = dice.rate(10'000, 500'000);
  return f;
}

}  // namespace

Swarm draw_swarm(std::uint64_t seed) {
  Dice dice(seed);
  Swarm s;
  s.seed = seed;
  s.engines = dice.of({2u, 2u, 2u, 3u, 3u, 4u});
  s.ports = 1 + dice.below(kSimPortsMax);
  for (auto& cores : s.cores) cores = 1 + dice.below(kSimCoresMax);
  s.mesh = dice.one_in(3);
  for (auto& mtu : s.mtu) mtu = dice.of<std::uint16_t>({1280, 1400, 1500, 1500, 1500, 9000});
  for (auto& role : s.role) role = dice.one_in(4) ? share::PathRole::kBackup : share::PathRole::kPrimary;
  s.policy = dice.one_in(3) ? share::Policy::kRate
                            : static_cast<share::Policy>(dice.below(static_cast<std::uint32_t>(share::kPolicyNames.size())));
  for (auto& congestion : s.congestion) congestion = dice.one_in(2) ? share::Congestion::kBbr : share::Congestion::kCubic;
  s.real_aead = dice.one_in(4);
  s.calm = dice.one_in(8);
  s.park = dice.one_in(16);
  s.others_stay_cut = dice.one_in(2);
  s.block_bytes_max = static_cast<std::uint32_t>(dice.of<std::uint64_t>(
      {1000, 16u << 10, 64u << 10, base::kSlotBytes, base::kSlotBytes, 2 * base::kSlotBytes + 1}));
  const std::uint32_t paths = s.mesh ? s.ports * s.ports : s.ports;
  s.limits = draw_limits(dice, s.block_bytes_max, (s.engines - 1) * paths);
  if (!s.calm) s.faults = draw_faults(dice);
  // Keys that change every few packets outrun control, which brings the next ones: that costs packets, not bytes.
  if (s.calm) s.limits.lanes.packets_per_epoch = std::max<std::uint64_t>(s.limits.lanes.packets_per_epoch, 20'000);
  s.safety = dice.spread_time(milliseconds(100), seconds(3));
  s.turn_min = microseconds(1);
  s.turn_max = dice.spread_time(microseconds(2), microseconds(50));
  s.disk_min = microseconds(5);
  s.disk_max = dice.spread_time(microseconds(20), milliseconds(5));
  s.files = 1 + dice.below(4);
  const auto all_bytes =
      static_cast<std::uint32_t>(dice.spread(128u << 10, 4u << 20));  // of all pulled files together
  s.file_bytes_max = std::max(1000u, all_bytes / (s.engines * (s.engines - 1) * s.files));
  s.again_bytes = (4u << 20) / s.engines;
  if (s.calm) return s;
  s.faults.port_removed = dice.interval(milliseconds(20), seconds(1));
  s.faults.port_gone = dice.spread_time(milliseconds(1), milliseconds(500));
  s.faults.wish = dice.interval(milliseconds(5), seconds(1));
  for (bool& single : s.single_path) single = dice.one_in(8);
  return s;
}

std::string describe(const Swarm& s) {
  const SimLimits& l = s.limits;
  const FaultRates& f = s.faults;
  char text[1600];
  std::snprintf(text, sizeof text,
                "engines %u, cores %u %u %u %u, ports %u, %s, policy %s, %s %s %s, %s AEAD%s%s, others %s\n"
                "files %u of up to %u bytes, blocks of up to %u; mtu %u %u %u; roles %u %u %u; faults for %" PRId64
                " ms\n"
                "slots %u + %u, fetches %u, extents %u, requests %u, files %u; rings: commands %u, events %u, jobs "
                "%u, answers %u,"
                " hand over %u, rx %u, tx %u; buffers %u, disk depth %u\n"
                "lanes %u, in flight %u, packets per key %" PRIu64
                "\n"
                "mean times (ms): cut %" PRId64 " for %" PRId64 ", port down %" PRId64 " for %" PRId64
                ", removed %" PRId64 " for %" PRId64
                ", crash %" PRId64 ", link lost %" PRId64 " for %" PRId64 ", clock %" PRId64 ", stalls %" PRId64
                " and %" PRId64 ", weather %" PRId64 ", disk full %" PRId64 ", wishes %" PRId64 "; single path %d %d %d %d\n"
                "per million: read errors %u, short %u, rotten %u, write errors %u, wrong core %u, opens refused "
                "%u, early closes %u,"
                " second offers %u\n",
                s.engines, s.cores[0], s.cores[1], s.cores[2], s.cores[3], s.ports, s.mesh ? "mesh" : "rails",
                share::name_of(s.policy), share::name_of(s.congestion[0]), share::name_of(s.congestion[1]),
                share::name_of(s.congestion[2]), s.real_aead ? "real" : "null", s.calm ? ", calm" : "",
                s.park ? ", park" : "", s.others_stay_cut ? "stay cut" : "stay as they are", s.files,
                s.file_bytes_max, s.block_bytes_max, s.mtu[0], s.mtu[1], s.mtu[2], static_cast<unsigned>(s.role[0]),
                static_cast<unsigned>(s.role[1]), static_cast<unsigned>(s.role[2]), s.safety.ms(), l.fetch_slots,
                l.serve_slots, l.core.fetches, l.core.extents, l.core.requests, l.core.files, l.command_ring,
                l.event_ring, l.job_ring, l.done_ring, l.hand_over_ring, l.rx_ring, l.tx_ring, l.tx_pool,
                l.disk_depth, l.lanes.lanes, l.lanes.packets_in_flight, l.lanes.packets_per_epoch, f.cut.ms(),
                f.cut_lasts.ms(), f.port_down.ms(), f.port_down_lasts.ms(), f.port_removed.ms(),
                f.port_gone.ms(), f.crash.ms(), f.link_lost.ms(), f.link_gone.ms(), f.clock_step.ms(),
                f.core_stall.ms(), f.control_stall.ms(), f.weather.ms(),
                f.disk_full.ms(), f.wish.ms(), s.single_path[0], s.single_path[1], s.single_path[2], s.single_path[3],
                f.read_error_ppm, f.read_short_ppm, f.read_rot_ppm, f.write_error_ppm,
                f.wrong_core_ppm, f.refuse_open_ppm, f.close_early_ppm, f.offer_twice_ppm);
  return text;
}

WayRates draw_way(const Swarm& swarm, Dice& dice) {
  WayRates way;
  way.delay = dice.spread_time(microseconds(5), dice.one_in(8) ? milliseconds(60) : milliseconds(2));
  way.rate_Bps = dice.spread(2'000'000, 1'000'000'000);
  way.queue_bytes = dice.spread(16u << 10, 4u << 20);
  if (swarm.calm) {  // a cable, on which the first windows of all lanes together are gone before a probe timeout
    way.delay = dice.spread_time(microseconds(5), microseconds(300));
    way.rate_Bps = dice.spread(400'000'000, 1'000'000'000);
    way.queue_bytes = 4u << 20;
    return way;
  }
  way.jitter = dice.one_in(2) ? base::Duration{} : dice.spread_time(microseconds(5), milliseconds(5));
  way.loss_ppm = dice.rate(100, 200'000);
  way.burst_enter_ppm = dice.rate(100, 20'000);
  way.burst_leave_ppm = static_cast<std::uint32_t>(dice.spread(10'000, 500'000));
  way.double_ppm = dice.rate(100, 200'000);
  way.damage_ppm = dice.rate(100, 100'000);
  way.overtaken_ppm = dice.rate(1000, 300'000);
  way.overtaken_by = dice.spread_time(microseconds(20), milliseconds(20));
  way.replay_ppm = dice.rate(100, 50'000);
  way.forged_ppm = dice.rate(100, 50'000);
  if (dice.one_in(8)) way.mtu_payload = static_cast<std::uint32_t>(dice.between(200, 1500));
  return way;
}

}  // namespace weft::sim
