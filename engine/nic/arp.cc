#include "engine/nic/arp.hh"

#include <algorithm>

#include "engine/nic/address.hh"
#include "engine/nic/headers.hh"

namespace weft::nic {
namespace {

constexpr std::size_t kArpBytes = 28;
constexpr std::uint64_t kEthernetIpv4 = 0x0001'0800'0604;   // hardware type, protocol type and both lengths
constexpr std::uint16_t kRequest = 1, kReply = 2;

}  // namespace

std::optional<ArpPacket> parse_arp(base::Bytes packet) noexcept {
  if (packet.size() < kArpBytes) return std::nullopt;
  const std::byte* const at = packet.data();
  const std::uint64_t head = base::load_be<std::uint64_t>(at);
  const auto opcode = static_cast<std::uint16_t>(head & 0xFFFF);
  if ((head >> 16) != kEthernetIpv4) return std::nullopt;
  if (opcode != kRequest && opcode != kReply) return std::nullopt;
  ArpPacket out{opcode == kRequest, read_mac(at + 8), read_mac(at + 18), read_ip(at + 14, false),
                read_ip(at + 24, false)};
  if ((out.sender_mac[0] & 1) != 0) return std::nullopt;
  return out;
}

std::size_t write_arp(base::MutableBytes frame, const ArpPacket& packet, const base::Mac& dst) noexcept {
  MUST(frame.size() >= kArpFrameBytes);
  MUST(!packet.sender_ip.v6 && !packet.target_ip.v6);
  std::fill_n(frame.data(), kArpFrameBytes, std::byte{0});
  write_ethernet(frame.data(), dst, packet.sender_mac, kTypeArp);
  std::byte* const at = frame.data() + kEthernetBytes;
  base::store_be(at, (kEthernetIpv4 << 16) | (packet.request ? kRequest : kReply));
  write_mac(at + 8, packet.sender_mac);
  write_ip(at + 14, packet.sender_ip);
  write_mac(at + 18, packet.target_mac);
  write_ip(at + 24, packet.target_ip);
  return kArpFrameBytes;
}

std::size_t write_arp_request(base::MutableBytes frame, const base::Mac& mac, const base::IpAddress& ip,
                              const base::IpAddress& wanted) noexcept {
  return write_arp(frame, {true, mac, {}, ip, wanted}, kBroadcastMac);
}

std::size_t write_arp_announcement(base::MutableBytes frame, const base::Mac& mac, const base::IpAddress& ip) noexcept {
  return write_arp(frame, {true, mac, {}, ip, ip}, kBroadcastMac);
}

}  // namespace weft::nic
