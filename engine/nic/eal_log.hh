// EalLog: DPDK's log stream, turned into lines for our log; and the place where DeviceThread hears of device events.
// Threads: DPDK calls from any thread, one at a time (stdio's lock).
#pragma once

#include <cstdio>
#include <functional>
#include <string_view>

#include "engine/nic/eal.hh"

namespace weft::nic {

class DeviceThread;

class EalLog {
 public:
  using Sink = std::function<void(EalLogLevel, std::string_view)>;
  EalLog(Sink sink, EalLogLevel level, DeviceThread& device_thread);
  ~EalLog();                            // DPDK gets its own stream back
  EalLog(const EalLog&) = delete;
  EalLog& operator=(const EalLog&) = delete;

 private:
  static ssize_t write(void* self, const char* text, std::size_t bytes);
  void handle_line(EalLogLevel level, std::string_view line);

  const Sink sink_;
  const EalLogLevel level_;
  DeviceThread& device_thread_;
  FILE* stream_ = nullptr;
};

}  // namespace weft::nic
