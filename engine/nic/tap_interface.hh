// A TAP interface of the host's kernel: made or taken over, and given MAC, MTU, addresses and the state "up".
// Control, at start. Not here: moving frames (host_path.hh).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.hh"
#include "engine/base/types.hh"
#include "engine/base/unique_fd.hh"
#include "engine/nic/address.hh"

namespace weft::nic {

inline constexpr std::size_t kInterfaceNameBytesMax = 15;   // IFNAMSIZ less its zero

struct TapConfig {
  std::string interface;
  base::Mac mac{};
  std::uint16_t mtu = 1500;
  std::optional<IpPrefix> v4, v6;
};
// The interface's descriptor, non-blocking, one Ethernet frame per read and write. An interface that exists already (and
// that nobody uses) keeps what an unprivileged user may not change, if it is right. Errors: kInvalidConfig (name),
// kUnavailable (no /dev/net/tun, no right, in use); `detail` is then a sentence with the remedy.
[[nodiscard]] base::Result<base::UniqueFd> open_tap(const TapConfig& config, std::string& detail);

}  // namespace weft::nic
