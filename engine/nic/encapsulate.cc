#include "engine/nic/encapsulate.hh"

#include <cstring>

#include "engine/nic/checksum.hh"
#include "engine/nic/headers.hh"

namespace weft::nic {

void encapsulate(base::MutableBytes frame, const Flow& flow, const base::Mac& src, const base::Mac& dst,
                 ChecksumBy by) noexcept {
  const bool v6 = flow.src.v6;
  MUST(frame.size() >= header_bytes(v6));
  MUST(frame.size() <= 0xFFFF);
  std::byte* const ip = frame.data() + kEthernetBytes;
  std::byte* const udp = ip + ip_header_bytes(v6);
  const auto udp_bytes = static_cast<std::uint16_t>(frame.size() - kEthernetBytes - ip_header_bytes(v6));

  write_ethernet(frame.data(), dst, src, v6 ? kTypeIpv6 : kTypeIpv4);
  write_ip_header(ip, {flow.src, flow.dst, kProtocolUdp, kHopLimit, udp_bytes}, by != ChecksumBy::kDevice);
  base::store_be(udp, flow.src_udp);
  base::store_be(udp + 2, flow.dst_udp);
  base::store_be(udp + 4, udp_bytes);
  base::store_be(udp + 6, std::uint16_t{0});
  if (by == ChecksumBy::kSoftwareNoUdp && !v6) return;

  const std::uint64_t pseudo = pseudo_sum(flow.src, flow.dst, kProtocolUdp, udp_bytes);
  std::uint16_t sum = checksum_fold(pseudo);
  if (by != ChecksumBy::kDevice) {
    sum = checksum_finish(checksum_add(pseudo, {udp, udp_bytes}));
    if (sum == 0) sum = 0xFFFF;  // zero would say "none"
  }
  std::memcpy(udp + 6, &sum, sizeof sum);
}

}  // namespace weft::nic
