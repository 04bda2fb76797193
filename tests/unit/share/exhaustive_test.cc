// The shipped structures through all executions of small programs that the C++ memory model allows
// (weak/weak.hh): rings of one and two slots, a snapshot's two slots, a gate with one and two
// closers, a port's next hops. Then each memory order is weakened by one step, one at a time, and
// some program must notice: every order is needed, and a checker that cannot see a missing one
// would not pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/share/gate.hh"
#include "engine/share/neighbours.hh"
#include "engine/share/snapshot.hh"
#include "engine/share/spsc_ring.hh"
#include "tests/unit/share/weak/weak.hh"

namespace weft::share {
namespace {

using Ring = SpscRing<int, weak::Memory>;
using weak::Trial;

struct RingPlan {
  std::size_t slots;
  std::vector<std::uint32_t> pushes, pops;  // batch sizes, in order
  bool asks_room = false;  // the producer asks before each push and pushes no more
};

// Numbers 1, 2, 3 … go in, as many as fit; what comes out is the same from the front, and at the
// end nothing is left.
void ring_program(Trial& trial, const RingPlan& plan) {
  const auto slots = std::make_unique<Ring::Slot[]>(plan.slots);
  Ring ring({slots.get(), plan.slots});
  int pushed = 0, popped = 0;
  const auto pop = [&](std::uint32_t batch) {
    std::array<int, 4> out{};
    const std::uint32_t count = ring.pop(std::span(out).first(batch));
    trial.check(count <= batch, "no more than asked for");
    for (std::uint32_t i = 0; i < count; ++i)
      trial.check(out[i] == ++popped, "in order, each once");
    return count;
  };
  trial.threads({[&] {
                   for (std::uint32_t batch : plan.pushes) {
                     const std::uint32_t room = plan.asks_room ? ring.room() : 0;
                     if (plan.asks_room) batch = std::min(batch, room);
                     const std::array<int, 4> items{pushed + 1, pushed + 2, pushed + 3, pushed + 4};
                     const std::uint32_t count = ring.push(std::span(items).first(batch));
                     trial.check(!plan.asks_room || count == batch, "what there was room for fits");
                     pushed += static_cast<int>(count);
                   }
                 },
                 [&] {
                   for (const std::uint32_t batch : plan.pops) pop(batch);
                 }});
  while (pop(4) > 0) {}
  trial.check(pushed == popped, "nothing is lost");
  trial.check(ring.room() == plan.slots, "the ring is empty");
}

weak::Program ring_of(RingPlan plan) {
  return [plan = std::move(plan)](Trial& trial) { ring_program(trial, plan); };
}

const std::vector<weak::Program>& ring_programs() {
  static const std::vector<weak::Program> programs{
      ring_of({.slots = 1, .pushes = {1, 1, 1}, .pops = {1, 1, 1}}),
      ring_of({.slots = 1, .pushes = {1, 1, 1}, .pops = {1, 1}, .asks_room = true}),
      ring_of({.slots = 2, .pushes = {1, 1, 1}, .pops = {1, 1, 1}}),
      ring_of({.slots = 2, .pushes = {2, 2, 1}, .pops = {1, 2, 2}}),
      ring_of({.slots = 2, .pushes = {2, 2}, .pops = {2, 2, 2}, .asks_room = true}),
  };
  return programs;
}

// Values 1, 2, 3 … are published; a value is seen whole, none twice, never an older one, and it
// stands still until the next adopt().
void snapshot_program(Trial& trial, int publishes, int adopts) {
  Snapshot<int, weak::Memory> snapshot;
  int published = 0, seen = 0;
  trial.threads({[&] {
                   for (int i = 0; i < publishes; ++i)
                     if (snapshot.try_publish(published + 1)) ++published;
                 },
                 [&] {
                   for (int i = 0; i < adopts; ++i) {
                     const bool newer = snapshot.adopt();
                     const int now = snapshot.current();
                     trial.check(now == seen + (newer ? 1 : 0), "the next value, or the same");
                     seen = now;
                     trial.check(snapshot.current() == seen, "it stands still");
                   }
                 }});
  trial.check(published >= 1, "the first always fits");
  const bool newer = snapshot.adopt();
  trial.check(seen + (newer ? 1 : 0) == published, "the last value is not lost");
  trial.check(snapshot.current() == published, "and it is the last");
}

const std::vector<weak::Program>& snapshot_programs() {
  static const std::vector<weak::Program> programs{
      [](Trial& trial) { snapshot_program(trial, 2, 3); },
      [](Trial& trial) { snapshot_program(trial, 3, 2); },
      [](Trial& trial) { snapshot_program(trial, 3, 3); },
  };
  return programs;
}

// The core changes one cell per closer inside; each closer changes its own when the gate is closed
// and empty. The cells themselves tell whether the two were ever in at the same time. A closer that
// finds the core inside gives up.
void gate_program(Trial& trial, int entries, std::vector<int> rounds_of_closers) {
  BasicGate<weak::Memory> gate;
  std::array<weak::Cell<int>, 2> cells;
  std::array<int, 2> closed{};
  int entered = 0;
  const auto close = [&](std::size_t closer, int rounds) {
    for (int i = 0; i < rounds; ++i) {
      gate.close();
      if (gate.is_empty()) {
        cells[closer] = cells[closer] + 1;
        ++closed[closer];
      }
      gate.open();
    }
  };
  const auto core = [&] {
    for (int i = 0; i < entries; ++i) {
      if (!gate.try_enter()) continue;
      ++entered;
      for (std::size_t closer = 0; closer < rounds_of_closers.size(); ++closer)
        cells[closer] = cells[closer] + 1;
      gate.leave();
    }
  };
  if (rounds_of_closers.size() == 1) {
    trial.threads({core, [&] { close(0, rounds_of_closers[0]); }});
  } else {
    trial.threads(
        {core, [&] { close(0, rounds_of_closers[0]); }, [&] { close(1, rounds_of_closers[1]); }});
  }
  for (std::size_t i = 0; i < rounds_of_closers.size(); ++i)
    trial.check(cells[i] == entered + closed[i], "no change is lost");
  trial.check(gate.is_empty() && gate.try_enter(), "it is open again");
}

const std::vector<weak::Program>& gate_programs() {
  static const std::vector<weak::Program> programs{
      [](Trial& trial) { gate_program(trial, 3, {2}); },
      [](Trial& trial) { gate_program(trial, 2, {3}); },
      [](Trial& trial) {
        gate_program(trial, 2, {1, 1});
      },
  };
  return programs;
}

base::IpAddress ip_of(std::uint8_t last) { return {.bytes = {10, 0, 0, last}, .v6 = false}; }
base::Mac mac_of(std::uint8_t last) { return {2, 0, 0, 0, 0, last}; }

// Control adds two next hops; two cores look for them, write what they hear and read what the other
// heard.
void neighbours_program(Trial& trial) {
  BasicNeighbours<weak::Memory> neighbours;
  const auto core = [&](std::uint8_t self) {
    const auto slot = neighbours.find(ip_of(2));
    if (!slot) {
      const auto first = neighbours.find(ip_of(1));
      trial.check(!first || *first == 0, "slots are given in order");
      return;
    }
    trial.check(*slot == 1, "slots are given in order");
    trial.check(neighbours.ip(*slot) == ip_of(2), "its address is there with it");
    neighbours.set(*slot, mac_of(self));
    base::Mac known{};
    trial.check(neighbours.get(*slot, known), "known from now on");
    trial.check(known == mac_of(1) || known == mac_of(2), "one of the two, whole");
  };
  trial.threads({[&] {
                   trial.check(neighbours.add(ip_of(1)) == 0u && neighbours.add(ip_of(2)) == 1u,
                               "both fit");
                 },
                 [&] { core(1); }, [&] { core(2); }});
  trial.check(neighbours.add(ip_of(1)) == 0u, "an address keeps its slot");
}

const std::vector<weak::Program>& neighbours_programs() {
  static const std::vector<weak::Program> programs{neighbours_program};
  return programs;
}

// No program fails as the source stands; and with any one order of `file` weakened by a step, some
// program does.
void expect_right_and_no_stronger_than_needed(const std::vector<weak::Program>& programs,
                                              const std::string& file, std::size_t orders) {
  std::set<weak::Site> sites;
  std::uint64_t executions = 0;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const weak::Result result = weak::explore(programs[i]);
    EXPECT_EQ(result.fault, "") << "program " << i;
    executions += result.executions;
    for (const weak::Site& site : result.sites)
      if (site.file.ends_with(file) && site.order != std::memory_order_relaxed) sites.insert(site);
  }
  EXPECT_EQ(sites.size(), orders)
      << "the programs do not meet every operation, or there are new ones";
  EXPECT_EQ(weak::unnoticed_weakenings(programs, sites), std::vector<std::string>{});
  testing::Test::RecordProperty("executions", std::to_string(executions));
}

// The last argument: how many operations of the file are stronger than relaxed.
TEST(Exhaustive, RingsOfOneAndTwoSlots) {
  expect_right_and_no_stronger_than_needed(ring_programs(), "spsc_ring.hh", 5);
}
TEST(Exhaustive, SnapshotOfTwoSlots) {
  expect_right_and_no_stronger_than_needed(snapshot_programs(), "snapshot.hh", 4);
}
TEST(Exhaustive, GateWithOneAndTwoClosers) {
  expect_right_and_no_stronger_than_needed(gate_programs(), "gate.hh", 7);
}
TEST(Exhaustive, NextHopsOfTwoCores) {
  expect_right_and_no_stronger_than_needed(neighbours_programs(), "neighbours.hh", 2);
}

}  // namespace
}  // namespace weft::share
