#include "engine/nic/host_frame.hh"

#include "engine/nic/headers.hh"

namespace weft::nic {

bool is_for_host(base::Bytes frame, const Frame& seen, const LocalView& local) noexcept {
  if (frame.size() < kEthernetBytes) return false;
  const base::Mac dst = read_mac(frame.data());
  const bool group = (dst[0] & 1) != 0;
  if (!group && dst != local.mac) return false;
  switch (seen.drop) {
    case NicDrop::kEtherType: case NicDrop::kFragment: case NicDrop::kOtherIp: case NicDrop::kIpProtocol:
    case NicDrop::kUdpPort: case NicDrop::kIcmpType: case NicDrop::kArpNotWanted: case NicDrop::kNdNotWanted:
      return true;
    case NicDrop::kOtherMac: return group;   // broadcasts over IPv4, and groups that we are not in
    default: return false;
  }
}

}  // namespace weft::nic
