// When what goes wrong: the events of a run as orders that become due. Flaps are drawn here, from the seed, so that
// the same seed gives the same flaps. Pure: time and progress come in, orders go out. Threads: any one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/prng.hh"
#include "engine/lab/scenario.hh"

namespace weft::lab {

// One order, to one link or (a policy) to both sides.
struct Order {
  enum class Kind : std::uint8_t { kSilence, kLinkDown, kRestore, kImpair, kPolicy };
  Kind kind = Kind::kSilence;
  std::size_t link = 0;
  bool flap = false;                       // one of many, drawn
  Shape shape;                             // kImpair
  std::string policy;
};
// "left goes silent", for people.
[[nodiscard]] std::string text_of(const Order& order, const Scenario& scenario);

struct Flap {
  std::size_t link = 0;
  double down_s = 0, up_s = 0;             // from the event's begin
};
// The flaps of one event, by down_s: each within its own equal part of the time, of a link that is drawn. So one link
// at most is down at a time, and all are up at the end: all of them down is no flap but an outage, which has its own
// events.
[[nodiscard]] std::vector<Flap> plan_flaps(const Event& event, base::Prng& dice);

class Timeline {
 public:
  Timeline(std::span<const Event> events, std::uint64_t seed);
  // Orders due at `seconds` after the first block, with `percent` of the payload there; in the order of their times.
  // Neither goes back between two calls.
  [[nodiscard]] std::vector<Order> take_due(double seconds, double percent);
  [[nodiscard]] bool done() const { return waiting_.empty() && drawn_.empty(); }

 private:
  struct Timed {
    double at_s = 0;
    Order order;
  };
  void draw(const Event& event, double from_s);

  std::vector<Event> waiting_;
  std::vector<Timed> drawn_;               // by time
  base::Prng dice_;
};

}  // namespace weft::lab
