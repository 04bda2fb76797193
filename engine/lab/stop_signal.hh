// Ctrl-C and its like as something one can wait for: while a StopSignal lives, SIGINT, SIGTERM and SIGHUP end no sleep
// of ours and no process, but they are seen, and what has been started is ended in order.
// Threads: made and asked by the main thread, before any other thread exists (the signals are blocked by thread).
#pragma once

#include <signal.h>

#include <chrono>

#include "engine/base/unique_fd.hh"

namespace weft::lab {

class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // Sleeps; true when one of the signals has come, now or earlier.
  [[nodiscard]] bool wait(std::chrono::microseconds time);
  [[nodiscard]] bool came() { return wait(std::chrono::microseconds(0)); }

 private:
  sigset_t before_{};
  base::UniqueFd fd_;
  bool came_ = false;
};

}  // namespace weft::lab
