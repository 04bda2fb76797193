#include "engine/nic/port_check.hh"

#include "engine/base/must.hh"
#include "engine/nic/address.hh"
#include "engine/nic/vlan_stage.hh"

namespace weft::nic {
namespace {

constexpr std::uint16_t kMtuMin = 1280, kMtuMax = 9216;   // IPv6's least; what cards call jumbo

using base::Errc;

base::Status check_address(const PortConfig& config, const PortAddress& address, bool v6, std::string& detail) {
  const auto refuse_this = [&](const std::string& why) {
    return refuse(detail, config, Errc::kInvalidConfig, why);
  };
  const std::string text = to_text(address.ip);
  if (address.ip.v6 != v6) return refuse_this(text + " stands in the place of the other family");
  if (!is_host_address(address.ip)) return refuse_this(text + " is no address a host can have");
  if (address.prefix_bits == 0 || address.prefix_bits > (v6 ? 128 : 32))
    return refuse_this(text + "/" + std::to_string(address.prefix_bits) + " has no usable prefix length");
  if (!address.gateway) return {};
  const std::string gateway = to_text(*address.gateway);
  if (!same_prefix(*address.gateway, address.ip, address.prefix_bits) || !is_host_address(*address.gateway))
    return refuse_this("gateway " + gateway + " is not on the wire of " + text);
  if (*address.gateway == address.ip) return refuse_this("gateway " + gateway + " is the port itself");
  return {};
}

}  // namespace

tl::unexpected<base::Error> refuse(std::string& detail, const PortConfig& config, Errc code, const std::string& why) {
  detail = "port '" + config.name + "': " + why;
  return base::fail(code, code == Errc::kInvalidConfig ? "port configuration refused" : "port could not be opened");
}

base::Status check_port(const PortConfig& config, std::uint32_t cores, std::string& detail) {
  const auto refuse_this = [&](const std::string& why) {
    return refuse(detail, config, Errc::kInvalidConfig, why);
  };
  MUST(cores >= 1 && cores <= base::kCoresMax);
  if (config.device.empty()) return refuse_this("no device is given");
  if (!config.v4 && !config.v6) return refuse_this("no IP address is given");
  if (config.v4) TRY(check_address(config, *config.v4, false, detail));
  if (config.v6) TRY(check_address(config, *config.v6, true, detail));
  if (config.udp_port == 0 || config.udp_port + cores - 1 > 65535)
    return refuse_this("UDP port " + std::to_string(config.udp_port) + " leaves no room for one per core");
  if (config.mtu < kMtuMin || config.mtu > kMtuMax)
    return refuse_this("MTU " + std::to_string(config.mtu) + " is not between 1280 and 9216");
  if (config.vlan > kVlanMax) return refuse_this("VLAN " + std::to_string(config.vlan) + " is not between 1 and 4094");
  return {};
}

base::Status check_room(const DeviceRoom& room, const PortConfig& config, std::uint32_t cores, std::string& detail) {
  if (room.queues < cores)
    return refuse(detail, config, Errc::kLimit,
                  "device offers " + std::to_string(room.queues) + " queue pairs for " + std::to_string(cores) +
                      " data cores; use fewer data cores or another device");
  if (room.mtu_max != 0 && config.mtu > room.mtu_max)
    return refuse(detail, config, Errc::kInvalidConfig,
                  "MTU " + std::to_string(config.mtu) + " is above the device's " + std::to_string(room.mtu_max));
  if (room.interface_mtu != 0 && config.mtu > room.interface_mtu)
    return refuse(detail, config, Errc::kInvalidConfig,
                  "MTU " + std::to_string(config.mtu) + " is above that of interface " + room.interface +
                      "; run: ip link set " + room.interface + " mtu " + std::to_string(config.mtu));
  return {};
}

}  // namespace weft::nic
