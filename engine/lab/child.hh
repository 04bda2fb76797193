// A weft as a child process: started from this very executable, ended at the latest when its Child goes, and by the
// kernel when we die ourselves (PR_SET_PDEATHSIG). It has a session of its own, so Ctrl-C reaches us alone and we end
// it in order.
// Threads: only the thread that started it, because the kernel's promise is about that thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bep/model/config.hh"

namespace weft::lab {

class Child {
 public:
  // Runs `executable` with `words` (the first is its name). Output and errors go to the end of `log`.
  [[nodiscard]] static model::ConfigResult<Child> start(const std::string& executable, std::vector<std::string> words,
                                                        const std::filesystem::path& log);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();                                // kills what still runs

  [[nodiscard]] bool running();
  // "ended with exit code 2", "was killed by signal 9"; only once it has ended.
  [[nodiscard]] std::string fate() const;
  void terminate();                        // asks it to end, by SIGTERM
  // Waits for its end; SIGTERM after `patience`, SIGKILL after as much again.
  void end(std::chrono::milliseconds patience);
  [[nodiscard]] const std::filesystem::path& log() const { return log_; }

 private:
  Child(pid_t pid, std::filesystem::path log) : pid_(pid), log_(std::move(log)) {}
  bool wait_for(std::chrono::milliseconds time);

  pid_t pid_ = -1;                         // -1: nothing of ours runs
  int status_ = 0;
  std::filesystem::path log_;
};

// The executable that runs now, for starting it again: also when its file has been replaced meanwhile.
inline constexpr const char* kOwnExecutable = "/proc/self/exe";

// The last lines of a log, for people.
[[nodiscard]] std::string end_of_log(const std::filesystem::path& log, std::size_t lines);

}  // namespace weft::lab
