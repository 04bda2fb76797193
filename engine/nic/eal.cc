#include "engine/nic/eal.hh"

#include <pthread.h>
#include <rte_alarm.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <future>

#include "engine/base/must.hh"
#include "engine/nic/device_thread.hh"
#include "engine/nic/eal_log.hh"
#include "engine/nic/eal_memory.hh"

namespace weft::nic {
namespace {

constexpr const char* kPrefix = "weft-";

// One main "lcore" that floats over every CPU we may use: DPDK pins what it knows, and the caller's threads and
// DPDK's own helpers should stay where the operator put them.
std::string lcores_argument(const cpu_set_t& allowed) {
  std::string list;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) continue;
    list += (list.empty() ? "" : ",") + std::to_string(cpu);
  }
  return "--lcores=0@(" + list + ")";
}

const char* dpdk_name(EalLogLevel level) noexcept {
  switch (level) {
    case EalLogLevel::kError: return "error";
    case EalLogLevel::kWarning: return "warning";
    case EalLogLevel::kInfo: return "info";
    case EalLogLevel::kDebug: return "debug";
  }
  return "warning";
}

// DPDK puts its files below XDG_RUNTIME_DIR, or /tmp without one, unless it runs as root.
void point_run_time_directory(const std::string& run_dir) {
  if (geteuid() == 0 || run_dir.empty()) return;
  const char* current = std::getenv("XDG_RUNTIME_DIR");
  if (current != nullptr && access(current, W_OK) == 0) return;
  setenv("XDG_RUNTIME_DIR", run_dir.c_str(), 1);
}

std::vector<std::string> arguments_of(const EalConfig& config, const EalMemory& memory, const cpu_set_t& allowed) {
  std::vector<std::string> out{"weft", lcores_argument(allowed), "--file-prefix=" + config.file_prefix};
  out.insert(out.end(), memory.arguments.begin(), memory.arguments.end());
  if (config.pci_allow.empty()) out.push_back("--no-pci");
  for (const std::string& address : config.pci_allow) out.push_back("--allow=" + address);
  for (const std::string& device : config.vdevs) out.push_back("--vdev=" + device);
  if (!config.telemetry) out.push_back("--no-telemetry");
  out.push_back(std::string("--log-level=*:") + dpdk_name(config.log_level));
  out.insert(out.end(), config.extra_args.begin(), config.extra_args.end());
  return out;
}

// DeviceThread lives from memif's debug lines (device_thread.hh); whatever the arguments said, they must come.
void hear_memif() {
  const int type = rte_log_register("pmd.net.memif");   // the number it has already
  MUST(type >= 0);
  rte_log_set_global_level(RTE_LOG_DEBUG);              // a ceiling; what is shown is decided per type
  MUST(rte_log_set_level(static_cast<std::uint32_t>(type), RTE_LOG_DEBUG) == 0);
  MUST(rte_log_can_log(static_cast<std::uint32_t>(type), RTE_LOG_DEBUG));
}

base::Status init(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int argc = static_cast<int>(arguments.size());
  if (rte_eal_init(argc, argv.data()) >= 0) return {};
  switch (rte_errno) {
    case EINVAL:
      return base::fail(base::Errc::kInvalidConfig, "DPDK refused an EAL argument; its log names it", rte_errno);
    case ENOMEM:
      return base::fail(base::Errc::kUnavailable, "DPDK got no memory: lower the memory or free some", rte_errno);
    case EACCES:
      return base::fail(base::Errc::kPermission, "DPDK may not use its run-time directory or a device", rte_errno);
    default: return base::fail(base::Errc::kUnavailable, "DPDK did not start; its log says why", rte_errno);
  }
}

// DPDK makes a directory per process, and a process that was killed leaves its own behind, empty. Only empty ones of
// processes that are gone are removed.
void sweep_run_directories(const std::filesystem::path& parent) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename();
    if (name.rfind(kPrefix, 0) != 0) continue;
    pid_t pid = 0;
    const char* const digits = name.c_str() + std::strlen(kPrefix);
    const auto [end, error] = std::from_chars(digits, name.c_str() + name.size(), pid);
    if (error != std::errc{} || *end != 0 || pid <= 0) continue;
    if (kill(pid, 0) != 0 && errno == ESRCH) std::filesystem::remove(entry.path(), ignored);
  }
}

// Not rte_eal_cleanup(): that of 22.11 unmaps what the interrupt thread still looks into, and a memif client that knocked in
// that moment ended the process. Ports are closed by their owners, memory goes with the process. The thread, which would still
// log, gets work without an end.
void park_interrupt_thread() noexcept {
  static std::promise<void> parked;   // once per process, as DPDK
  const auto park = [](void*) {
    parked.set_value();
    for (;;) ::pause();
  };
  if (rte_eal_alarm_set(1, park, nullptr) == 0) (void)parked.get_future().wait_for(std::chrono::seconds(1));
}

}  // namespace

Eal::Eal() = default;

base::Result<std::unique_ptr<Eal>> Eal::start(EalConfig config) {
  static bool started = false;   // DPDK's own state is per process, so this has to be too
  MUST(!started);
  started = true;
  if (config.memory_mb == 0) return base::fail(base::Errc::kInvalidConfig, "EAL memory must be at least 1 MB");
  if (config.file_prefix.empty()) config.file_prefix = kPrefix + std::to_string(getpid());

  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  MUST(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  point_run_time_directory(config.run_dir);
  EalMemory memory = choose_memory("/sys/kernel/mm/hugepages", config.memory_mb, config.huge_pages);

  std::unique_ptr<Eal> eal(new Eal);
  eal->device_thread_ = std::make_unique<DeviceThread>();
  eal->log_ = std::make_unique<EalLog>(config.log, config.log_level, *eal->device_thread_);
  const base::Status status = init(arguments_of(config, memory, allowed));
  sched_setaffinity(0, sizeof allowed, &allowed);   // of this thread; rte_eal_init may have narrowed it
  if (!status) return tl::unexpected(status.error());

  eal->running_ = true;
  hear_memif();
  eal->memory_kind_ = std::move(memory.kind);
  const std::filesystem::path run_files = rte_eal_get_runtime_dir();
  if (run_files.filename() == config.file_prefix) eal->run_files_ = run_files;
  sweep_run_directories(run_files.parent_path());
  return eal;
}

Eal::~Eal() {
  if (running_) park_interrupt_thread();
  log_.reset();             // before the thread it tells
  device_thread_.reset();
  std::error_code ignored;  // a directory left behind harms nobody
  if (!run_files_.empty()) std::filesystem::remove_all(run_files_, ignored);
}

base::Status Eal::register_thread() {
  if (rte_thread_register() == 0) return {};
  return base::fail(base::Errc::kLimit, "DPDK has no lcore id left for a data thread", rte_errno);
}

void Eal::unregister_thread() noexcept { rte_thread_unregister(); }

}  // namespace weft::nic
