// Small texts that several answers share: our version, times, paths' numbers. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/types.hh"
#include "engine/share/path_event.hh"
#include "engine/share/table.hh"

namespace weft::api {

[[nodiscard]] const char* version() noexcept;                    // "v0.1.0": as Syncthing writes versions

// RFC 3339 in UTC. 0 is Go's zero time, "0001-01-01T00:00:00Z", which clients of Syncthing take for "never".
[[nodiscard]] std::string rfc3339(std::int64_t unix_ms);
[[nodiscard]] std::int64_t unix_ms_now();

[[nodiscard]] std::string endpoint(const base::IpAddress& ip, std::uint16_t port);   // "[fe80::1]:22100"
[[nodiscard]] const char* word_of(share::PathState state) noexcept;                  // "active"
[[nodiscard]] const char* word_of(share::PathRole role) noexcept;
// Why a score is low, with its figure (health/goodness.hh): "latency 4.1× its floor". Empty: it is not.
[[nodiscard]] std::string score_text(share::PathReason reason, std::uint32_t measure);

}  // namespace weft::api
