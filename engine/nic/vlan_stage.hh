// VlanStage: a PacketPort in front of another that makes of it one VLAN of the wire: what leaves is tagged, what comes in is
// untagged, and what belongs to another VLAN or to none is dropped and counted.
// In the chain only for a port with a VLAN; everything above it (ARP, ND, headers, offsets) knows nothing of tags.
// Done in software, 12 bytes moved per frame: it works over every driver. A tag that the device took off already (its
// VLAN is then in the mbuf) is seen there.
// Owner: one data core. Source: IEEE 802.1Q-2018 §9.6 (tag: 0x8100, then priority 3 bits, DEI 1, VLAN 12); priority is sent
// as 0 and not looked at.
// Not here: priority-tagged frames (VLAN 0), which belong to the untagged port.
#pragma once

#include <cstdint>

#include "engine/nic/packet_port.hh"

namespace weft::nic {

inline constexpr std::uint16_t kVlanMax = 4094;      // 4095 is reserved, 0 is no VLAN
inline constexpr std::uint16_t kVlanTagBytes = 4;

class VlanStage final : public PacketPort {
 public:
  // `below` must outlive the stage; `vlan` 1 … kVlanMax.
  VlanStage(PacketPort& below, std::uint16_t vlan) noexcept;
  // May return 0 although more is waiting: all of a burst was for others.
  std::uint32_t rx_burst(std::span<rte_mbuf*> out, base::Instant now) noexcept override;
  // Frames need kVlanTagBytes of headroom. Those not taken come back untagged.
  std::uint32_t tx_burst(std::span<rte_mbuf*> frames, base::Instant now) noexcept override;
  [[nodiscard]] base::Instant next_deadline() const noexcept override { return below_.next_deadline(); }
  [[nodiscard]] std::uint64_t others() const noexcept { return others_; }   // frames of other VLANs or none

 private:
  [[nodiscard]] bool untag(rte_mbuf& frame) const noexcept;

  PacketPort& below_;
  const std::uint16_t vlan_;
  std::uint64_t others_ = 0;
};

}  // namespace weft::nic
