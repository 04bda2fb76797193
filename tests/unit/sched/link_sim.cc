#include "tests/unit/sched/link_sim.hh"

#include <algorithm>

namespace weft::sched::test {

LinkSim::LinkSim(std::span<const LinkSpec> specs, share::Policy policy, std::uint64_t chunks_total,
                 std::uint64_t seed)
    : links_(specs.size()),
      prng_(seed),
      chunks_total_(chunks_total),
      acked_(chunks_total),
      received_(chunks_total),
      waiting_(chunks_total),
      doubled_(chunks_total),
      extent_received_(chunks_total / kExtentChunks + 1) {
  picker_.set_policy(policy);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    Link& link = links_[i];
    link.spec = specs[i];
    link.sender_ring.resize(4096);
    link.receiver_ring.resize(4096);
    const LaneConfig config{.path = base::PathId{static_cast<std::uint8_t>(i)},
                            .max_packet_bytes = specs[i].packet_bytes, .initial_rtt = 2 * specs[i].delay,
                            .congestion = specs[i].congestion, .seed = seed + i};
    link.sender = std::make_unique<Lane>(config, link.sender_ring);
    link.receiver = std::make_unique<Lane>(config, link.receiver_ring);
  }
}

void LinkSim::run(base::Duration time) {
  const base::Instant end = now_ + time;
  while (now_ < end && !done()) {
    turn();
    now_ += turn_;
  }
}

void LinkSim::turn() {
  for (Link& link : links_) receive(link);
  for (Link& link : links_) handle_acks(link);
  for (Link& link : links_) {
    if (link.sender->next_deadline() > now_) continue;
    link.sender->handle_timeout(now_, [&](const SentPacket& p, Fate f) { settle(link, p, f); });
  }
  for (Link& link : links_) {
    if (!link.sender->probe_wanted() || !link.sender->can_send_control()) continue;
    SentPacket ping;
    ping.bytes = 60;
    transmit(link, ping);
  }
  send();
}

void LinkSim::receive(Link& link) {
  while (!link.forth.empty() && link.forth.front().arrives <= now_) {
    const Flying packet = link.forth.front();
    link.forth.pop_front();
    link.receiver->on_packet_received(packet.number, true, packet.arrives);
    if (!packet.is_chunk) continue;
    if (received_[packet.chunk]) {
      ++duplicates_;
      continue;
    }
    received_[packet.chunk] = true;
    ++link.received;
    ++received_count_;
    if (++extent_received_[packet.chunk / kExtentChunks] == kExtentChunks) ++extents_whole_;
    longest_gap_ = std::max(longest_gap_, now_ - last_new_);
    last_new_ = now_;
  }
  if (!link.receiver->ack_due(now_)) return;
  FlyingAck ack;
  if (!link.receiver->fill_ack(ack.ack, now_)) return;
  ack.arrives = now_ + link.spec.delay;
  if (!link.blackhole) link.back.push_back(ack);
}

void LinkSim::handle_acks(Link& link) {
  while (!link.back.empty() && link.back.front().arrives <= now_) {
    const FlyingAck ack = link.back.front();
    link.back.pop_front();
    if (link.blackhole) continue;
    link.sender->handle_ack(ack.ack, now_,
                            [&](const SentPacket& p, Fate f) { settle(link, p, f); });
  }
}

void LinkSim::settle(Link& link, const SentPacket& packet, Fate fate) {
  if (fate == Fate::kEvacuated) {
    ++link.evacuated;
    first_evacuation_ = std::min(first_evacuation_, now_);
  }
  if (packet.kind != SentKind::kChunk || acked_[packet.ref]) return;
  if (fate == Fate::kAcked) {
    acked_[packet.ref] = true;
    ++acked_count_;
  } else if (doubled_[packet.ref]) {
    doubled_[packet.ref] = false;   // the other copy is still on its way
  } else if (!waiting_[packet.ref]) {
    waiting_[packet.ref] = true;
    again_.push_back(packet.ref);
  }
}

std::uint64_t LinkSim::chunks_there() const {
  const std::uint64_t asked = std::min(chunks_total_, (extents_whole_ + extents_max_) * kExtentChunks);
  if (source_Bps_ == 0) return asked;
  const auto ns = static_cast<std::uint64_t>((now_ - source_since_).ns);
  return std::min(asked, source_base_ + ns * (source_Bps_ / kPacket) / 1'000'000'000);
}

std::vector<LaneView> LinkSim::views() const {
  std::vector<LaneView> views;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    views.push_back(view_of(*links_[i].sender, links_[i].entry, true, links_[i].spec.packet_bytes, now_));
    views.back().port = base::PortId{static_cast<std::uint8_t>(i)};
  }
  return views;
}

void LinkSim::send() {
  for (;;) {
    while (!again_.empty() && acked_[again_.front()]) again_.pop_front();
    const std::uint64_t unsent = again_.size() + (chunks_there() - next_new_);
    if (unsent == 0) {
      for (Link& link : links_) link.sender->on_app_limited();
      if (resends_ && picker_.policy() == share::Policy::kRate) send_copies();
      return;
    }
    const auto now_views = views();
    const std::uint32_t packet_bytes = links_.front().spec.packet_bytes;
    const int picked = picker_.pick(now_views, unsent * packet_bytes, packet_bytes);
    if (picked == Picker::kNone) return;
    std::uint32_t chunk = 0;
    if (again_.empty()) {
      chunk = static_cast<std::uint32_t>(next_new_++);
    } else {
      chunk = again_.front();
      again_.pop_front();
      waiting_[chunk] = false;
      ++sent_again_;
    }
    send_chunk(links_[static_cast<std::size_t>(picked)], chunk);
    if (picker_.policy() != share::Policy::kRedundant || !on_its_way_once(chunk)) continue;
    const int twin = picker_.pick_twin(views(), picked);
    if (twin == Picker::kNone) continue;
    doubled_[chunk] = true;
    ++copies_;
    send_chunk(links_[static_cast<std::size_t>(twin)], chunk);
  }
}

void LinkSim::send_copies() {
  std::vector<const Lane*> lanes;
  for (const Link& link : links_) lanes.push_back(link.sender.get());
  const auto may_copy = [&](const SentPacket& packet) {
    return on_its_way_once(packet.ref) && 50 * (copies_ + 1) <= next_new_;   // 2 %
  };
  while (const auto copy = resend_.next(views(), lanes, now_, may_copy)) {
    const std::uint32_t chunk = copy->packet->ref;
    doubled_[chunk] = true;
    ++copies_;
    send_chunk(links_[static_cast<std::size_t>(copy->to)], chunk);
  }
}

void LinkSim::send_chunk(Link& link, std::uint32_t chunk) {
  SentPacket packet;
  packet.kind = SentKind::kChunk;
  packet.bytes = link.spec.packet_bytes;
  packet.ref = chunk;
  ++link.sent_chunks;
  transmit(link, packet);
}

LinkSim::Link& LinkSim::bottleneck_of(Link& link) {
  return link.spec.bottleneck_of < 0 ? link : links_[static_cast<std::size_t>(link.spec.bottleneck_of)];
}

void LinkSim::transmit(Link& link, SentPacket packet) {
  packet.packet_number = link.sender->take_packet_number();
  link.sender->on_sent(packet, now_);
  if (link.blackhole) return;
  if (link.spec.loss_one_in != 0 && prng_.chance(link.spec.loss_one_in)) return;
  Link& wire = bottleneck_of(link);
  const auto on_wire = base::nanoseconds(
      static_cast<std::int64_t>(std::uint64_t{packet.bytes} * 1'000'000'000 / wire.spec.rate_Bps));
  const base::Instant start = std::max(now_, wire.busy_until);
  const auto queued =
      static_cast<std::uint64_t>((start - now_).ns) * wire.spec.rate_Bps / 1'000'000'000;
  if (queued > wire.spec.queue_bytes) return;  // drop-tail
  wire.busy_until = start + on_wire;
  link.forth.push_back({.arrives = wire.busy_until + link.spec.delay,
                        .number = packet.packet_number,
                        .chunk = packet.ref,
                        .is_chunk = packet.kind == SentKind::kChunk});
}

}  // namespace weft::sched::test
