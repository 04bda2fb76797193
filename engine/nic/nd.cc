#include "engine/nic/nd.hh"

#include <algorithm>
#include <cstring>

#include "engine/nic/address.hh"
#include "engine/nic/checksum.hh"
#include "engine/nic/headers.hh"
#include "engine/nic/icmp.hh"

namespace weft::nic {
namespace {

constexpr std::size_t kNdBytes = 24;              // type … target
constexpr std::uint8_t kOptionSource = 1, kOptionTarget = 2;
constexpr std::uint32_t kSolicited = 1u << 30, kOverride = 1u << 29;

struct Addressed {
  base::Mac src, dst;
  base::IpAddress src_ip, dst_ip;
};

std::size_t write_nd(base::MutableBytes frame, const Addressed& to, std::uint8_t type, std::uint32_t flags,
                     const base::IpAddress& target) noexcept {
  MUST(frame.size() >= kNdFrameBytes);
  constexpr auto kIcmpBytes = static_cast<std::uint16_t>(kNdFrameBytes - kEthernetBytes - kIpv6Bytes);
  write_ethernet(frame.data(), to.dst, to.src, kTypeIpv6);
  write_ip_header(frame.data() + kEthernetBytes,
                  {to.src_ip, to.dst_ip, kProtocolIcmpv6, kHopLimitNd, kIcmpBytes}, true);
  std::byte* const icmp = frame.data() + kEthernetBytes + kIpv6Bytes;
  base::store_be(icmp, std::uint32_t{type} << 24);
  base::store_be(icmp + 4, flags);
  write_ip(icmp + 8, target);
  icmp[24] = std::byte{type == kIcmpv6Solicit ? kOptionSource : kOptionTarget};
  icmp[25] = std::byte{1};  // in units of 8 bytes
  write_mac(icmp + 26, to.src);
  std::uint64_t sum = pseudo_sum(to.src_ip, to.dst_ip, kProtocolIcmpv6, kIcmpBytes);
  const std::uint16_t field = checksum_finish(checksum_add(sum, {icmp, kIcmpBytes}));
  std::memcpy(icmp + 2, &field, sizeof field);
  return kNdFrameBytes;
}

}  // namespace

std::optional<NdMessage> parse_nd(base::Bytes icmp) noexcept {
  if (icmp.size() < kNdBytes) return std::nullopt;
  NdMessage out;
  out.solicit = icmp[0] == std::byte{kIcmpv6Solicit};
  const std::uint32_t flags = base::load_be<std::uint32_t>(icmp.data() + 4);
  out.solicited = !out.solicit && (flags & kSolicited) != 0;
  out.override_flag = !out.solicit && (flags & kOverride) != 0;
  out.target = read_ip(icmp.data() + 8, true);
  if (out.target.bytes[0] == 0xFF) return std::nullopt;

  const std::byte wanted{out.solicit ? kOptionSource : kOptionTarget};
  base::Bytes options = icmp.subspan(kNdBytes);
  while (!options.empty()) {
    if (options.size() < 8) return std::nullopt;
    const std::size_t bytes = 8 * std::to_integer<std::size_t>(options[1]);
    if (bytes == 0 || bytes > options.size()) return std::nullopt;
    if (options[0] == wanted) {
      const base::Mac mac = read_mac(options.data() + 2);
      if ((mac[0] & 1) != 0) return std::nullopt;
      out.mac = mac;
    }
    options = options.subspan(bytes);
  }
  return out;
}

std::size_t write_solicit(base::MutableBytes frame, const base::Mac& mac, const base::IpAddress& ip,
                          const base::IpAddress& wanted) noexcept {
  const base::IpAddress group = solicited_node(wanted);
  return write_nd(frame, {mac, multicast_mac(group), ip, group}, kIcmpv6Solicit, 0, wanted);
}

std::size_t write_advert(base::MutableBytes frame, const base::Mac& mac, const base::IpAddress& ip,
                         const base::Mac& to_mac, const base::IpAddress& to_ip) noexcept {
  // Someone checks whether the address is free (RFC 4862 §5.4): everyone is told, nothing was solicited.
  if (!is_host_address(to_ip)) return write_unsolicited_advert(frame, mac, ip);
  return write_nd(frame, {mac, to_mac, ip, to_ip}, kIcmpv6Advert, kSolicited | kOverride, ip);
}

std::size_t write_unsolicited_advert(base::MutableBytes frame, const base::Mac& mac,
                                     const base::IpAddress& ip) noexcept {
  return write_nd(frame, {mac, multicast_mac(kAllNodes), ip, kAllNodes}, kIcmpv6Advert, kOverride, ip);
}

}  // namespace weft::nic
