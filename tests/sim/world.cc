#include "tests/sim/world.hh"

#include <algorithm>
#include <cinttypes>

namespace weft::sim {

World::World(const Swarm& swarm, std::FILE* trace_out) : scene_(swarm, trace_out), network_(scene_) {
  Dice& dice = scene_.dice;
  const auto order = static_cast<std::uint8_t>(dice.below(4));  // who of two is the low device
  for (std::uint8_t e = 0; e < swarm.engines; ++e) {
    devices_.emplace_back();
    devices_.back()[0] = static_cast<std::byte>(e ^ order);
    devices_.back()[31] = std::byte{1};
    for (std::uint32_t f = 0; f < swarm.files; ++f)
      sources_.push_back(make_source(
          dice, e, f,
          static_cast<std::uint32_t>(
              dice.between(dice.one_in(3) ? 1 : swarm.file_bytes_max / 2, swarm.file_bytes_max)),
          static_cast<std::uint32_t>(dice.spread(std::min(1000u, swarm.block_bytes_max), swarm.block_bytes_max))));
  }
  const SimCore::Around around{scene_, network_, keys_, indexes_};
  for (std::uint8_t e = 0; e < swarm.engines; ++e)
    engines_.push_back(std::make_unique<SimEngine>(around, e, sources_, devices_));
  for (std::uint8_t a = 0; a < swarm.engines; ++a)
    for (std::uint8_t b = 0; b < swarm.engines; ++b)
      for (std::uint8_t i = 0; i < swarm.ports && a != b; ++i)
        for (std::uint8_t k = 0; k < swarm.ports; ++k)
          if (swarm.mesh || i == k) network_.add_way({a, i}, {b, k});
  for (std::uint8_t a = 0; a < swarm.engines; ++a)
    for (std::uint8_t b = static_cast<std::uint8_t>(a + 1); b < swarm.engines; ++b)
      links_.push_back(std::make_unique<SimLink>(scene_, indexes_, *engines_[a], *engines_[b]));
  for (auto& engine : engines_) engine->start();
  faults_ = std::make_unique<Faults>(scene_, network_, engines_, links_);
}

World::~World() {
  scene_.faults_on = false;
  for (auto& engine : engines_)  // before the links that their sessions hold
    if (engine->alive()) engine->die();
}

// Actors: of each engine control, then of each of three cores agent and disk.
constexpr std::size_t kActorsPerEngine = 1 + 2 * kSimCoresMax;

base::Instant World::wake_of(std::size_t actor) {
  SimEngine& engine = *engines_[actor / kActorsPerEngine];
  const std::size_t part = actor % kActorsPerEngine;
  if (!engine.alive()) return base::kNever;
  if (part == 0) return engine.control_turn();
  const std::size_t core = (part - 1) / 2;
  if (core >= engine.cores()) return base::kNever;
  return part % 2 == 1 ? engine.turns(core).agent : engine.turns(core).disk;
}

void World::take_turn(std::size_t actor) {
  SimEngine& engine = *engines_[actor / kActorsPerEngine];
  const std::size_t part = actor % kActorsPerEngine;
  ++turns_;
  if (part == 0) engine.poll_control();
  else if (part % 2 == 1) engine.poll_agent((part - 1) / 2);
  else engine.poll_disk((part - 1) / 2);
}

void World::turn() {
  // Who may go early by this much may also go in another order.
  constexpr base::Duration kTogether = base::microseconds(3);
  std::array<base::Instant, kEnginesMax * kActorsPerEngine> wakes;
  const std::size_t actors = engines_.size() * kActorsPerEngine;
  base::Instant next = std::min(links_due_, faults_due_);
  for (std::size_t i = 0; i < actors; ++i) next = std::min(next, wakes[i] = wake_of(i));
  scene_.now = std::max(scene_.now, next);
  network_.deliver();
  if (scene_.now >= faults_due_) {
    faults_due_ = faults_->poll();
    links_due_ = scene_.now;
  }
  if (scene_.now >= links_due_) {
    links_due_ = base::kNever;
    for (auto& link : links_) links_due_ = std::min(links_due_, link->poll());
  }
  std::array<std::size_t, kEnginesMax * kActorsPerEngine> ready;
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < actors; ++i)
    if (wakes[i] <= scene_.now + kTogether && wake_of(i) != base::kNever) ready[count++] = i;
  if (count > 0) take_turn(ready[scene_.dice.below(count)]);
  for (auto& engine : engines_)
    if (engine->take_links_woken()) links_due_ = scene_.now;
}

template <typename Done>
bool World::run_until(base::Duration limit, Done done) {
  const base::Instant end = scene_.now + limit;
  while (!scene_.checks.failed() && !done()) {
    if (scene_.now >= end) return false;
    turn();
  }
  return true;
}

void World::heal() {
  scene_.note({}, "heals");
  scene_.faults_on = false;
  faults_due_ = links_due_ = scene_.now;
  const Swarm& swarm = scene_.swarm;
  for (auto& engine : engines_) {
    engine->store().full_until = {};
    for (auto& port : engine->port_states()) port->down_until = {};
  }
  if (swarm.others_stay_cut)
    for (Way& way : network_.ways()) way.cut_until = base::kNever;
  for (std::uint8_t a = 0; a < swarm.engines; ++a)
    for (std::uint8_t b = static_cast<std::uint8_t>(a + 1); b < swarm.engines; ++b) {
      const auto i = static_cast<std::uint8_t>(scene_.dice.below(swarm.ports));
      const auto k = swarm.mesh ? static_cast<std::uint8_t>(scene_.dice.below(swarm.ports)) : i;
      for (Way* way : {network_.find({a, i}, {b, k}), network_.find({b, k}, {a, i})}) {
        way->cut_until = {};
        way->rates = {.delay = base::microseconds(100), .rate_Bps = 100'000'000, .queue_bytes = 1u << 20};
        way->free_at = std::min(way->free_at, scene_.now);
      }
    }
}

void World::live() {
  const base::Instant begun = scene_.now;
  const bool done = run_until(kLivenessMax, [this] {
    return std::all_of(engines_.begin(), engines_.end(),
                       [](auto& e) { return e->alive() && e->puller()->complete(); });
  });
  liveness_ = scene_.now - begun;
  if (done) return;
  std::string missing;
  for (auto& engine : engines_)
    if (engine->alive())
      missing +=
          " e" + std::to_string(engine->number()) + ": " + std::to_string(engine->puller()->blocks_missing());
  scene_.checks.fail("all that is wanted arrives", "after %d s with one good path, blocks are missing:%s",
                     static_cast<int>(kLivenessMax.ns / 1'000'000'000), missing.c_str());
}

void World::rest() {
  const char* why = "transfers are open";
  for (auto& engine : engines_) engine->puller()->close_all();
  const bool whole = run_until(kRestMax, [&] {
    if (turns_ % 256 != 0) return false;
    for (auto& engine : engines_) {
      if (!engine->puller()->at_rest()) return why = "transfers are open", false;
      if (!engine->whole(why)) return false;
    }
    return true;
  });
  if (!whole) scene_.checks.fail("pools are whole", "%s", why);
}

void World::park() {
  for (Way& way : network_.ways()) way.cut_until = base::kNever;
  for (auto& link : links_) link->cut();
  links_due_ = scene_.now;
  const char* why = nullptr;
  const bool bare = run_until(kParkMax, [&] {
    if (turns_ % 256 != 0) return false;
    for (auto& engine : engines_)
      if (!engine->bare(why)) return false;
    return true;
  });
  if (!bare) scene_.checks.fail("sessions end", "%s", why);
  scene_.probes.fire(Probe::session_parked_out);
}

// In a world without faults nothing but the tail may be sent twice (design: at most 2 %), and a little for the losses
// that a window finds its limit by.
void World::check_duplicates() {
  if (!scene_.swarm.calm) return;
  SimEngine::Sums all;
  for (auto& engine : engines_) {
    const SimEngine::Sums sums = engine->sums();
    all.chunk_bytes_out += sums.chunk_bytes_out;
    all.chunk_bytes_again += sums.chunk_bytes_again;
    all.lost += sums.lost;
    all.spurious += sums.spurious;
  }
  std::uint64_t dropped = 0;
  for (const Way& way : network_.ways()) dropped += way.dropped;
  dropped += scene_.packets_refused;
  const std::uint64_t lost = dropped * kPacketRoom;
  if (all.chunk_bytes_again > all.chunk_bytes_out / 50 + lost)
    scene_.checks.fail("little is sent twice",
                       "%" PRIu64 " of %" PRIu64 " chunk bytes were sent again; lost packets: %" PRIu64
                       ", thought lost: %" PRIu64 ", thought so wrongly: %" PRIu64,
                       all.chunk_bytes_again, all.chunk_bytes_out, dropped, all.lost, all.spurious);
}

Outcome World::run() {
  run_until(scene_.swarm.safety, [] { return false; });
  heal();
  live();
  rest();
  check_duplicates();
  if (scene_.swarm.park && !scene_.checks.failed()) park();
  Outcome outcome;
  outcome.seed = scene_.swarm.seed;
  outcome.failed = scene_.checks.failed();
  if (outcome.failed) {
    outcome.checker = scene_.checks.checker();
    outcome.text = scene_.checks.text();
    scene_.note({}, "fails");
  }
  outcome.trace_hash = scene_.trace.hash();
  outcome.packets = scene_.packets;
  outcome.turns = turns_;
  outcome.virtual_time = scene_.now - base::Instant{};
  outcome.liveness = liveness_;
  outcome.probes = scene_.probes;
  return outcome;
}

}  // namespace weft::sim
