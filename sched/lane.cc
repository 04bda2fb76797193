#include "sched/lane.hh"

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::sched {
namespace {
// A lane that sent nothing for this long starts from the initial window again (RFC 9002 7.8).
// Shorter pauses lie between two batches of files, and pacing spreads what follows them anyway.
constexpr base::Duration kIdleRestartAfter = base::seconds(1);
// A flight on a lane whose rate was never measured: the round trip is that of a challenge in an empty queue, and says
// nothing about how long the flight itself, and those of the lanes beside it, will queue.
constexpr base::Duration kPtoUnmeasured = base::milliseconds(25);
constexpr std::uint32_t kFlightPackets = 4;   // full ones; up to here it is questions, not a flight
}  // namespace

Lane::Lane(const LaneConfig& config, std::span<SentPacket> ring) noexcept
    : config_(config),
      in_flight_(ring, config.first_packet_number),
      rtt_(config.initial_rtt),
      congestion_(config.congestion, config.max_packet_bytes, config.seed, config.queue_packets_max),
      pacer_(config.max_packet_bytes) {
  update_pacing(base::Instant{});
}

bool Lane::can_send(std::uint32_t bytes, base::Instant now) const noexcept {
  return answering() && in_flight_.has_room(next_number_ + in_flight_.control_reserve()) &&
         in_flight_.bytes() + bytes <= congestion_.window_bytes() && pacer_.may_send(now);
}

void Lane::on_sent(const SentPacket& packet, base::Instant now) noexcept {
  MUST(packet.packet_number < next_number_);
  MUST(packet.bytes > 0);
  const bool first = in_flight_.packets() == 0;
  const std::uint64_t bytes_before = in_flight_.bytes();
  SentPacket& sent = in_flight_.push(packet);
  sent.sent = now;
  if (!elicits_ack(sent.kind)) {
    // Acks alone may fill the ring behind an evacuated packet, and then no probe would find room to end the silence.
    in_flight_.shed_evacuated();
    return;
  }
  if (first) {
    const bool rested = now - last_sent_ > std::max(kIdleRestartAfter, rtt_.pto());
    congestion_.on_flight_starts({.rested = rested, .app_limited = rate_.app_limited()}, now);
    if (rested) {
      round_.restart();
      update_pacing(now);
      pacer_.refill(now);
    }
  }
  last_sent_ = now;
  probe_.on_sent(first, now);
  rate_.on_sent(sent, bytes_before, now);
  round_.on_sent(in_flight_.bytes());
  pacer_.on_turn(now);
  pacer_.on_sent(sent.bytes, now);
}

void Lane::on_app_limited() noexcept { rate_.on_app_limited(in_flight_.bytes()); }

AckResult Lane::handle_ack(const wire::Ack& ack, base::Instant now, FateHandler fate) noexcept {
  if (ack.ranges.empty() || ack.largest >= in_flight_.end() || ack.ranges[0].last != ack.largest)
    return {.acceptable = false};
  pacer_.on_turn(now);
  AckSum sum;
  const SentPacket* largest = in_flight_.find(ack.largest);
  const bool largest_is_new = largest != nullptr && largest->state != SentState::kAcked;
  const base::Instant largest_sent = largest_is_new ? largest->sent : base::Instant{};
  walk_lost(ack, now, fate, sum);
  walk_ranges(ack, now, fate, sum);
  if (sum.packets == 0) return {};

  loss_.on_largest_acked(ack.largest);
  const bool rtt_sampled = largest_is_new && sum.eliciting;
  if (rtt_sampled) rtt_.on_sample(now - largest_sent, base::microseconds(ack.delay_us));
  probe_.on_answer(now);

  const bool round_ended = round_.on_acked(sum.largest, next_number_);
  const RateSample sample = rate_.finish(rtt_.min(), round_ended);
  const std::uint32_t lost = detect_losses(now, fate);  // first: a loss ends growth
  if (sum.eliciting) {
    const std::uint64_t window = congestion_.window_bytes();
    const std::uint64_t peak = round_.peak_bytes();
    congestion_.on_acked({.bytes = sum.bytes,
                          .newest_sent = sum.newest_sent,
                          .latest_rtt = rtt_.latest(),
                          .srtt = rtt_.srtt(),
                          .rtt_min = rtt_.min(),
                          .round_ended = round_ended,
                          // Slow start doubles per round: half a window in flight justifies it.
                          .window_limited = congestion_.in_slow_start()
                                                ? 2 * peak >= window
                                                : peak + 2 * config_.max_packet_bytes >= window,
                          .rtt = rtt_sampled ? rtt_.latest() : base::Duration{},
                          .in_flight_bytes = in_flight_.bytes(),
                          .delivered_bytes = rate_.delivered_bytes(),
                          .lost_bytes = rate_.lost_since(sample.lost_before),
                          .sample = sample},
                         now);
    if (congestion_.keeps_flight_small()) rate_.on_app_limited(in_flight_.bytes());
  }
  update_pacing(now);
  in_flight_.forget_lost(now - (rtt_.srtt() + 2 * rtt_.pto()));
  return {.acceptable = true, .newly_acked = sum.packets, .lost = lost};
}

void Lane::walk_ranges(const wire::Ack& ack, base::Instant now, FateHandler fate,
                       AckSum& sum) noexcept {
  std::uint64_t above = in_flight_.end();  // ranges come newest first; a list that lies is cut
  for (const wire::AckRange& range : ack.ranges) {
    const std::uint64_t first = std::max(range.first, in_flight_.unsettled_begin());
    if (range.last >= above || first > range.last) return;
    above = first;
    for (std::uint64_t number = first; number <= range.last; ++number) {
      SentPacket* packet = in_flight_.find(number);
      if (packet != nullptr && packet->state != SentState::kAcked &&
          packet->state != SentState::kLost)
        take_ack(*packet, now, fate, sum);
    }
  }
}

void Lane::walk_lost(const wire::Ack& ack, base::Instant now, FateHandler fate,
                     AckSum& sum) noexcept {
  std::size_t ranges_left = ack.ranges.size();  // both lists are walked from the oldest on
  for (std::uint32_t i = 0; i < in_flight_.lost_count(); ++i) {
    SentPacket* packet = in_flight_.lost_at(i);
    if (packet == nullptr || packet->state != SentState::kLost) continue;
    while (ranges_left > 0 && ack.ranges[ranges_left - 1].last < packet->packet_number)
      --ranges_left;
    if (ranges_left == 0) return;
    if (ack.ranges[ranges_left - 1].first > packet->packet_number) continue;
    ++counts_.spurious;
    take_ack(*packet, now, fate, sum);
  }
}

void Lane::take_ack(SentPacket& packet, base::Instant now, FateHandler fate,
                    AckSum& sum) noexcept {
  ++sum.packets;
  sum.largest = std::max(sum.largest, packet.packet_number);
  if (elicits_ack(packet.kind)) {
    sum.eliciting = true;
    sum.newest_sent = std::max(sum.newest_sent, packet.sent);
    if (packet.state == SentState::kInFlight) sum.bytes += packet.bytes;
    rate_.on_acked(packet, now);
  }
  in_flight_.settle(packet, SentState::kAcked);
  fate(packet, Fate::kAcked);
}

std::uint32_t Lane::detect_losses(base::Instant now, FateHandler fate) noexcept {
  const LossResult result = loss_.detect(in_flight_, rtt_, now, [&](const SentPacket& p, SentState was) {
    rate_.on_lost(p.bytes);
    // The fate of what was sent before the path was (again) known to work says nothing about how much it takes now: the
    // first question to an unresolved next hop is always lost.
    if (p.sent > window_since_) reduce_window(p, now);
    if (was == SentState::kInFlight) fate(p, Fate::kLost);
  });
  if (result.packets == 0) return 0;
  counts_.lost += result.packets;
  if (result.persistent_congestion && result.newest_sent > window_since_) congestion_.on_persistent_congestion();
  return result.packets;
}

void Lane::reduce_window(const SentPacket& packet, base::Instant now) noexcept {
  congestion_.on_lost({.packet_number = packet.packet_number,
                       .sent = packet.sent,
                       .bytes = packet.bytes,
                       .in_flight_bytes = packet.in_flight,
                       .lost_bytes = rate_.lost_since(packet.lost),
                       .app_limited = packet.app_limited},
                      now);
}

void Lane::handle_timeout(base::Instant now, FateHandler fate) noexcept {
  if (loss_.deadline() <= now) {
    detect_losses(now, fate);
    update_pacing(now);
  }
  if (pto_deadline() > now) return;
  probe_.on_fired();
  evacuate(fate);
}

void Lane::evacuate(FateHandler fate) noexcept {
  const SentPacket* oldest = in_flight_.oldest_unsettled();
  if (oldest == nullptr) return;
  probe_.on_evacuated(oldest->sent);
  for (std::uint64_t n = in_flight_.unsettled_begin(); n < in_flight_.end(); ++n) {
    SentPacket* packet = in_flight_.find(n);
    if (packet == nullptr || packet->state != SentState::kInFlight) continue;
    if (!elicits_ack(packet->kind)) continue;
    in_flight_.settle(*packet, SentState::kEvacuated);
    fate(*packet, Fate::kEvacuated);
  }
  in_flight_.shed_evacuated();
}

base::Instant Lane::pto_deadline() const noexcept {
  if (in_flight_.packets() == 0) return base::kNever;
  const bool unmeasured_flight = rate_.bandwidth_Bps() == 0 &&
                                 in_flight_.bytes() > std::uint64_t{kFlightPackets} * config_.max_packet_bytes;
  return probe_.deadline(unmeasured_flight ? std::max(rtt_.pto(), kPtoUnmeasured) : rtt_.pto(),
                         in_flight_.oldest_unsettled()->sent);
}

base::Instant Lane::next_deadline() const noexcept {
  return std::min({loss_.deadline(), pto_deadline(), acks_.next_deadline()});
}

void Lane::on_packet_received(std::uint64_t number, bool ack_eliciting,
                              base::Instant now) noexcept {
  acks_.on_received(number, ack_eliciting, now);
}

bool Lane::fill_ack(wire::Ack& out, base::Instant now) noexcept {
  out.path = static_cast<std::uint8_t>(config_.path);
  return acks_.fill(out, now);
}

void Lane::set_path_validated(base::Duration rtt, base::Instant now) noexcept {
  rtt_.reset(rtt);
  update_pacing(now);
}

void Lane::reset_congestion(base::Instant now) noexcept {
  congestion_.reset();
  window_since_ = now;
  rate_.forget();
  round_.restart();
  update_pacing(now);
  pacer_.refill(now);
}

void Lane::update_pacing(base::Instant now) noexcept {
  if (const std::uint64_t rate = congestion_.pacing_Bps(); rate > 0) return pacer_.set_rate_Bps(rate, now);
  pacer_.set_rate(congestion_.window_bytes(), rtt_.srtt(), congestion_.in_slow_start(), now);
}

LaneMetrics Lane::metrics() const noexcept {
  const SentPacket* oldest = in_flight_.oldest_unsettled();
  return {.rtt_latest = rtt_.latest(),
          .srtt = rtt_.srtt(),
          .rttvar = rtt_.rttvar(),
          .rtt_min = rtt_.min(),
          .unanswered_since =
              oldest == nullptr ? probe_.silent_since()
                                : std::min(probe_.silent_since(), oldest->sent),
          .pto_count = probe_.count(),
          .rate_Bps = rate_.smoothed_Bps(),
          .bandwidth_Bps = rate_.bandwidth_Bps(),
          .cwnd_bytes = congestion_.window_bytes(),
          .in_flight_bytes = in_flight_.bytes(),
          .packets_lost = counts_.lost,
          .packets_spurious = counts_.spurious};
}

}  // namespace weft::sched
