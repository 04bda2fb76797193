#include "tests/unit/sched/link_sim.hh"

#include <algorithm>

namespace weft::sched::test {

LinkSim::LinkSim(std::span<const LinkSpec> specs, share::Policy policy, std::uint64_t chunks_total,
                 std::uint64_t seed)
    : links_(specs.size()),
      prng_(seed),
      chunks_total_(chunks_total),
      acked_(chunks_total),
      received_(chunks_total) {
  picker_.set_policy(policy);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    Link& link = links_[i];
    link.spec = specs[i];
    link.sender_ring.resize(4096);
    link.receiver_ring.resize(4096);
    const LaneConfig config{.path = base::PathId{static_cast<std::uint8_t>(i)},
                            .max_packet_bytes = kPacket, .initial_rtt = 2 * specs[i].delay};
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
    ++received_count_;
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
  } else {
    again_.push_back(packet.ref);
  }
}

void LinkSim::send() {
  for (;;) {
    while (!again_.empty() && acked_[again_.front()]) again_.pop_front();
    const std::uint64_t unsent = again_.size() + (chunks_total_ - next_new_);
    if (unsent == 0) {
      for (Link& link : links_) link.sender->on_app_limited();
      return;
    }
    std::vector<LaneView> views;
    for (const Link& link : links_)
      views.push_back(view_of(*link.sender, link.entry, true, kPacket, now_));
    const int picked = picker_.pick(views, unsent * kPayload, kPacket);
    if (picked == Picker::kNone) return;
    SentPacket packet;
    packet.kind = SentKind::kChunk;
    packet.bytes = kPacket;
    if (again_.empty()) {
      packet.ref = static_cast<std::uint32_t>(next_new_++);
    } else {
      packet.ref = again_.front();
      again_.pop_front();
    }
    Link& link = links_[static_cast<std::size_t>(picked)];
    ++link.sent_chunks;
    transmit(link, packet);
  }
}

void LinkSim::transmit(Link& link, SentPacket packet) {
  packet.packet_number = link.sender->take_packet_number();
  link.sender->on_sent(packet, now_);
  if (link.blackhole) return;
  if (link.spec.loss_one_in != 0 && prng_.chance(link.spec.loss_one_in)) return;
  const auto on_wire = base::nanoseconds(
      static_cast<std::int64_t>(std::uint64_t{packet.bytes} * 1'000'000'000 / link.spec.rate_Bps));
  const base::Instant start = std::max(now_, link.busy_until);
  const auto queued =
      static_cast<std::uint64_t>((start - now_).ns) * link.spec.rate_Bps / 1'000'000'000;
  if (queued > link.spec.queue_bytes) return;  // drop-tail
  link.busy_until = start + on_wire;
  link.forth.push_back({.arrives = link.busy_until + link.spec.delay,
                        .number = packet.packet_number,
                        .chunk = packet.ref,
                        .is_chunk = packet.kind == SentKind::kChunk});
}

}  // namespace weft::sched::test
