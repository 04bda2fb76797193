// The network between engines: one Way per direction of each pair of ports, with its own weather.
// A packet that a port took goes through its Way (way.hh) once, and then stands in the order of its arrival until the
// receiving port takes it.
// Owner: the world. Time: the scene's.
#pragma once

#include <queue>
#include <vector>

#include "tests/sim/packet.hh"
#include "tests/sim/scene.hh"

namespace weft::sim {

class SimPort;

// All ports listen here; core i on the i-th from here on.
inline constexpr std::uint16_t kUdpBase = 40'000;

struct PortName {
  std::uint8_t engine = 0, port = 0;
  friend constexpr auto operator<=>(PortName, PortName) = default;
};

// One direction between two ports.
struct Way {
  PortName from{}, to{};
  WayRates rates{};
  base::Instant cut_until{};
  bool in_burst = false;
  base::Instant free_at{};  // when the rate limit has sent all it was given
  std::uint64_t carried = 0, dropped = 0;
};

class Network {
 public:
  explicit Network(Scene& scene) : scene_(scene) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  void add_way(PortName from, PortName to);
  [[nodiscard]] Way* find(PortName from, PortName to);
  [[nodiscard]] std::vector<Way>& ways() { return ways_; }

  // The port by which (engine, port, core) hears; null while its engine is dead.
  void attach(PortName name, std::uint8_t core, SimPort* port) { ports_[name.engine][name.port][core] = port; }

  // Takes the packet over.
  void send(Packet* packet, PortName from, PortName to);
  // Hands over what has arrived by now.
  void deliver();
  [[nodiscard]] base::Instant next_due() const { return flights_.empty() ? base::kNever : flights_.top().due; }
  [[nodiscard]] PacketPool& pool() { return pool_; }

 private:
  struct Flight {
    base::Instant due{};
    std::uint64_t order = 0;  // of two that are due at once, the older first
    Packet* packet = nullptr;
    PortName to{};
    friend bool operator<(const Flight& a, const Flight& b) {
      return a.due != b.due ? a.due > b.due : a.order > b.order;
    }
  };
  [[nodiscard]] bool is_lost(Way& way, const Packet& packet);
  void damage(Packet& packet);
  void forge(const Packet& like, PortName to, base::Instant due);
  void fly(Packet* packet, PortName to, base::Instant due);
  // The view that gets a packet: that of the core which its UDP port names, or of a wrong one.
  [[nodiscard]] SimPort* receiver_of(const Packet& packet, PortName to);
  [[nodiscard]] Packet* copy_of(const Packet& packet);

  Scene& scene_;
  PacketPool pool_;
  std::vector<Way> ways_;
  SimPort* ports_[kEnginesMax][kSimPortsMax][kSimCoresMax] = {};
  std::priority_queue<Flight> flights_;
  std::uint64_t order_ = 0;
};

}  // namespace weft::sim
