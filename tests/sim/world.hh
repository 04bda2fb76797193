// One world: engines, network, links, faults, from a seed; run to its end in phases.
//
//   safety     faults as the seed drew them; nothing promised but what must never happen
//   liveness   no new faults, engines alive, one path between each two engines made good: all that is wanted must be
//              complete within kLivenessMax
//   rest       transfers closed: every pool must be whole again within kRestMax
//   park       (some worlds) everything cut: sessions must end by themselves and leave nothing
//
// The next to have a turn is chosen by chance among those whose time has come; when nobody has work, time jumps.
// One thread; deterministic: the same seed gives the same trace hash.
#pragma once

#include <cstdio>
#include <memory>
#include <vector>

#include "tests/sim/faults.hh"

namespace weft::sim {

struct Outcome {
  std::uint64_t seed = 0;
  bool failed = false;
  std::string checker, text;
  std::uint64_t trace_hash = 0;
  std::uint64_t packets = 0, turns = 0;
  base::Duration virtual_time{}, liveness{};  // the second: what the liveness phase needed
  Probes probes;
};

class World {
 public:
  // `trace_out` null: no trace is printed.
  explicit World(const Swarm& swarm, std::FILE* trace_out = nullptr);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] Outcome run();

 private:
  // All that is wanted, over one good path that carries 20 MB/s: seconds. What makes it long are time-outs of the
  // shipped code: a path that flapped is held back for 5 s, a silent request is asked again after 2 s, five times.
  static constexpr base::Duration kLivenessMax = base::seconds(60);
  static constexpr base::Duration kRestMax = base::seconds(15);
  static constexpr base::Duration kParkMax = run::WeftSession::kParkTime + base::seconds(30);

  template <typename Done>
  bool run_until(base::Duration limit, Done done);
  void turn();
  void take_turn(std::size_t actor);
  [[nodiscard]] base::Instant wake_of(std::size_t actor);
  void heal();
  void live();
  void rest();
  void park();
  void check_duplicates();

  Scene scene_;
  Network network_;
  KeyBook keys_;
  IndexBook indexes_;
  std::vector<Source> sources_;
  std::vector<base::DeviceId> devices_;
  std::vector<std::unique_ptr<SimEngine>> engines_;
  std::vector<std::unique_ptr<SimLink>> links_;
  std::unique_ptr<Faults> faults_;
  base::Instant links_due_{}, faults_due_{};
  std::uint64_t turns_ = 0;
  base::Duration liveness_{};
};

[[nodiscard]] inline Outcome run_seed(std::uint64_t seed, std::FILE* trace_out = nullptr) {
  return World(draw_swarm(seed), trace_out).run();
}

}  // namespace weft::sim
