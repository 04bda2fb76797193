// What goes wrong in a world and when: everything that is an event rather than a rate. Rates (loss, damage, failing
// reads) are looked up where they bite.
// Owner: the world; acts only while Scene::faults_on.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "tests/sim/sim_engine.hh"
#include "tests/sim/sim_link.hh"

namespace weft::sim {

class Faults {
 public:
  Faults(Scene& scene, Network& network, std::vector<std::unique_ptr<SimEngine>>& engines,
         std::vector<std::unique_ptr<SimLink>>& links);
  // Does what is due. Returns when the next is.
  base::Instant poll();

 private:
  enum Kind : std::size_t {
    kCut,
    kPortDown,
    kPortRemoved,
    kCrash,
    kLinkLost,
    kClockStep,
    kCoreStall,
    kControlStall,
    kWeather,
    kDiskFull,
    kWish,
    kKinds
  };
  [[nodiscard]] base::Duration mean_of(Kind kind) const;
  void strike(Kind kind);
  void cut();
  void crash();
  [[nodiscard]] SimEngine& any_engine();
  [[nodiscard]] base::Duration about(base::Duration mean) {
    return scene_.dice.time(base::microseconds(1), 2 * mean);
  }

  Scene& scene_;
  Network& network_;
  std::vector<std::unique_ptr<SimEngine>>& engines_;
  std::vector<std::unique_ptr<SimLink>>& links_;
  std::array<base::Instant, kKinds> due_;
  std::array<base::Instant, kEnginesMax> back_at_;  // of dead engines
};

}  // namespace weft::sim
