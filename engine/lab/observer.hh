// Looks at both sides many times a second during one run and keeps the record (record.hh). Receivers are asked each
// time, senders, who only tell what they sent again, now and then. One thread.
// Clocks: a sample stands at the middle of its question and answer; a weft's own times (of waits) are moved by the
// offset of the quickest answer so far.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <string>

#include "engine/lab/pair.hh"
#include "engine/lab/record.hh"

namespace weft::lab {

class Observer {
 public:
  static constexpr std::chrono::milliseconds kEvery{20};

  // The counters as they are now are the run's zero.
  [[nodiscard]] static ConfigResult<Observer> begin(Pair& pair, const Scenario& scenario, const Run& run);
  // One look. Errors: a side that does not answer.
  [[nodiscard]] ConfigResult<void> look();
  void note(const Order& order);

  [[nodiscard]] double seconds() const;                            // since begin()
  // Since the first verified block; below 0: none yet.
  [[nodiscard]] double since_first() const { return first_s_ < 0 ? -1 : seconds() - first_s_; }
  [[nodiscard]] double percent() const;                            // of the payload
  // The waits that still last belong to the record too: called once, at the end.
  [[nodiscard]] Record take_record();

 private:
  using Clock = std::chrono::steady_clock;
  // Counters of paths as they grow: a path that went and came again begins at zero.
  struct Seen {
    std::uint64_t bytes_in = 0, duplicate = 0, retransmitted = 0;
  };
  struct Watched {
    bool receives = false;
    std::uint64_t verified = 0, verified_zero = 0, via_link = 0, via_link_zero = 0, stall = 0;
    std::map<std::string, Seen> paths;                             // by both ports' names
    double offset_s = 0, trip_s = 1e9;                             // our clock less theirs, of the quickest answer
    std::optional<double> open_since_s;                            // by our clock: the wait that lasts
  };
  Observer(Pair& pair, const Scenario& scenario) : pair_(pair), scenario_(scenario) {}
  ConfigResult<void> look_at(Which which, bool first);
  void add_paths(Which which, const Meter& meter, bool first);
  void add_stalls(Watched& watched, const Meter& meter, bool first);

  Pair& pair_;
  const Scenario& scenario_;
  Clock::time_point begun_ = Clock::now();
  std::array<Watched, 2> watched_;                                 // by Which
  std::vector<std::uint64_t> by_link_;
  Record record_;
  double first_s_ = -1;
  std::uint64_t looks_ = 0;
};

}  // namespace weft::lab
