// The control plane's clock: CLOCK_MONOTONIC as an Instant, and the way back to asio's timers.
#pragma once

#include <chrono>

#include "engine/base/time.hh"

namespace weft::net {

[[nodiscard]] inline base::Instant steady_now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()};
}
[[nodiscard]] inline std::chrono::steady_clock::time_point to_chrono(base::Instant at) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at.ns));
}
[[nodiscard]] inline std::int64_t unix_ms_now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

}  // namespace weft::net
