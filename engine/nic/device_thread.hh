// DeviceThread: work on DPDK's interrupt thread, and data cores kept away from a device while that thread changes it.
//
// Why: net_memif unmaps its shared rings on the interrupt thread the moment a peer dies, without asking whether a
// data core is in the middle of a burst on them; that core would crash. memif logs a line (at debug level, which
// eal.cc switches on for it) on that thread before every such step, and DPDK calls our log stream at once. So: a log
// line on the interrupt thread closes the gates of all memif queues and waits until their cores are outside; an
// alarm, which runs on the same thread and therefore after the step, opens them again.
// For the same reason memif devices are started, stopped and closed on that thread (run()).
//
// Threads: add(), remove(), run() from control; on_log() from whichever thread logs.
#pragma once

#include <mutex>
#include <vector>

#include "engine/base/function_ref.hh"
#include "engine/share/gate.hh"

namespace weft::nic {

class DeviceThread {
 public:
  DeviceThread() = default;
  ~DeviceThread();
  DeviceThread(const DeviceThread&) = delete;
  DeviceThread& operator=(const DeviceThread&) = delete;

  void add(share::Gate& gate);
  void remove(share::Gate& gate);       // opens it if a log line had closed it
  // Runs `work` on the interrupt thread and waits for its end. False when DPDK had no memory for the request.
  [[nodiscard]] bool run(base::FunctionRef<void()> work);
  void on_log() noexcept;
  // The line being logged comes from work given to run().
  [[nodiscard]] bool in_work() const noexcept;

 private:
  struct Entry {
    share::Gate* gate;
    bool closed;                        // by a log line
  };
  struct Work;
  static void reopen(void* self) noexcept;
  static void carry_out(void* self) noexcept;

  std::mutex mutex_;                    // control against the interrupt thread, never a data core
  std::vector<Entry> entries_;          // under mutex_
  Work* asked_ = nullptr;               // under mutex_: by run(), until the interrupt thread takes it
  bool reopen_due_ = false;             // under mutex_
  bool working_ = false;                // interrupt thread only
};

// Closes a gate and waits until its core is outside: at most a second, because a core that is stuck inside (it can be
// blocked by the very log line we are in) must not stop this thread for ever. False when the second passed.
bool close_and_wait(share::Gate& gate) noexcept;

}  // namespace weft::nic
