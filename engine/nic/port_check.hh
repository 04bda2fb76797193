// What a port's configuration must be, by itself and for its device: the sentences that an operator reads.
// Pure: no device is asked here. Thread: control.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.hh"
#include "engine/nic/port.hh"

namespace weft::nic {

// What a device says of itself.
struct DeviceRoom {
  std::uint32_t queues = 0;          // pairs: one per data core is needed
  std::uint32_t mtu_max = 0;         // 0: it does not say
  std::string interface;             // of the host's kernel, beneath the device; empty: none
  std::uint32_t interface_mtu = 0;   // 0: not known
};

// Puts "port 'NAME': WHY" into `detail`.
[[nodiscard]] tl::unexpected<base::Error> refuse(std::string& detail, const PortConfig& config, base::Errc code,
                                                 const std::string& why);
// kInvalidConfig: device, addresses, gateways, UDP ports, MTU, VLAN. REQUIRES: 1 <= cores <= kCoresMax.
[[nodiscard]] base::Status check_port(const PortConfig& config, std::uint32_t cores, std::string& detail);
// kLimit: fewer queue pairs than cores. kInvalidConfig: a larger MTU than the device or the interface beneath takes.
[[nodiscard]] base::Status check_room(const DeviceRoom& room, const PortConfig& config, std::uint32_t cores,
                                      std::string& detail);

}  // namespace weft::nic
