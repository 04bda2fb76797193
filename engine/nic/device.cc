#include "engine/nic/device.hh"

#include <net/if.h>
#include <net/if_arp.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>

#include "engine/base/must.hh"
#include "engine/base/unique_fd.hh"
#include "engine/nic/headers.hh"
#include "engine/nic/port.hh"

namespace weft::nic {
namespace {

std::string name_of_device(const std::string& device) { return device.substr(0, device.find(',')); }
bool is_kind(const std::string& device, const char* kind) { return device.rfind(kind, 0) == 0; }

// Asks the kernel about an interface of this network namespace, or orders what `order` holds.
std::optional<ifreq> ask_interface(const std::string& interface, unsigned long request, ifreq order = {}) noexcept {
  if (interface.empty() || interface.size() >= IFNAMSIZ) return std::nullopt;
  const base::UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return std::nullopt;
  std::memcpy(order.ifr_name, interface.c_str(), interface.size());
  return ioctl(fd.get(), request, &order) == 0 ? std::optional(order) : std::nullopt;
}

base::Status probe(const std::string& device, std::string& detail) {
  const std::string name = name_of_device(device);
  const std::string arguments = device.size() > name.size() ? device.substr(name.size() + 1) : "";
  if (rte_eal_hotplug_add("vdev", name.c_str(), arguments.c_str()) == 0) return {};
  detail = "device '" + device + "' could not be made: ";
  if (is_kind(device, "net_memif"))
    detail += "check its arguments, and that no other process serves the same socket";
  else if (is_kind(device, "net_af_packet") && !ask_interface(device_argument(device, "iface"), SIOCGIFFLAGS))
    detail += "there is no interface '" + device_argument(device, "iface") + "'";
  else if (is_kind(device, "net_af_packet") || is_kind(device, "net_tap"))
    detail += "check its arguments; it needs CAP_NET_RAW and CAP_NET_ADMIN (root)";
  else
    detail += "check the driver's name and its arguments; DPDK's log says more";
  // All of these are mended in the configuration, or by who starts us.
  return base::fail(base::Errc::kInvalidConfig, "device could not be made");
}

}  // namespace

std::string pci_trouble(const std::filesystem::path& devices, const std::string& address) {
  if (address.find(':') == std::string::npos) return {};
  const std::filesystem::path device = devices / address;
  std::error_code error;
  if (!std::filesystem::exists(device, error))
    return "there is no PCI device '" + address + "' in this machine: `lspci -D` lists those there are";
  const std::filesystem::path link = std::filesystem::read_symlink(device / "driver", error);
  const std::string driver = error ? "" : link.filename().string();
  const std::string bind = "run: dpdk-devbind.py --bind=vfio-pci " + address;
  if (driver.empty()) return "PCI device '" + address + "' is bound to no driver; " + bind;
  if (driver == "vfio-pci" || driver == "uio_pci_generic" || driver == "igb_uio")
    return "PCI device '" + address + "' is bound to " + driver + ", but DPDK did not take it: its log says why (another "
           "process uses it, no right to /dev/vfio, or no driver of DPDK's for it)";
  std::string down;
  for (const auto& entry : std::filesystem::directory_iterator(device / "net", error))
    down += "ip link set " + entry.path().filename().string() + " down; ";
  return "PCI device '" + address + "' is bound to the kernel's driver " + driver + "; " +
         (down.empty() ? bind : "run: " + down + bind.substr(5));
}

std::uint16_t buffer_bytes(std::uint16_t mtu) noexcept {
  constexpr std::uint32_t kUsual = 2048, kVlanTags = 8;
  const std::uint32_t frame = mtu + static_cast<std::uint32_t>(kEthernetBytes) + kVlanTags;
  return static_cast<std::uint16_t>(std::max(kUsual, (frame + 63) & ~63u));
}

namespace {

// Of the kernel's ring: 4 MB each way of a queue where frames are of the usual size.
constexpr std::uint32_t kRingFrames = 2048;

// A frame of the kernel's ring for this MTU. What stands before the packet in it, tag included: 66 + 18 bytes. One fills
// a block of the ring, which is whole pages: the driver finds frames only where they lie without gaps.
std::uint32_t ring_frame_bytes(std::uint16_t mtu) noexcept {
  constexpr std::uint32_t kUsual = 2048, kBefore = 96, kPage = 4096;
  const std::uint32_t bytes = mtu + kBefore;
  return bytes <= kUsual ? kUsual : (bytes + kPage - 1) / kPage * kPage;
}

}  // namespace

std::uint16_t buffer_bytes(const std::string& device, std::uint16_t mtu) noexcept {
  const std::uint32_t frame = is_kind(device, "net_af_packet") ? ring_frame_bytes(mtu) : 0;
  return static_cast<std::uint16_t>(std::max<std::uint32_t>(buffer_bytes(mtu), frame));
}

std::uint32_t queue_packets_max(const std::string& device) noexcept {
  return is_kind(device, "net_af_packet") ? kRingFrames / 8 : 0;
}

std::string device_argument(const std::string& device, const std::string& key) {
  std::size_t at = device.find(',');
  while (at != std::string::npos) {
    const std::size_t end = device.find(',', at + 1);
    const std::string argument = device.substr(at + 1, end == std::string::npos ? end : end - at - 1);
    if (argument.rfind(key + "=", 0) == 0) return argument.substr(key.size() + 1);
    at = end;
  }
  return {};
}

std::string complete_device(const std::string& device, std::uint16_t mtu, std::uint32_t cores) {
  std::string out = device;
  const auto add = [&](const char* key, std::uint32_t value) {
    if (device_argument(device, key).empty()) out += std::string(",") + key + "=" + std::to_string(value);
  };
  constexpr std::uint32_t kUsual = 2048;
  if (is_kind(device, "net_memif") && buffer_bytes(mtu) > kUsual) add("bsize", buffer_bytes(mtu));
  if (is_kind(device, "net_af_packet")) {
    add("qpairs", cores);
    if (ring_frame_bytes(mtu) > kUsual) {
      add("blocksz", ring_frame_bytes(mtu));
      add("framesz", ring_frame_bytes(mtu));
    } else {
      add("framecnt", kRingFrames);
    }
  }
  return out;
}

namespace {

// A frame keeps its place in the driver's ring until the cable has taken it, and a core that finds the ring full waits for the
// kernel, all ports with it. So the queue before a slow cable must be the interface's, which drops: the socket may hold what
// the ring holds, and the ring is longer than interfaces' queues usually are (txqueuelen 1000).
void let_rings_empty_themselves() noexcept {
  constexpr int kSendBytes = 16 << 20;   // the kernel counts its own overhead, more than a short frame is long
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    int domain = 0;
    socklen_t size = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_PACKET) continue;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBytes, sizeof kSendBytes) != 0)
      (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSendBytes, sizeof kSendBytes);   // as much as an ordinary user may
  }
}

// DPDK looks at the PCI bus only when it was told of a card at its start (EalConfig::pci_allow).
bool attach_card(const std::string& address) noexcept {
  return address.find(':') != std::string::npos && rte_eal_has_pci() != 0 &&
         rte_eal_hotplug_add("pci", address.c_str(), "") == 0;
}

// A device that nobody connects to keeps the socket of this one (close_device). One per socket, so it may be there already.
// False: it could not be made.
bool keep_socket(const std::string& arguments) noexcept {
  const std::string socket = device_argument(arguments, "socket"), kind = device_argument(arguments, "socket-abstract");
  char name[32];
  std::snprintf(name, sizeof name, "net_memif_%zx", std::hash<std::string>{}(socket + ',' + kind));
  std::uint16_t there = 0;
  if (rte_eth_dev_get_port_by_name(name, &there) == 0) return true;
  std::string keeper = "role=server,id=4294967295";
  if (!socket.empty()) keeper += ",socket=" + socket;
  if (!kind.empty()) keeper += ",socket-abstract=" + kind;
  return rte_eal_hotplug_add("vdev", name, keeper.c_str()) == 0;
}

}  // namespace

void close_device(const Device& device) noexcept {
  // Without a keeper DPDK would free what its listener works on: rather the device stays, stopped.
  if (device.memif && !device.memif_client && !keep_socket(device.arguments)) return;
  rte_eth_dev_info info{};
  const bool known = rte_eth_dev_info_get(device.id, &info) == 0;
  (void)rte_eth_dev_close(device.id);
  if (known) (void)rte_dev_remove(info.device);
}

base::Result<Device> find_device(const PortConfig& config, std::uint32_t cores, std::string& detail) {
  const std::string text = complete_device(config.device, config.mtu, cores);
  const std::string name = name_of_device(text);
  Device device;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &device.id) != 0) {
    const bool virtual_kind = is_kind(text, "net_") || is_kind(text, "eth_");
    if (!virtual_kind && !attach_card(name)) {
      detail = pci_trouble("/sys/bus/pci/devices", name);
      if (!detail.empty()) return base::fail(base::Errc::kNotFound, "no such device");
      detail = "there is no device '" + name + "': for a network card give its PCI address, bind it to vfio-pci and "
               "allow it; for a virtual device a string such as net_memif0,role=server";
      return base::fail(base::Errc::kNotFound, "no such device");
    }
    if (virtual_kind) TRY(probe(text, detail));
    if (is_kind(text, "net_af_packet")) let_rings_empty_themselves();
    if (rte_eth_dev_get_port_by_name(name.c_str(), &device.id) != 0) {
      detail = "device '" + text + "' is not a network device";
      return base::fail(base::Errc::kNotFound, "no such network device");
    }
  }
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(device.id, &info) != 0) {
    detail = "device '" + name + "' does not answer";
    return base::fail(base::Errc::kUnavailable, "device does not answer");
  }
  const std::string driver = info.driver_name;
  device.is_virtual = is_kind(driver, "net_") && name.find(':') == std::string::npos;
  device.memif = driver == "net_memif";
  if (device.memif) device.arguments = text;
  const std::string role = device_argument(text, "role");
  const bool server = role.find("server") != std::string::npos || role.find("master") != std::string::npos;
  device.memif_client = device.memif && !server;   // the driver's own default
  if (driver == "net_af_packet") device.kernel_interface = device_argument(text, "iface");
  char interface[IF_NAMESIZE];
  if (driver == "net_tap" && if_indextoname(info.if_index, interface) != nullptr) device.tap_interface = interface;
  return device;
}

bool tell_tap_ends_apart(const Device& device, const base::Mac& ours) noexcept {
  if (device.tap_interface.empty()) return true;
  ifreq order{};
  order.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::memcpy(order.ifr_hwaddr.sa_data, ours.data(), ours.size());
  order.ifr_hwaddr.sa_data[ours.size() - 1] ^= 1;
  return ask_interface(device.tap_interface, SIOCSIFHWADDR, order).has_value();
}

bool device_link_up(const Device& device) noexcept {
  if (!device.kernel_interface.empty()) {
    const auto answer = ask_interface(device.kernel_interface, SIOCGIFFLAGS);
    return answer && (answer->ifr_flags & IFF_UP) != 0 && (answer->ifr_flags & IFF_RUNNING) != 0;
  }
  rte_eth_link link{};
  return rte_eth_link_get_nowait(device.id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

std::uint64_t device_speed_Bps(const Device& device) noexcept {
  // What virtual drivers say is made up (10 Gbit/s); a scheduler must not believe it.
  if (device.is_virtual) return 0;
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(device.id, &link) != 0 || link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN) return 0;
  return std::uint64_t{link.link_speed} * 125'000;   // from Mbit/s
}

std::uint32_t kernel_mtu(const std::string& interface) noexcept {
  const auto answer = ask_interface(interface, SIOCGIFMTU);
  return answer && answer->ifr_mtu > 0 ? static_cast<std::uint32_t>(answer->ifr_mtu) : 0;
}

}  // namespace weft::nic
