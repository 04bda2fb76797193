#include "tests/sim/faults.hh"

#include <algorithm>

namespace weft::sim {

Faults::Faults(Scene& scene, Network& network, std::vector<std::unique_ptr<SimEngine>>& engines,
               std::vector<std::unique_ptr<SimLink>>& links)
    : scene_(scene), network_(network), engines_(engines), links_(links) {
  back_at_.fill(base::kNever);
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    const base::Duration mean = mean_of(static_cast<Kind>(kind));
    due_[kind] = mean.ns == 0 ? base::kNever : scene.now + about(mean);
  }
}

base::Duration Faults::mean_of(Kind kind) const {
  const FaultRates& f = scene_.swarm.faults;
  switch (kind) {
    case kCut: return f.cut;
    case kPortDown: return f.port_down;
    case kPortRemoved: return f.port_removed;
    case kCrash: return f.crash;
    case kLinkLost: return f.link_lost;
    case kClockStep: return f.clock_step;
    case kCoreStall: return f.core_stall;
    case kControlStall: return f.control_stall;
    case kWeather: return f.weather;
    case kDiskFull: return f.disk_full;
    case kWish: return f.wish;
    case kKinds: break;
  }
  return {};
}

SimEngine& Faults::any_engine() {
  return *engines_[scene_.dice.below(static_cast<std::uint32_t>(engines_.size()))];
}

base::Instant Faults::poll() {
  base::Instant next = base::kNever;
  for (std::size_t i = 0; i < engines_.size(); ++i) {
    if (scene_.now >= back_at_[i] || (!scene_.faults_on && !engines_[i]->alive())) {
      back_at_[i] = base::kNever;
      engines_[i]->start();
    }
    next = std::min(next, back_at_[i]);
  }
  if (!scene_.faults_on) return next;
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    if (scene_.now >= due_[kind]) {
      strike(static_cast<Kind>(kind));
      due_[kind] = scene_.now + about(mean_of(static_cast<Kind>(kind)));
    }
    next = std::min(next, due_[kind]);
  }
  for (std::size_t i = 0; i < engines_.size(); ++i) next = std::min(next, back_at_[i]);
  return next;
}

void Faults::strike(Kind kind) {
  const FaultRates& f = scene_.swarm.faults;
  Dice& dice = scene_.dice;
  SimEngine& engine = any_engine();
  if (kind != kCut && kind != kWeather && kind != kLinkLost && !engine.alive()) return;
  switch (kind) {
    case kCut: return cut();
    case kCrash: return crash();
    case kPortDown: {
      auto& ports = engine.port_states();
      ports[dice.below(static_cast<std::uint32_t>(ports.size()))]->down_until =
          scene_.now + about(f.port_down_lasts);
      return scene_.probes.fire(Probe::port_down);
    }
    case kPortRemoved:
      return engine.remove_port(static_cast<std::uint8_t>(dice.below(scene_.swarm.ports)), about(f.port_gone));
    case kLinkLost: return links_[dice.below(static_cast<std::uint32_t>(links_.size()))]->lose(about(f.link_gone));
    case kClockStep:
      scene_.probes.fire(Probe::clock_step);
      return engine.step_clock(dice.spread_time(base::microseconds(100), base::seconds(3)));
    case kCoreStall: {
      auto& turns = engine.turns(dice.below(engine.cores()));
      const base::Duration stall = dice.spread_time(base::milliseconds(1), base::milliseconds(100));
      turns.agent = std::max(turns.agent, scene_.now) + stall;
      if (dice.one_in(2) && turns.disk != base::kNever) turns.disk = std::max(turns.disk, scene_.now) + stall;
      return scene_.probes.fire(Probe::core_stalled);
    }
    case kControlStall:
      engine.control_turn() = std::max(engine.control_turn(), scene_.now) +
                              dice.spread_time(base::milliseconds(10), base::milliseconds(400));
      return scene_.probes.fire(Probe::control_stalled);
    case kWeather: {
      auto& ways = network_.ways();
      ways[dice.below(static_cast<std::uint32_t>(ways.size()))].rates = draw_way(scene_.swarm, dice);
      return;
    }
    case kWish: return engine.wish();
    case kDiskFull: engine.store().full_until = scene_.now + about(f.disk_full_lasts); return;
    case kKinds: return;
  }
}

void Faults::cut() {
  auto& ways = network_.ways();
  Way& way = ways[scene_.dice.below(static_cast<std::uint32_t>(ways.size()))];
  way.cut_until = scene_.now + about(scene_.swarm.faults.cut_lasts);
  if (scene_.dice.one_in(2)) return scene_.probes.fire(Probe::path_one_way);
  network_.find(way.to, way.from)->cut_until = way.cut_until;
  scene_.probes.fire(Probe::path_black_hole);
}

void Faults::crash() {
  SimEngine& engine = any_engine();
  if (!engine.alive()) return;
  scene_.probes.fire(Probe::crash);
  engine.die();
  for (auto& link : links_) link->on_engine_died(engine);
  back_at_[engine.number()] = scene_.now + about(scene_.swarm.faults.crash_lasts);
}

}  // namespace weft::sim
