#include "engine/nic/vlan_stage.hh"

#include <rte_mbuf.h>

#include <cstring>

#include "engine/base/must.hh"
#include "engine/nic/headers.hh"

namespace weft::nic {
namespace {

constexpr std::uint16_t kTypeVlan = 0x8100, kVlanMask = 0x0FFF;
constexpr std::size_t kMacsBytes = 12;
constexpr std::uint64_t kChecksumsByDevice = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM;

static_assert(header_bytes(true) + kVlanTagBytes <= RTE_PKTMBUF_HEADROOM, "headers and tag are written into the headroom");

void tag(rte_mbuf& frame, std::uint16_t vlan) noexcept {
  char* const at = rte_pktmbuf_prepend(&frame, kVlanTagBytes);
  MUST(at != nullptr);
  auto* const bytes = reinterpret_cast<std::byte*>(at);
  std::memmove(bytes, bytes + kVlanTagBytes, kMacsBytes);
  base::store_be(bytes + kMacsBytes, kTypeVlan);
  base::store_be(bytes + kMacsBytes + 2, vlan);
  // The device counts from the frame's first byte to the headers it sums.
  if ((frame.ol_flags & kChecksumsByDevice) != 0) frame.l2_len = (frame.l2_len + kVlanTagBytes) & 0x7F;
}

void cut_tag(rte_mbuf& frame) noexcept {
  auto* const bytes = rte_pktmbuf_mtod(&frame, std::byte*);
  std::memmove(bytes + kVlanTagBytes, bytes, kMacsBytes);
  MUST(rte_pktmbuf_adj(&frame, kVlanTagBytes) != nullptr);
}

}  // namespace

VlanStage::VlanStage(PacketPort& below, std::uint16_t vlan) noexcept : below_(below), vlan_(vlan) {
  MUST(vlan >= 1 && vlan <= kVlanMax);
}

bool VlanStage::untag(rte_mbuf& frame) const noexcept {
  if ((frame.ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) return (frame.vlan_tci & kVlanMask) == vlan_;
  if (rte_pktmbuf_data_len(&frame) < kEthernetBytes + kVlanTagBytes) return false;
  const auto* const bytes = rte_pktmbuf_mtod(&frame, const std::byte*);
  if (base::load_be<std::uint16_t>(bytes + kMacsBytes) != kTypeVlan) return false;
  if ((base::load_be<std::uint16_t>(bytes + kMacsBytes + 2) & kVlanMask) != vlan_) return false;
  cut_tag(frame);
  return true;
}

std::uint32_t VlanStage::rx_burst(std::span<rte_mbuf*> out, base::Instant now) noexcept {
  const std::uint32_t arrived = below_.rx_burst(out, now);
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < arrived; ++i) {
    rte_mbuf* const frame = out[i];
    if (untag(*frame)) {
      out[kept++] = frame;
      continue;
    }
    rte_pktmbuf_free(frame);
    ++others_;
  }
  return kept;
}

std::uint32_t VlanStage::tx_burst(std::span<rte_mbuf*> frames, base::Instant now) noexcept {
  for (rte_mbuf* frame : frames) tag(*frame, vlan_);
  const std::uint32_t taken = below_.tx_burst(frames, now);
  for (rte_mbuf* frame : frames.subspan(taken)) {
    cut_tag(*frame);
    if ((frame->ol_flags & kChecksumsByDevice) != 0) frame->l2_len = (frame->l2_len - kVlanTagBytes) & 0x7F;
  }
  return taken;
}

}  // namespace weft::nic
