#include "sched/loss.hh"

#include <algorithm>

namespace weft::sched {

void LossDetector::on_largest_acked(std::uint64_t packet_number) noexcept {
  any_acked_ = true;
  largest_acked_ = std::max(largest_acked_, packet_number);
}

LossResult LossDetector::detect(InFlight& in_flight, const Rtt& rtt, base::Instant now,
                                base::FunctionRef<void(const SentPacket&, SentState was)> lost) noexcept {
  LossResult result;
  deadline_ = base::kNever;
  if (!any_acked_) return result;
  for (; walked_to_ < largest_acked_; ++walked_to_) {
    SentPacket* packet = in_flight.find(walked_to_);
    if (packet == nullptr || !elicits_ack(packet->kind)) continue;
    if (packet->state == SentState::kAcked) {
      run_since_ = base::kNever;
      continue;
    }
    const SentState was = packet->state;
    if (was != SentState::kLost) {  // shed_evacuated() may have declared it already
      const base::Instant too_late = packet->sent + rtt.loss_delay();
      if (walked_to_ + kPacketThreshold > largest_acked_ && now < too_late) {
        deadline_ = too_late;
        return result;
      }
      in_flight.settle(*packet, SentState::kLost);
    }
    lost(*packet, was);
    ++result.packets;
    result.newest_sent = packet->sent;
    extend_run(*packet, rtt, result);
  }
  return result;
}

void LossDetector::extend_run(const SentPacket& packet, const Rtt& rtt,
                              LossResult& result) noexcept {
  if (run_since_ == base::kNever) run_since_ = packet.sent;
  if (!rtt.has_sample() || packet.sent - run_since_ <= kPersistentPtos * rtt.pto()) return;
  result.persistent_congestion = true;
  run_since_ = base::kNever;
}

}  // namespace weft::sched
