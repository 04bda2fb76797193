// Data in, data out, and the orders of control. What UdpPort answers and asks by itself: udp_port_answer.cc.
#include "engine/nic/udp_port.hh"

#include <rte_mbuf.h>

#include <algorithm>

#include "engine/nic/encapsulate.hh"
#include "engine/nic/headers.hh"
#include "engine/nic/impair.hh"
#include "engine/nic/udp_port_answers.hh"
#include "engine/nic/vlan_stage.hh"

namespace weft::nic {
namespace {

static_assert(header_bytes(true) <= RTE_PKTMBUF_HEADROOM, "headers are written into the headroom");

std::byte* payload_of(rte_mbuf* frame) noexcept {
  return static_cast<std::byte*>(frame->buf_addr) + RTE_PKTMBUF_HEADROOM;
}

Verified verified_by_device(const rte_mbuf* frame) noexcept {
  return {(frame->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD,
          (frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD};
}

}  // namespace

UdpPort::UdpPort(const Setup& setup) noexcept : setup_(setup) {
  MUST(setup.port != nullptr && setup.pool != nullptr && setup.neighbours != nullptr);
  MUST(setup.orders != nullptr && setup.report != nullptr);
  MUST(setup.mtu > kIpv6Bytes + kUdpBytes);
}

std::uint16_t UdpPort::payload_max(bool v6) const noexcept {
  return static_cast<std::uint16_t>(payload_of_mtu(setup_.mtu, v6));
}

void UdpPort::drop(rte_mbuf* frame, NicDrop reason) noexcept {
  rte_pktmbuf_free(frame);
  count(reason);
}

std::uint32_t UdpPort::rx(std::span<RxDatagram> out, base::Instant now) noexcept {
  handle_orders(now);
  rte_mbuf* burst[kBurst];
  const std::size_t most = std::min<std::size_t>(out.size(), kBurst);
  const std::uint32_t arrived = setup_.port->rx_burst({burst, most}, now);
  MUST(arrived <= most);
  constexpr std::uint32_t kAhead = 4;   // frames; the headers are in memory by the time they are read
  for (std::uint32_t i = 0; i < std::min(arrived, kAhead); ++i) rte_prefetch0(rte_pktmbuf_mtod(burst[i], void*));

  std::uint32_t filled = 0;
  Answers answers;
  for (std::uint32_t i = 0; i < arrived; ++i) {
    if (i + kAhead < arrived) rte_prefetch0(rte_pktmbuf_mtod(burst[i + kAhead], void*));
    bool handed_up = false;
    handle_frame(burst[i], out[filled], handed_up, answers);
    if (handed_up) stats_.bytes_in += out[filled++].bytes;
  }
  stats_.packets_in += filled;
  if (!answers.frames.empty()) send_answers(answers, now);
  if (!answers.for_host.empty()) give_to_host(answers);
  if (setup_.host != nullptr && setup_.core == 0) send_for_host(now);
  if (asker_.any_due()) poll_questions(now);
  return filled;
}

void UdpPort::handle_frame(rte_mbuf* frame, RxDatagram& out, bool& handed_up, Answers& answers) noexcept {
  if (frame->nb_segs != 1 && rte_pktmbuf_linearize(frame) != 0) return drop(frame, NicDrop::kSegments);
  auto* const bytes = rte_pktmbuf_mtod(frame, std::byte*);
  const Frame seen = classify({bytes, rte_pktmbuf_data_len(frame)}, setup_.local, verified_by_device(frame));
  switch (seen.kind) {
    case Frame::Kind::kUdp:
      out = {bytes + seen.l4_offset + kUdpBytes, static_cast<std::uint16_t>(seen.l4_bytes - kUdpBytes),
             seen.dst_udp, seen.src_udp, setup_.id, seen.src, frame};
      handed_up = true;
      return;
    case Frame::Kind::kArp: return handle_arp(frame, seen, answers);
    case Frame::Kind::kSolicit:
    case Frame::Kind::kAdvert: return handle_nd(frame, seen, answers);
    case Frame::Kind::kEcho4:
    case Frame::Kind::kEcho6: return handle_echo(frame, seen, answers);
    case Frame::Kind::kDrop: break;
  }
  discard(frame, seen, answers);
}

void UdpPort::release(std::span<const RxDatagram> datagrams) noexcept {
  rte_mbuf* burst[kBurst];
  while (!datagrams.empty()) {
    const std::size_t part = std::min<std::size_t>(datagrams.size(), kBurst);
    for (std::size_t i = 0; i < part; ++i) {
      MUST(datagrams[i].packet != nullptr);
      burst[i] = static_cast<rte_mbuf*>(datagrams[i].packet);
    }
    rte_pktmbuf_free_bulk(burst, static_cast<unsigned>(part));
    datagrams = datagrams.subspan(part);
  }
}

std::uint32_t UdpPort::tx_alloc(std::span<TxSlot> out) noexcept {
  rte_mbuf* burst[kBurst];
  const std::uint16_t room = payload_max(false);
  std::uint32_t filled = 0;
  while (filled < out.size()) {
    auto part = static_cast<unsigned>(std::min<std::size_t>(out.size() - filled, kBurst));
    while (part > 0 && rte_pktmbuf_alloc_bulk(setup_.pool, burst, part) != 0) part /= 2;
    if (part == 0) break;
    for (unsigned i = 0; i < part; ++i)
      out[filled++] = {payload_of(burst[i]), room, burst[i]};
  }
  stats_.no_buffer += out.size() - filled;
  return filled;
}

void UdpPort::tx_cancel(std::span<const TxSlot> slots) noexcept {
  for (const TxSlot& slot : slots) rte_pktmbuf_free(static_cast<rte_mbuf*>(slot.packet));
}

bool UdpPort::encapsulate(const TxItem& item, base::Instant now) noexcept {
  MUST(item.packet != nullptr && item.flow != nullptr);
  const Flow& flow = *item.flow;
  const bool v6 = flow.src.v6;
  MUST(item.bytes <= payload_max(v6));
  base::Mac next_hop;
  const bool known = setup_.neighbours->get(flow.neighbour, next_hop);
  asker_.on_use(flow.neighbour, known, now);
  if (!known) return false;

  auto* const frame = static_cast<rte_mbuf*>(item.packet);
  const auto headers = static_cast<std::uint16_t>(header_bytes(v6));
  frame->data_off = static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM - headers);
  frame->data_len = static_cast<std::uint16_t>(headers + item.bytes);
  frame->pkt_len = frame->data_len;
  ChecksumBy by = setup_.udp_checksum_v4 ? ChecksumBy::kSoftware : ChecksumBy::kSoftwareNoUdp;
  if (setup_.checksum_offload) {
    by = ChecksumBy::kDevice;
    frame->l2_len = kEthernetBytes;
    frame->l3_len = ip_header_bytes(v6) & 0x1FF;
    frame->ol_flags = RTE_MBUF_F_TX_UDP_CKSUM |
                      (v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM);
  }
  nic::encapsulate({payload_of(frame) - headers, frame->data_len}, flow, setup_.local.mac, next_hop, by);
  return true;
}

std::uint32_t UdpPort::tx(std::span<const TxItem> items, base::Instant now) noexcept {
  const auto count_in = static_cast<std::uint32_t>(std::min<std::size_t>(items.size(), kBurst));
  const bool link_up = setup_.orders->current().link_up;
  rte_mbuf* burst[kBurst];
  std::uint8_t item_of[kBurst];      // of each frame in burst
  std::uint8_t unsent[kBurst];       // items that have no next hop (yet) or no link
  std::uint32_t frames = 0, unsent_count = 0;
  for (std::uint32_t i = 0; i < count_in; ++i) {
    if (i + 1 < count_in) __builtin_prefetch(payload_of(static_cast<rte_mbuf*>(items[i + 1].packet)) - 64, 1);
    if (!link_up || !encapsulate(items[i], now)) {
      unsent[unsent_count++] = static_cast<std::uint8_t>(i);
      continue;
    }
    item_of[frames] = static_cast<std::uint8_t>(i);
    burst[frames++] = static_cast<rte_mbuf*>(items[i].packet);
  }
  const std::uint32_t sent = frames == 0 ? 0 : setup_.port->tx_burst({burst, frames}, now);
  MUST(sent <= frames);
  const std::uint32_t taken = sent == frames ? count_in : item_of[sent];

  for (std::uint32_t i = 0; i < sent; ++i) stats_.bytes_out += items[item_of[i]].bytes;
  stats_.packets_out += sent;
  stats_.tx_refused += count_in - taken;
  for (std::uint32_t i = 0; i < unsent_count && unsent[i] < taken; ++i)
    drop(static_cast<rte_mbuf*>(items[unsent[i]].packet), link_up ? NicDrop::kNoNeighbour : NicDrop::kLinkDown);
  return taken;
}

void UdpPort::handle_orders(base::Instant now) noexcept {
  if (setup_.orders->adopt()) {
    const PortOrders& orders = setup_.orders->current();
    if (setup_.stage != nullptr) setup_.stage->set(orders.impairment);
    if (orders.announce_seq != announced_seq_) {
      announced_seq_ = orders.announce_seq;
      announcements_left_ = kAnnouncements;
      tick_due_ = now;
      asker_.on_link_up();
    }
  }
  if (now < tick_due_) return;
  tick_due_ = now + kReportEvery;
  if (announcements_left_ > 0) {
    --announcements_left_;
    announce(now);
  }
  if (setup_.stage != nullptr) stats_.impaired = setup_.stage->stats();
  if (setup_.vlan != nullptr) stats_.drops[static_cast<std::size_t>(NicDrop::kOtherVlan)] = setup_.vlan->others();
  (void)setup_.report->try_publish(stats_);   // control has not looked at the last one yet: next time
}

}  // namespace weft::nic
