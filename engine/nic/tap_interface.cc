#include "engine/nic/tap_interface.hh"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace weft::nic {
namespace {

using base::Errc;

tl::unexpected<base::Error> refuse(std::string& detail, std::string why, int sys_errno) {
  detail = std::move(why);
  return base::fail(Errc::kUnavailable, "the exception interface could not be opened", sys_errno);
}

ifreq request_for(const std::string& interface) {
  ifreq request{};
  std::memcpy(request.ifr_name, interface.data(), interface.size());   // shorter than the field, which is zero
  return request;
}

// One setting: asked first, so that what is right already needs no right to change it.
template <typename IsRight, typename Change>
bool settle(int socket, const std::string& interface, unsigned long get, unsigned long set, IsRight is_right,
            Change change) {
  ifreq request = request_for(interface);
  if (::ioctl(socket, get, &request) == 0 && is_right(request)) return true;
  change(request);
  return ::ioctl(socket, set, &request) == 0;
}

bool set_mac(int socket, const TapConfig& config) {
  const auto same = [&](const ifreq& r) { return std::memcmp(r.ifr_hwaddr.sa_data, config.mac.data(), 6) == 0; };
  return settle(socket, config.interface, SIOCGIFHWADDR, SIOCSIFHWADDR, same, [&](ifreq& r) {
    r.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    std::memcpy(r.ifr_hwaddr.sa_data, config.mac.data(), 6);
  });
}

bool set_mtu(int socket, const TapConfig& config) {
  const auto same = [&](const ifreq& r) { return r.ifr_mtu == config.mtu; };
  return settle(socket, config.interface, SIOCGIFMTU, SIOCSIFMTU, same, [&](ifreq& r) { r.ifr_mtu = config.mtu; });
}

bool set_up(int socket, const TapConfig& config) {
  const auto is_up = [](const ifreq& r) { return (r.ifr_flags & IFF_UP) != 0; };
  return settle(socket, config.interface, SIOCGIFFLAGS, SIOCSIFFLAGS, is_up, [](ifreq& r) { r.ifr_flags |= IFF_UP; });
}

in_addr_t v4_word(const IpPrefix& prefix) {
  in_addr_t word;
  std::memcpy(&word, prefix.ip.bytes.data(), sizeof word);
  return word;
}

bool set_v4(int socket, const TapConfig& config) {
  const auto word_of = [](const sockaddr& address) {
    return reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr;
  };
  const auto set_word = [](sockaddr& address, in_addr_t word) {
    auto& in = reinterpret_cast<sockaddr_in&>(address);
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = word;
  };
  const in_addr_t own = v4_word(*config.v4), mask = htonl(~std::uint32_t{0} << (32 - config.v4->prefix_bits));
  return settle(socket, config.interface, SIOCGIFADDR, SIOCSIFADDR,
                [&](const ifreq& r) { return word_of(r.ifr_addr) == own; },
                [&](ifreq& r) { set_word(r.ifr_addr, own); }) &&
         settle(socket, config.interface, SIOCGIFNETMASK, SIOCSIFNETMASK,
                [&](const ifreq& r) { return word_of(r.ifr_netmask) == mask; },
                [&](ifreq& r) { set_word(r.ifr_netmask, mask); });
}

bool set_v6(const TapConfig& config) {
  const base::UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return false;
  in6_ifreq request{};
  std::memcpy(&request.ifr6_addr, config.v6->ip.bytes.data(), 16);
  request.ifr6_prefixlen = config.v6->prefix_bits;
  request.ifr6_ifindex = static_cast<int>(::if_nametoindex(config.interface.c_str()));
  return ::ioctl(socket.get(), SIOCSIFADDR, &request) == 0 || errno == EEXIST;
}

// What could not be set, for the sentence; empty when all is as wanted.
std::string set_all(const TapConfig& config) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || !set_mac(socket.get(), config)) return "MAC address (that of the port)";
  if (!set_mtu(socket.get(), config)) return "MTU " + std::to_string(config.mtu);
  if (config.v4 && !set_v4(socket.get(), config)) return "address " + to_text(config.v4->ip);
  if (!set_up(socket.get(), config)) return "state (up)";
  if (config.v6 && !set_v6(config)) return "address " + to_text(config.v6->ip);
  return {};
}

}  // namespace

base::Result<base::UniqueFd> open_tap(const TapConfig& config, std::string& detail) {
  const std::string name = "exception interface '" + config.interface + "'";
  if (config.interface.empty() || config.interface.size() > kInterfaceNameBytesMax) {
    detail = name + ": a name of 1 to 15 letters is needed";
    return base::fail(Errc::kInvalidConfig, "the exception interface has no usable name");
  }
  base::UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd)
    return refuse(detail, name + " needs /dev/net/tun: load it by `modprobe tun`, or give the process access to it", errno);
  ifreq request = request_for(config.interface);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    const int why = errno;
    if (why == EBUSY)
      return refuse(detail, name + " is in use by another process: end it, or choose another name", why);
    if (why == EPERM)
      return refuse(detail, name + " needs CAP_NET_ADMIN, or must be made beforehand: ip tuntap add dev " +
                                config.interface + " mode tap user NAME", why);
    return refuse(detail, name + " could not be made (" + std::strerror(why) + "): an interface of another kind may have "
                          "this name; choose another", why);
  }
  const std::string missing = set_all(config);
  if (!missing.empty())
    return refuse(detail, name + " could not be given its " + missing + " (" + std::strerror(errno) +
                              "): run with CAP_NET_ADMIN, or set it beforehand by `ip`", errno);
  return fd;
}

}  // namespace weft::nic
