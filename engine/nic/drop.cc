#include "engine/nic/drop.hh"

namespace weft::nic {

const char* name_of(NicDrop reason) noexcept {
  switch (reason) {
    case NicDrop::kFrameShort: return "frame_short";
    case NicDrop::kSegments: return "segments";
    case NicDrop::kEtherType: return "ether_type";
    case NicDrop::kOtherVlan: return "other_vlan";
    case NicDrop::kOtherMac: return "other_mac";
    case NicDrop::kOwnMac: return "own_mac";
    case NicDrop::kIpMalformed: return "ip_malformed";
    case NicDrop::kIpChecksum: return "ip_checksum";
    case NicDrop::kFragment: return "fragment";
    case NicDrop::kOtherIp: return "other_ip";
    case NicDrop::kSource: return "source";
    case NicDrop::kIpProtocol: return "ip_protocol";
    case NicDrop::kUdpMalformed: return "udp_malformed";
    case NicDrop::kUdpChecksum: return "udp_checksum";
    case NicDrop::kUdpPort: return "udp_port";
    case NicDrop::kArpMalformed: return "arp_malformed";
    case NicDrop::kAddressClash: return "address_clash";
    case NicDrop::kArpNotWanted: return "arp_not_wanted";
    case NicDrop::kIcmpMalformed: return "icmp_malformed";
    case NicDrop::kIcmpChecksum: return "icmp_checksum";
    case NicDrop::kIcmpType: return "icmp_type";
    case NicDrop::kNdMalformed: return "nd_malformed";
    case NicDrop::kNdNotWanted: return "nd_not_wanted";
    case NicDrop::kAnswerFull: return "answer_full";
    case NicDrop::kHostFull: return "host_full";
    case NicDrop::kNoNeighbour: return "no_neighbour";
    case NicDrop::kLinkDown: return "link_down";
    case NicDrop::kCount: break;
  }
  return "unknown";
}

}  // namespace weft::nic
