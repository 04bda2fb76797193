// What UdpPort says by itself: answers to ARP, ND and echo requests, questions for next hops, announcements; and what it
// leaves to the host's kernel, where the port has an exception path.
// An answer is written over the frame that asked, and goes to the MAC that asked.
#include <rte_mbuf.h>

#include "engine/nic/arp.hh"
#include "engine/nic/headers.hh"
#include "engine/nic/host_frame.hh"
#include "engine/nic/host_path.hh"
#include "engine/nic/icmp.hh"
#include "engine/nic/nd.hh"
#include "engine/nic/udp_port.hh"
#include "engine/nic/udp_port_answers.hh"

namespace weft::nic {
namespace {

// The whole buffer behind the frame's first byte: an answer may be longer than its question.
base::MutableBytes room_of(rte_mbuf* frame) noexcept {
  return {rte_pktmbuf_mtod(frame, std::byte*), std::size_t{frame->buf_len} - frame->data_off};
}

void set_length(rte_mbuf* frame, std::size_t bytes) noexcept {
  frame->data_len = static_cast<std::uint16_t>(bytes);
  frame->pkt_len = static_cast<std::uint32_t>(bytes);
  frame->ol_flags = 0;   // what the device said of the question is not true of the answer
}

// What classify() understood, and UdpPort has no use for after all.
Frame because(Frame seen, NicDrop reason) noexcept {
  seen.drop = reason;
  return seen;
}

}  // namespace

// A frame that is not ours: the host's, where it may have it, else dropped.
void UdpPort::discard(rte_mbuf* frame, const Frame& seen, Answers& answers) noexcept {
  const base::Bytes bytes{rte_pktmbuf_mtod(frame, const std::byte*), rte_pktmbuf_data_len(frame)};
  if (setup_.host == nullptr || !is_for_host(bytes, seen, setup_.local)) return drop(frame, seen.drop);
  MUST(answers.for_host.try_push(frame));
}

// An answer of ARP or ND has been learnt from: the host, which may have asked too, hears it as well.
void UdpPort::end_heard(rte_mbuf* frame, const Frame& seen, Answers& answers) noexcept {
  if (setup_.host == nullptr) rte_pktmbuf_free(frame);
  else discard(frame, seen, answers);
}

void UdpPort::give_to_host(Answers& answers) noexcept {
  const std::uint32_t went = setup_.host->give(setup_.core, answers.for_host.span());
  for (std::size_t i = went; i < answers.for_host.size(); ++i) drop(answers.for_host[i], NicDrop::kHostFull);
}

void UdpPort::send_for_host(base::Instant now) noexcept {
  rte_mbuf* burst[kBurst];
  const std::uint32_t count = setup_.host->take(burst);
  if (count == 0) return;
  const std::uint32_t sent = setup_.orders->current().link_up ? setup_.port->tx_burst({burst, count}, now) : 0;
  for (std::uint32_t i = sent; i < count; ++i) drop(burst[i], NicDrop::kHostFull);
}

// RFC 826's rule, narrowed: an entry is updated only when we asked for that address (it is a next hop of ours), from
// a question as well as from an answer, so that a peer with a new card is followed when it announces itself.
void UdpPort::learn(const base::IpAddress& ip, const base::Mac& mac) noexcept {
  const auto slot = setup_.neighbours->find(ip);
  if (!slot) return;
  asker_.on_answer(*slot);
  base::Mac known;
  if (setup_.neighbours->get(*slot, known) && known == mac) return;   // leave the shared line clean
  setup_.neighbours->set(*slot, mac);
}

void UdpPort::handle_arp(rte_mbuf* frame, const Frame& seen, Answers& answers) noexcept {
  const base::Bytes bytes{rte_pktmbuf_mtod(frame, const std::byte*), rte_pktmbuf_data_len(frame)};
  const auto arp = parse_arp(bytes.subspan(seen.ip_offset));
  if (!arp) return drop(frame, NicDrop::kArpMalformed);
  // Our own frames do not come here, so it is another station (RFC 5227 §2.4).
  if (setup_.local.v4 && arp->sender_ip == *setup_.local.v4) return drop(frame, NicDrop::kAddressClash);
  const bool for_us = setup_.local.v4 && arp->target_ip == *setup_.local.v4;
  if (!for_us && !setup_.neighbours->find(arp->sender_ip))
    return discard(frame, because(seen, NicDrop::kArpNotWanted), answers);
  learn(arp->sender_ip, arp->sender_mac);
  if (!for_us || !arp->request || room_of(frame).size() < kArpFrameBytes)
    return end_heard(frame, because(seen, NicDrop::kArpNotWanted), answers);
  const ArpPacket reply{false, setup_.local.mac, arp->sender_mac, *setup_.local.v4, arp->sender_ip};
  set_length(frame, write_arp(room_of(frame), reply, arp->sender_mac));
  MUST(answers.frames.try_push(frame));
}

void UdpPort::handle_nd(rte_mbuf* frame, const Frame& seen, Answers& answers) noexcept {
  const base::Bytes bytes{rte_pktmbuf_mtod(frame, const std::byte*), rte_pktmbuf_data_len(frame)};
  const auto message = parse_nd(bytes.subspan(seen.l4_offset, seen.l4_bytes));
  if (!message) return drop(frame, NicDrop::kNdMalformed);
  if (!message->solicit) {
    // An advertisement says where its target is. Without the override flag it only confirms (RFC 4861 §7.2.5).
    if (message->target == *setup_.local.v6) return drop(frame, NicDrop::kAddressClash);
    const auto slot = setup_.neighbours->find(message->target);
    if (!slot || !message->mac) return discard(frame, because(seen, NicDrop::kNdNotWanted), answers);
    base::Mac known;
    if (message->override_flag || !setup_.neighbours->get(*slot, known)) learn(message->target, *message->mac);
    return end_heard(frame, because(seen, NicDrop::kNdNotWanted), answers);
  }
  if (message->target != *setup_.local.v6) return discard(frame, because(seen, NicDrop::kNdNotWanted), answers);
  if (message->mac) learn(seen.src, *message->mac);
  if (room_of(frame).size() < kNdFrameBytes) {
    rte_pktmbuf_free(frame);
    return;
  }
  const base::Mac back = message->mac ? *message->mac : read_mac(bytes.data() + 6);
  set_length(frame, write_advert(room_of(frame), setup_.local.mac, *setup_.local.v6, back, seen.src));
  MUST(answers.frames.try_push(frame));
}

void UdpPort::handle_echo(rte_mbuf* frame, const Frame& seen, Answers& answers) noexcept {
  set_length(frame, make_echo_reply({rte_pktmbuf_mtod(frame, std::byte*), rte_pktmbuf_data_len(frame)}, seen,
                                    setup_.local));
  MUST(answers.frames.try_push(frame));
}

void UdpPort::send_answers(Answers& answers, base::Instant now) noexcept {
  const std::uint32_t sent = setup_.port->tx_burst(answers.frames.span(), now);
  stats_.answered += sent;
  for (std::size_t i = sent; i < answers.frames.size(); ++i) drop(answers.frames[i], NicDrop::kAnswerFull);
}

void UdpPort::send_own(base::Bytes bytes, std::uint64_t& counter, base::Instant now) noexcept {
  rte_mbuf* frame = rte_pktmbuf_alloc(setup_.pool);
  if (frame == nullptr) {
    ++stats_.no_buffer;
    return;
  }
  std::memcpy(rte_pktmbuf_mtod(frame, void*), bytes.data(), bytes.size());
  set_length(frame, bytes.size());
  if (setup_.port->tx_burst({&frame, 1}, now) == 1) ++counter;
  else drop(frame, NicDrop::kAnswerFull);
}

void UdpPort::poll_questions(base::Instant now) noexcept {
  std::uint32_t slot = 0;
  // Bounded by the neighbours there are; each is due at most every NeighbourAsker::kAskEvery.
  while (asker_.poll(slot, now)) {
    const base::IpAddress& wanted = setup_.neighbours->ip(slot);
    std::byte bytes[std::max(kArpFrameBytes, kNdFrameBytes)];
    std::size_t length = 0;
    if (!wanted.v6 && setup_.local.v4) length = write_arp_request(bytes, setup_.local.mac, *setup_.local.v4, wanted);
    if (wanted.v6 && setup_.local.v6) length = write_solicit(bytes, setup_.local.mac, *setup_.local.v6, wanted);
    if (length != 0) send_own({bytes, length}, stats_.asked, now);
  }
}

void UdpPort::announce(base::Instant now) noexcept {
  std::byte bytes[std::max(kArpFrameBytes, kNdFrameBytes)];
  if (setup_.local.v4)
    send_own({bytes, write_arp_announcement(bytes, setup_.local.mac, *setup_.local.v4)}, stats_.announced, now);
  if (setup_.local.v6)
    send_own({bytes, write_unsolicited_advert(bytes, setup_.local.mac, *setup_.local.v6)}, stats_.announced, now);
}

}  // namespace weft::nic
