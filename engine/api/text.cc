#include "engine/api/text.hh"

#include <fmt/format.h>

#include <chrono>
#include <ctime>

#include "engine/base/must.hh"
#include "engine/nic/address.hh"
#include "health/goodness.hh"

namespace weft::api {

const char* version() noexcept { return "v" WEFT_VERSION; }

std::string rfc3339(std::int64_t unix_ms) {
  if (unix_ms == 0) return "0001-01-01T00:00:00Z";
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "0001-01-01T00:00:00Z";   // year beyond int: a broken clock
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, unix_ms % 1000);
}

std::int64_t unix_ms_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string endpoint(const base::IpAddress& ip, std::uint16_t port) {
  const std::string host = nic::to_text(ip);
  return ip.v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

const char* word_of(share::PathState state) noexcept {
  switch (state) {
    case share::PathState::kAbsent: return "absent";
    case share::PathState::kProbing: return "probing";
    case share::PathState::kStandby: return "standby";
    case share::PathState::kActive: return "active";
    case share::PathState::kSuspect: return "suspect";
    case share::PathState::kDraining: return "draining";
    case share::PathState::kDown: return "down";
  }
  MUST(false);
  return "";
}

const char* word_of(share::PathRole role) noexcept {
  return role == share::PathRole::kPrimary ? "primary" : "backup";
}

std::string score_text(share::PathReason reason, std::uint32_t measure) {
  switch (reason) {
    case share::PathReason::kLatency: return fmt::format("latency {:.1f}× its floor", measure / 100.0);
    case share::PathReason::kJitter: return fmt::format("jitter {:.1f} ms", measure / 1000.0);
    case share::PathReason::kLoss: return fmt::format("{:.1f} % lost", measure / 10.0);
    case share::PathReason::kGoodput: return fmt::format("carries {} % of what it did", measure);
    case share::PathReason::kUnrest:
      return fmt::format("fell {} times lately", (measure + health::kOneFall - 1) / health::kOneFall);
    case share::PathReason::kNone: return "";
    default: return share::name_of(reason);
  }
}

}  // namespace weft::api
