#include "engine/nic/icmp.hh"

#include <cstring>

#include "engine/nic/checksum.hh"
#include "engine/nic/headers.hh"

namespace weft::nic {

std::size_t make_echo_reply(base::MutableBytes frame, const Frame& seen, const LocalView& local) noexcept {
  MUST(seen.kind == Frame::Kind::kEcho4 || seen.kind == Frame::Kind::kEcho6);
  MUST(std::size_t{seen.l4_offset} + seen.l4_bytes <= frame.size());
  const base::IpAddress& own = seen.v6 ? *local.v6 : *local.v4;
  const base::Mac back = read_mac(frame.data() + 6);
  std::byte* const icmp = frame.data() + seen.l4_offset;

  write_ethernet(frame.data(), back, local.mac, seen.v6 ? kTypeIpv6 : kTypeIpv4);
  write_ip_header(frame.data() + seen.ip_offset,
                  {own, seen.src, seen.v6 ? kProtocolIcmpv6 : kProtocolIcmp, kHopLimit, seen.l4_bytes}, true);
  icmp[0] = std::byte{seen.v6 ? kIcmpv6EchoReply : kIcmpEchoReply};
  base::store_be(icmp + 2, std::uint16_t{0});
  const std::uint64_t start = seen.v6 ? pseudo_sum(own, seen.src, kProtocolIcmpv6, seen.l4_bytes) : 0;
  const std::uint16_t sum = checksum_finish(checksum_add(start, {icmp, seen.l4_bytes}));
  std::memcpy(icmp + 2, &sum, sizeof sum);
  return std::size_t{seen.l4_offset} + seen.l4_bytes;
}

}  // namespace weft::nic
