// Identifiers that cross folders. Each is its own type: a path cannot be passed for a core.
// Words: README.md. Bounds: limits.hh.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::base {

enum class CoreId : std::uint8_t {};      // data core, 0 …  kCoresMax-1
enum class PortId : std::uint8_t {};      // our port number (order of weft.toml), not DPDK's
enum class SessionId : std::uint8_t {};   // slot of the local session table, not the wire's session id
enum class PathId : std::uint8_t {};      // path of one session: low-device port index * kPortsMax + high-device port index

template <typename Id> constexpr std::size_t to_index(Id id) { return static_cast<std::size_t>(id); }

using DeviceId = std::array<std::byte, 32>;   // SHA-256 of the certificate's DER bytes
using Sha256 = std::array<std::byte, 32>;
using Mac = std::array<std::uint8_t, 6>;

// An address as packets carry it. IPv4 stands in the first four bytes, the rest zero.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool v6 = false;
  friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;
};

}  // namespace weft::base
