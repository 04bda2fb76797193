#include "engine/nic/eal_log.hh"

#include <rte_log.h>

#include "engine/base/must.hh"
#include "engine/nic/device_thread.hh"

namespace weft::nic {
namespace {

EalLogLevel level_of(int dpdk_level) noexcept {
  if (dpdk_level >= 0 && dpdk_level <= static_cast<int>(RTE_LOG_ERR)) return EalLogLevel::kError;
  if (dpdk_level == static_cast<int>(RTE_LOG_WARNING)) return EalLogLevel::kWarning;
  if (dpdk_level == static_cast<int>(RTE_LOG_DEBUG)) return EalLogLevel::kDebug;
  return EalLogLevel::kInfo;
}

void to_stderr(EalLogLevel, std::string_view line) {
  std::fprintf(stderr, "dpdk: %.*s\n", static_cast<int>(line.size()), line.data());
}

}  // namespace

EalLog::EalLog(Sink sink, EalLogLevel level, DeviceThread& device_thread)
    : sink_(sink ? std::move(sink) : Sink(&to_stderr)), level_(level), device_thread_(device_thread) {
  stream_ = fopencookie(this, "w", {nullptr, &EalLog::write, nullptr, nullptr});
  MUST(stream_ != nullptr);
  // Unbuffered: each line is written by the thread that logs it, never by another whose flush comes first.
  MUST(setvbuf(stream_, nullptr, _IONBF, 0) == 0);
  MUST(rte_openlog_stream(stream_) == 0);
}

EalLog::~EalLog() {
  rte_openlog_stream(nullptr);
  std::fclose(stream_);
}

ssize_t EalLog::write(void* self, const char* text, std::size_t bytes) {
  auto& log = *static_cast<EalLog*>(self);
  log.device_thread_.on_log();
  const EalLogLevel level = level_of(rte_log_cur_msg_loglevel());
  std::string_view rest(text, bytes);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (!line.empty()) log.handle_line(level, line);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return static_cast<ssize_t>(bytes);
}

void EalLog::handle_line(EalLogLevel level, std::string_view line) {
  // A memif client that knocks while its server is away fails four times a second: that is its link's state, which
  // Port reports in its own words.
  // And memif warns that DPDK's secondary processes cannot use it: weft has none (--no-shconf).
  const bool expected = line.find("register mp action callback") != std::string_view::npos;
  if (expected || device_thread_.in_work()) level = EalLogLevel::kDebug;
  if (level > level_) return;
  sink_(level, line);
}

}  // namespace weft::nic
