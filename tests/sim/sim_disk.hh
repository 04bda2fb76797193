// The disk agent of one simulated core, behind the rings of share/disk_job.hh with the promises of disk/disk_agent.hh:
// jobs start in order, end in any order, each is answered once; a kRemove after all earlier I/O of its file; I/O behind
// it is -EBADF; an answer that finds its ring full is held.
// Promises of the data agent that are checked here: every write equals the source at that offset, when it is given and
// when it is done; a slot is in one job at a time; no write to a file that its puller has been told is closed.
// Owner: one core, for one life. Its destruction is a crash: writes under way are done, not done, or done in part.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/share/disk_job.hh"
#include "engine/share/spsc_ring.hh"
#include "tests/sim/scene.hh"
#include "tests/sim/store.hh"

namespace weft::sim {

class SimDisk {
 public:
  SimDisk(Scene& scene, Who who, Store& store, share::SpscRing<share::DiskJob>& jobs,
          share::SpscRing<share::DiskDone>& dones, base::MutableBytes slots)
      : scene_(scene),
        who_(who),
        store_(store),
        jobs_(jobs),
        dones_(dones),
        slots_(slots),
        slot_busy_(slots.size() / base::kSlotBytes) {}
  ~SimDisk();
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  void poll();
  // When it has something to do by itself; kNever when it waits for jobs.
  [[nodiscard]] base::Instant next_due() const;
  [[nodiscard]] bool idle() const { return operations_.empty() && held_.empty(); }
  [[nodiscard]] std::size_t installed() const { return files_.size(); }

 private:
  struct Operation {
    share::DiskJob job{};
    base::Instant due{};
    std::int32_t result = 0;
  };
  struct File {
    int fd = -1;
    std::uint32_t busy = 0;
    bool removing = false;
  };
  void take(const share::DiskJob& job);
  [[nodiscard]] std::int32_t begin(const share::DiskJob& job);  // negative: refused at once
  void finish(Operation& operation);
  void read(Operation& operation, int fd);
  void write(Operation& operation, int fd);
  void check_write(const share::DiskJob& job, int fd, const char* when);
  void answer(const Operation& operation);
  [[nodiscard]] base::MutableBytes slot(const share::DiskJob& job) const {
    return slots_.subspan(std::size_t{job.slot} * base::kSlotBytes, job.length);
  }
  [[nodiscard]] bool ppm(std::uint32_t rate) { return scene_.faults_on && scene_.dice.ppm(rate); }

  Scene& scene_;
  const Who who_;
  Store& store_;
  share::SpscRing<share::DiskJob>& jobs_;
  share::SpscRing<share::DiskDone>& dones_;
  const base::MutableBytes slots_;
  std::vector<bool> slot_busy_;
  std::map<std::uint32_t, File> files_;  // by the caller's number
  std::vector<Operation> operations_;    // in order of their start
  std::vector<share::DiskDone> held_;
};

}  // namespace weft::sim
