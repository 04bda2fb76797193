// Eal: DPDK's environment, started once per process; its thread rests when this object goes.
// Order of luck: huge pages when enough free ones exist, ordinary pages (--no-huge) otherwise; without root,
// without PCI, without files left behind. README.md lists the steps.
// Threads: start() and the destructor on the main thread, start() before any other thread exists (it may set
//          XDG_RUNTIME_DIR). DPDK's interrupt thread is its own; no signal handler is installed.
// Not here: devices (port.hh).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hh"

namespace weft::nic {

enum class EalLogLevel : std::uint8_t { kError, kWarning, kInfo, kDebug };

struct EalConfig {
  std::string run_dir;                    // for DPDK's run-time files when not root and XDG_RUNTIME_DIR is unset
  std::uint32_t memory_mb = 256;          // taken at start; Port::memory_bytes() says what ports need
  std::vector<std::string> vdevs;         // probed at start; ports also probe their own device
  std::vector<std::string> pci_allow;     // PCI addresses; empty: the PCI bus is not looked at
  std::vector<std::string> extra_args;    // appended as they are; a wrong one fails start()
  std::string file_prefix;                // empty: "weft-<pid>"
  bool huge_pages = true;                 // false: ordinary pages even when huge ones are free
  bool telemetry = false;                 // DPDK's telemetry socket in run_dir
  // DPDK's log, whole lines without the newline, from any thread (also DPDK's); must not call DPDK.
  // Empty: warnings and errors go to stderr.
  std::function<void(EalLogLevel, std::string_view)> log;
  EalLogLevel log_level = EalLogLevel::kWarning;
};

class DeviceThread;
class EalLog;

class Eal {
 public:
  // kUnavailable with a remedy when memory or run-time directory cannot be had, kInvalidConfig for bad arguments.
  // A second call in one process is our bug, also after the first object is gone (DPDK cannot start twice).
  [[nodiscard]] static base::Result<std::unique_ptr<Eal>> start(EalConfig config);
  ~Eal();                                 // every Port must be gone
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  // What memory it got: "huge pages 2M" or "ordinary pages".
  [[nodiscard]] std::string_view memory_kind() const noexcept { return memory_kind_; }

  // Each data thread once, before it touches a port: gives it an lcore id and so its own pool caches.
  // kLimit when DPDK has no lcore id left. unregister_thread() before the thread ends.
  [[nodiscard]] base::Status register_thread();
  void unregister_thread() noexcept;

 private:
  Eal();
  friend class Port;
  std::unique_ptr<DeviceThread> device_thread_;
  std::unique_ptr<EalLog> log_;
  std::string memory_kind_;
  std::string run_files_;                 // directory DPDK made for this process
  bool running_ = false;
};

}  // namespace weft::nic
