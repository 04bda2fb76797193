// The border of one data core in memory: the rings and snapshots between control, data agent and disk agent, and the
// wiring that names them. The engine makes one per core, and so do tests that run agents without an engine.
// Thread: control makes it before the core runs and frees it after. Bounds: Sizes; no growth.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/run/core_channel.hh"

namespace weft::run {

struct CoreRings {
  struct Sizes {                                     // items, powers of two
    std::uint32_t commands = CoreChannel::kCommandRing;
    std::uint32_t events = CoreChannel::kEventRing;  // CoreLimits::events() at least
    std::uint32_t jobs = 1024, dones = 1024;         // of the disk: more than slots that one burst can touch
  };
  explicit CoreRings(const Sizes& sizes)
      : command_slots(sizes.commands), event_slots(sizes.events), job_slots(sizes.jobs), done_slots(sizes.dones),
        commands(command_slots), events(event_slots), jobs(job_slots), dones(done_slots),
        wiring{.commands = &commands, .events = &events, .table = &table, .report = &report, .disk_jobs = &jobs,
               .disk_dones = &dones, .handed_in = {}, .handed_out = {}} {}
  CoreRings(const CoreRings&) = delete;              // the wiring points into it
  CoreRings& operator=(const CoreRings&) = delete;

  std::vector<share::Command> command_slots;
  std::vector<share::Event> event_slots;
  std::vector<share::DiskJob> job_slots;
  std::vector<share::DiskDone> done_slots;
  share::SpscRing<share::Command> commands;
  share::SpscRing<share::Event> events;
  share::SpscRing<share::DiskJob> jobs;
  share::SpscRing<share::DiskDone> dones;
  share::Snapshot<share::PathTable> table;
  share::Snapshot<share::CoreReport> report;
  CoreWiring wiring;                                 // hand-over rings: whoever joins several cores adds them
};

}  // namespace weft::run
