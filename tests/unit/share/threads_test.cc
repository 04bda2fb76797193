// Everything of this folder between real threads, seeded, in the arrangement in which the engine
// uses it. What is checked here is what came out; the ThreadSanitizer (scripts/sanitize.sh tsan)
// checks how it got there.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "engine/base/prng.hh"
#include "engine/share/command.hh"
#include "engine/share/datagram_port.hh"
#include "engine/share/disk_job.hh"
#include "engine/share/gate.hh"
#include "engine/share/neighbours.hh"
#include "engine/share/report.hh"
#include "engine/share/snapshot.hh"
#include "engine/share/spsc_ring.hh"
#include "engine/share/table.hh"

namespace weft::share {
namespace {

constexpr std::uint64_t kSeeds = 6;

// A thread that now and then lets others go first, so that two CPUs show more than two rhythms.
class Rhythm {
 public:
  explicit Rhythm(std::uint64_t seed) : prng_(seed) {}
  void beat() {
    if (prng_.chance(64)) std::this_thread::yield();
  }
  std::uint32_t below(std::uint32_t bound) { return prng_.below(bound); }

 private:
  base::Prng prng_;
};

// A value of a snapshot made of its version alone, from its first field to its last.
void fill(PathTable& table, std::uint32_t version) {
  std::uint32_t number = version;
  for (auto& session : table.paths)
    for (PathEntry& path : session) path.probe_seq = number++;
}
bool is_filled(const PathTable& table, std::uint32_t version) {
  std::uint32_t number = version;
  for (const auto& session : table.paths)
    for (const PathEntry& path : session)
      if (path.probe_seq != number++) return false;
  return true;
}
void fill(CoreReport& report, std::uint64_t version) {
  report.turns = version;
  for (SessionReport& session : report.sessions) session.bytes_served = ++version;
  for (LaneReport& lane : report.lanes) lane.bytes_in = lane.packets_spurious = ++version;
}
bool is_filled(const CoreReport& report, std::uint64_t version) {
  bool same = report.turns == version;
  for (const SessionReport& session : report.sessions)
    same = same && session.bytes_served == ++version;
  for (const LaneReport& lane : report.lanes)
    same = same && lane.bytes_in == ++version && lane.packets_spurious == version;
  return same;
}

struct Item {
  std::uint64_t number = 0, other = 0;
};

TEST(Threads, RingsOfManySizesKeepOrderAndContent) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    std::vector<Item> slots(std::size_t{1} << (2 * seed - 2));  // 1, 4, 16 … 1024
    // In a small ring each item costs a change of threads.
    const std::uint64_t total = 2000 * (2 * seed - 1);
    SpscRing<Item> ring(slots);
    std::thread producer([&] {
      Rhythm rhythm(seed);
      std::array<Item, 16> batch;
      for (std::uint64_t sent = 0; sent < total;) {
        const std::uint64_t count = std::min<std::uint64_t>(rhythm.below(16) + 1, total - sent);
        for (std::uint64_t i = 0; i < count; ++i) batch[i] = {sent + i, ~(sent + i)};
        const std::uint32_t room = ring.room();
        const std::uint32_t took = ring.push(std::span(batch).first(count));
        EXPECT_GE(took, std::min<std::uint64_t>(room, count));
        sent += took;
        if (took == 0) std::this_thread::yield();
        rhythm.beat();
      }
    });
    Rhythm rhythm(seed + 100);
    std::array<Item, 16> out;
    for (std::uint64_t expected = 0; expected < total;) {
      const std::uint32_t count = ring.pop(std::span(out).first(rhythm.below(16) + 1));
      for (std::uint32_t i = 0; i < count; ++i, ++expected) {
        if (out[i].number == expected && out[i].other == ~expected) continue;
        ADD_FAILURE() << "item " << expected << " came as " << out[i].number;
        expected = total;
        break;
      }
      if (count == 0) std::this_thread::yield();
      rhythm.beat();
    }
    producer.join();
  }
}

// One data core as engine/run/engine.hh wires it: commands and tables in, events and reports out, a
// disk behind.
struct Core {
  std::array<Command, 4> command_slots{};
  std::array<Event, 2> event_slots{};
  std::array<DiskJob, 2> job_slots{};
  std::array<DiskDone, 1> done_slots{};
  SpscRing<Command> commands{command_slots};
  SpscRing<Event> events{event_slots};
  SpscRing<DiskJob> jobs{job_slots};
  SpscRing<DiskDone> dones{done_slots};
  Snapshot<PathTable> table;
  Snapshot<CoreReport> report;
  std::atomic<bool> stop{false};
};

// Each command becomes a disk job, each job's answer an event; full rings stop the reading of their
// input.
void run_data(Core& core, std::uint64_t seed, std::uint32_t& tables_seen) {
  Rhythm rhythm(seed);
  const auto report = std::make_unique<CoreReport>();
  std::uint64_t reports = 0;
  fill(*report, reports + 1);
  bool event_waits = false, job_waits = false;
  Event event;
  DiskJob job;
  while (!core.stop.load(std::memory_order_relaxed)) {
    if (core.table.adopt()) {
      ++tables_seen;
      EXPECT_TRUE(is_filled(core.table.current(), tables_seen)) << "table " << tables_seen;
    }
    Command command;
    if (!job_waits && core.commands.pop_one(command)) {
      job.file = command.body.close_file.file;
      job.cookie = ~std::uint64_t{job.file};
      job_waits = true;
    }
    if (job_waits) job_waits = !core.jobs.push_one(job);
    DiskDone done;
    if (!event_waits && core.dones.pop_one(done)) {
      event.number = static_cast<std::uint32_t>(~done.cookie);
      event.detail = done.result;
      event_waits = true;
    }
    if (event_waits) event_waits = !core.events.push_one(event);
    if (core.report.try_publish(*report)) fill(*report, ++reports + 1);
    rhythm.beat();
  }
}

void run_disk(Core& core, std::uint64_t seed) {
  Rhythm rhythm(seed);
  while (!core.stop.load(std::memory_order_relaxed)) {
    DiskJob job;
    if (!core.jobs.pop_one(job)) {
      std::this_thread::yield();
      continue;
    }
    const DiskDone done{job.cookie, static_cast<std::int32_t>(job.file % 1000)};
    while (!core.dones.push_one(done) && !core.stop.load(std::memory_order_relaxed))
      std::this_thread::yield();
    rhythm.beat();
  }
}

TEST(Threads, ControlOneCoreAndItsDisk) {
  constexpr std::uint32_t kCommands = 300;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const auto core = std::make_unique<Core>();
    std::uint32_t tables_seen = 0, tables = 0, reports = 0;
    std::thread data([&] { run_data(*core, seed, tables_seen); });
    std::thread disk([&] { run_disk(*core, seed + 100); });
    Rhythm rhythm(seed + 200);
    std::uint32_t sent = 0, answered = 0;
    PathTable table;
    fill(table, tables + 1);
    while (answered < kCommands || reports < 10) {
      Command command;
      command.body.close_file.file = sent;
      if (sent < kCommands && core->commands.push_one(command)) ++sent;
      std::array<Event, 2> events;
      const std::uint32_t count = core->events.pop(events);
      for (std::uint32_t i = 0; i < count; ++i) {
        EXPECT_EQ(events[i].number, answered);
        EXPECT_EQ(events[i].detail, static_cast<std::int32_t>(answered % 1000));
        ++answered;
      }
      if (core->table.try_publish(table)) fill(table, ++tables + 1);
      if (core->report.adopt()) {
        ++reports;
        EXPECT_TRUE(is_filled(core->report.current(), reports)) << "report " << reports;
      }
      rhythm.beat();
      if (testing::Test::HasFailure()) break;
    }
    core->stop.store(true, std::memory_order_relaxed);
    data.join();
    disk.join();
    EXPECT_LE(tables - tables_seen, 1u);  // the last may not have been seen any more
    EXPECT_GT(tables_seen, 0u);
  }
}

// Packets that came to the wrong core: every core hands buffers of its own to every other by a ring
// per pair, reads what it is handed, and hands the buffer back. A buffer is written by whoever
// holds it; nothing else guards it.
class Mesh {
 public:
  static constexpr std::uint32_t kCores = 3, kBuffers = 8, kRounds = 2000;

  explicit Mesh(std::size_t ring_slots) {
    for (auto& row : pairs_)
      for (auto& pair : row) pair = std::make_unique<Pair>(ring_slots);
  }

  void run_core(std::uint32_t self, std::uint64_t seed) {
    struct Buffer {
      std::array<std::byte, 64> payload{};
    };
    std::array<Buffer, kBuffers> buffers{};
    std::vector<Buffer*> mine;
    for (Buffer& buffer : buffers) mine.push_back(&buffer);
    // What the ring towards its owner had no room for yet.
    std::array<std::deque<RxDatagram>, kCores> back;
    Rhythm rhythm(seed);
    std::uint32_t sent = 0;
    const auto is_over = [&] {
      return sent == kRounds && mine.size() == kBuffers &&
             over_.load(std::memory_order_relaxed) == kCores;
    };
    bool said_over = false;
    while (!is_over()) {
      const std::uint32_t to = (self + 1 + rhythm.below(kCores - 1)) % kCores;
      if (sent < kRounds && !mine.empty()) {
        Buffer* const buffer = mine.back();
        const std::byte mark = static_cast<std::byte>(sent);
        buffer->payload.fill(mark);
        const RxDatagram datagram{.payload = buffer->payload.data(),
                                  .bytes = 64,
                                  .dst_udp = static_cast<std::uint16_t>(sent & 0xFF),
                                  .src_udp = 0,
                                  .port = base::PortId{static_cast<std::uint8_t>(self)},
                                  .src = {},
                                  .packet = buffer};
        if (ring(self, to).push_one(datagram)) {
          mine.pop_back();
          ++sent;
        }
      }
      for (std::uint32_t from = 0; from < kCores; ++from) {
        if (from == self) continue;
        RxDatagram datagram;
        while (ring(from, self).pop_one(datagram)) {
          if (base::to_index(datagram.port) == self) {  // one of ours comes home
            mine.push_back(static_cast<Buffer*>(datagram.packet));
            EXPECT_EQ(mine.back()->payload[0], std::byte{0xEE});
            continue;
          }
          for (std::size_t i = 0; i < 64; ++i)
            EXPECT_EQ(datagram.payload[i], static_cast<std::byte>(datagram.dst_udp));
          std::memset(datagram.payload, 0xEE, 64);
          back[from].push_back(datagram);
        }
        while (!back[from].empty() && ring(self, from).push_one(back[from].front()))
          back[from].pop_front();
      }
      // A core stays until all are done: the others' buffers come by it.
      if (!said_over && sent == kRounds && mine.size() == kBuffers) {
        said_over = true;
        over_.fetch_add(1, std::memory_order_relaxed);
      }
      rhythm.beat();
    }
  }

 private:
  struct Pair {
    explicit Pair(std::size_t size) : slots(size), ring(slots) {}
    std::vector<RxDatagram> slots;
    SpscRing<RxDatagram> ring;
  };
  SpscRing<RxDatagram>& ring(std::uint32_t from, std::uint32_t to) {
    return pairs_[from][to]->ring;
  }

  std::array<std::array<std::unique_ptr<Pair>, kCores>, kCores> pairs_;
  std::atomic<std::uint32_t> over_{0};
};

TEST(Threads, PacketsAreHandedFromCoreToCore) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Mesh mesh(std::size_t{1} << (seed - 1));
    std::vector<std::thread> cores;
    for (std::uint32_t core = 0; core < Mesh::kCores; ++core)
      cores.emplace_back([&mesh, core, seed] { mesh.run_core(core, seed * 10 + core); });
    for (std::thread& core : cores) core.join();
  }
}

TEST(Threads, AGateKeepsTheCoreFromThreeClosers) {
  constexpr std::size_t kClosers = 3;
  constexpr std::uint64_t kRounds = 1000;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Gate gate;
    // Each pair is equal whenever nobody is at it.
    std::array<std::array<std::uint64_t, 2>, kClosers> words{};
    std::atomic<std::uint32_t> closers_left{kClosers};
    std::uint64_t entered = 0;
    std::thread core([&] {
      Rhythm rhythm(seed);
      while (closers_left.load(std::memory_order_relaxed) > 0) {
        rhythm.beat();
        if (!gate.try_enter()) continue;
        ++entered;
        for (auto& pair : words) ++pair[0];
        for (auto& pair : words) ++pair[1];
        gate.leave();
      }
    });
    std::vector<std::thread> closers;
    for (std::size_t i = 0; i < kClosers; ++i) {
      closers.emplace_back([&, i] {
        Rhythm rhythm(seed * 10 + i);
        for (std::uint64_t round = 0; round < kRounds; ++round) {
          gate.close();
          while (!gate.is_empty()) std::this_thread::yield();
          EXPECT_EQ(words[i][0], words[i][1]);
          ++words[i][0];
          ++words[i][1];
          gate.open();
          rhythm.beat();
        }
        closers_left.fetch_sub(1, std::memory_order_relaxed);
      });
    }
    for (std::thread& closer : closers) closer.join();
    core.join();
    for (const auto& pair : words) {
      EXPECT_EQ(pair[0], entered + kRounds);
      EXPECT_EQ(pair[1], entered + kRounds);
    }
  }
}

base::IpAddress ip_of(std::size_t slot) {
  return {.bytes = {10, 1, static_cast<std::uint8_t>(slot >> 8), static_cast<std::uint8_t>(slot)}, .v6 = false};
}
base::Mac mac_of(std::size_t slot, std::uint8_t core) {
  return {2, core, core, core, core, static_cast<std::uint8_t>(slot)};
}

TEST(Threads, NextHopsAreFoundAndLearntWhileOthersAreAdded) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Neighbours neighbours;
    const auto core = [&](std::uint8_t self) {
      Rhythm rhythm(seed * 10 + self);
      for (std::uint32_t known = 0; known < Neighbours::kMax;) {
        const std::size_t wanted = rhythm.below(Neighbours::kMax);
        const auto slot = neighbours.find(ip_of(wanted));
        rhythm.beat();
        if (!slot) continue;
        EXPECT_EQ(*slot, wanted);
        EXPECT_EQ(neighbours.ip(*slot), ip_of(wanted));
        base::Mac mac{};
        if (neighbours.get(*slot, mac)) {
          EXPECT_TRUE(mac == mac_of(wanted, 1) || mac == mac_of(wanted, 2));
        }
        neighbours.set(*slot, mac_of(wanted, self));
        known = 0;
        for (std::uint32_t i = 0; i < Neighbours::kMax; ++i)
          known += neighbours.get(i, mac) ? 1 : 0;
      }
    };
    std::thread first([&] { core(1); }), second([&] { core(2); });
    Rhythm rhythm(seed);
    for (std::size_t i = 0; i < Neighbours::kMax; ++i) {
      EXPECT_EQ(neighbours.add(ip_of(i)), i);
      rhythm.beat();
      if (rhythm.below(4) == 0) std::this_thread::yield();
    }
    EXPECT_EQ(neighbours.add(ip_of(Neighbours::kMax)), std::nullopt);
    EXPECT_EQ(neighbours.add(ip_of(7)), 7u);
    first.join();
    second.join();
  }
}

}  // namespace
}  // namespace weft::share
