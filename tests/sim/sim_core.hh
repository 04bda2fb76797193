// One data core of a simulated engine: the shipped DataAgent, CoreChannel and Idle, with rings and memory of the sizes
// that the seed drew, a simulated disk agent, and simulated ports.
// Owner: an engine, for one life. Virtual time: poll_agent() and poll_disk() say when they want their next turn.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/run/core_rings.hh"
#include "engine/run/idle.hh"
#include "tests/sim/sim_disk.hh"
#include "tests/sim/sim_port.hh"
#include "tests/sim/watched_aead.hh"

namespace weft::sim {

class SimCore {
 public:
  // What one world gives to all its cores.
  struct Around {
    Scene& scene;
    Network& network;
    KeyBook& keys;
    const IndexBook& indexes;
  };
  SimCore(const Around& around, std::uint8_t engine, std::uint8_t index, Store& store,
          std::vector<std::unique_ptr<PortShared>>& ports);
  // Datagrams that came to the core `from` and belong to `to`.
  static void join(SimCore& from, SimCore& to);

  // One turn each; the next one is due then (world time). `now`: the engine's clock.
  base::Instant poll_agent(base::Instant now);
  base::Instant poll_disk();
  [[nodiscard]] bool disk_has_jobs() { return rings_.jobs.room() < rings_.jobs.capacity(); }

  [[nodiscard]] run::CoreChannel& channel() { return *channel_; }
  // A port's views: one that no agent touches any more goes, one that comes is there before the agent hears of it.
  void close_port(std::uint8_t port);
  void open_port(PortShared& port);
  // Fires the probes that the newest report and the rings speak for.
  void look();
  // Everything is back where it belongs. `why`: what is not.
  [[nodiscard]] bool whole(const char*& why);
  // No lane, key or file of any session is left.
  [[nodiscard]] bool bare(const char*& why);

 private:
  struct LaneSeen {
    std::uint32_t lane_epoch = 0, pto_count = 0, key_epoch = 0, peer_key_epoch = 0;
    std::uint64_t lost = 0, spurious = 0, duplicate = 0;
  };
  void look_at_lane(const share::LaneReport& lane);
  void look_at_drops(const share::CoreReport& report);

  struct HandOver {
    explicit HandOver(std::uint32_t size) : slots(size), ring(slots) {}
    std::vector<share::RxDatagram> slots;
    share::SpscRing<share::RxDatagram> ring;
  };

  Scene& scene_;
  Network& network_;
  const Who who_;
  run::CoreRings rings_;
  std::vector<std::unique_ptr<HandOver>> handed_in_;
  std::unique_ptr<std::byte[]> memory_;
  std::vector<std::unique_ptr<SimPort>> ports_;
  std::vector<share::DatagramPort*> views_;
  std::unique_ptr<WatchedAead> aead_;
  std::unique_ptr<SimDisk> disk_;
  std::unique_ptr<run::DataAgent> agent_;
  std::unique_ptr<run::CoreChannel> channel_;
  run::Idle idle_;
  base::Instant looked_at_{};
  decltype(share::CoreReport::drops) drops_seen_{};
  std::uint64_t handed_over_seen_ = 0;
  std::map<std::pair<base::SessionId, base::PathId>, LaneSeen> lanes_seen_;
};

}  // namespace weft::sim
