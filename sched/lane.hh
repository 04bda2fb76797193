// One lane (path x core) of one session: packet numbers, acks both ways, round-trip time, losses,
// window, pacing, rate.
// Who calls: the data agent, in the order of its turn: handle_ack() and on_packet_received() while
// receiving, handle_timeout() when next_deadline() passed, can_send() / take_packet_number() /
// on_sent() while sending.
// Owner: one data core. Time: `now` of the turn; never decreasing. Bounds: the ring given; no
// allocation.
//
// What happens to a packet: every packet that elicits an ack is reported to a callback at least
// once, as
//   kAcked      the peer has it;
//   kLost       it will not arrive: its content is the caller's to send again;
//   kEvacuated  a probe timeout: nothing is known, but its content should go by another lane now.
// A kAckOnly packet is at most reported as kAcked: the ACK it carried is then settled.
// After kLost or kEvacuated a late kAcked may still follow (then nothing needs to be sent again);
// nothing follows kAcked.
// The callback must not call back into the lane.
//
// Probe timeout: no ack for pto() while something waits. The lane hands everything back, takes no
// data any more (can_send() is false) and wants one probe (probe_wanted()): any packet that elicits
// an ack. Backed off doubling. The first ack of anything opens the lane again.
// Unlike RFC 9002 6.2.1 the timer runs from the last progress, not from the last packet sent:
// control frames that keep going out on a dead lane must not postpone its discovery.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/function_ref.hh"
#include "engine/base/time.hh"
#include "engine/base/types.hh"
#include "engine/wire/frame.hh"
#include "sched/ack_tracker.hh"
#include "sched/controller.hh"
#include "sched/in_flight.hh"
#include "sched/loss.hh"
#include "sched/pacer.hh"
#include "sched/probe_timer.hh"
#include "sched/rate_estimator.hh"
#include "sched/round.hh"
#include "sched/rtt.hh"

namespace weft::sched {

struct LaneConfig {
  base::PathId path{};                  // written into the ACKs of this lane
  std::uint32_t max_packet_bytes = 0;   // UDP payload of a full packet
  base::Duration initial_rtt = base::milliseconds(2);
  share::Congestion congestion = share::Congestion::kCubic;
  std::uint32_t queue_packets_max = 0;  // as Cubic has it
  std::uint64_t seed = 0;               // of what the congestion control draws: other lanes, other times
  std::uint64_t first_packet_number = 0;
};

enum class Fate : std::uint8_t { kAcked, kLost, kEvacuated };
using FateHandler = base::FunctionRef<void(const SentPacket&, Fate)>;

struct AckResult {
  bool acceptable = true;               // false: of a packet never sent; nothing was changed
  std::uint32_t newly_acked = 0;        // packets
  std::uint32_t lost = 0;
};

// The values of share::LaneReport that a lane knows.
struct LaneMetrics {
  base::Duration rtt_latest{}, srtt{}, rttvar{}, rtt_min{};
  base::Instant unanswered_since = base::kNever;
  std::uint32_t pto_count = 0;
  std::uint64_t rate_Bps = 0;           // smoothed
  std::uint64_t bandwidth_Bps = 0;      // largest of the last rounds
  std::uint64_t cwnd_bytes = 0, in_flight_bytes = 0;
  std::uint64_t packets_lost = 0, packets_spurious = 0;
};

class Lane {
 public:
  // `ring`: a power of two, outlives the lane. It bounds the window: give it window_bytes /
  // packet_bytes of the fastest link expected, doubled.
  Lane(const LaneConfig& config, std::span<SentPacket> ring) noexcept;

  // ---- sending
  // Data: window, pacing, ring (some of it is left to acks and control) and no probe timeout pending.
  [[nodiscard]] bool can_send(std::uint32_t bytes, base::Instant now) const noexcept;
  // Control frames, acks, probes: only the ring.
  [[nodiscard]] bool can_send_control() const noexcept { return in_flight_.has_room(next_number_); }
  // Numbers are never given twice. One that is not sent after all stays a hole. Take one, send it,
  // then ask again: several numbers taken ahead may not all find room.
  [[nodiscard]] std::uint64_t take_packet_number() noexcept { return next_number_++; }
  [[nodiscard]] std::uint64_t next_packet_number() const noexcept { return next_number_; }
  // The packet left. REQUIRES: a number taken, larger than those sent before, and has room
  // (can_send… was true).
  void on_sent(const SentPacket& packet, base::Instant now) noexcept;
  // The queue is empty although the lane could send: its rate samples say nothing about the path.
  void on_app_limited() noexcept;

  // ---- the peer's acks, and timers
  AckResult handle_ack(const wire::Ack& ack, base::Instant now, FateHandler fate) noexcept;
  void handle_timeout(base::Instant now, FateHandler fate) noexcept;
  // Earliest of loss timer, probe timeout and ack delay. Pacing is not a timer: ask can_send() each
  // turn.
  [[nodiscard]] base::Instant next_deadline() const noexcept;
  // True from a probe timeout until a packet that elicits an ack leaves.
  [[nodiscard]] bool probe_wanted() const noexcept { return probe_.wanted(); }
  // Hands back everything in flight now, as a probe timeout does (the port went down, the lane is
  // being removed).
  void evacuate(FateHandler fate) noexcept;

  // ---- our acks
  void on_packet_received(std::uint64_t number, bool ack_eliciting, base::Instant now) noexcept;
  [[nodiscard]] bool ack_due(base::Instant now) const noexcept { return acks_.due(now); }
  [[nodiscard]] bool ack_pending() const noexcept { return acks_.pending(); }
  [[nodiscard]] bool fill_ack(wire::Ack& out, base::Instant now) noexcept;
  // A packet of ours (of any lane) that carried an ACK about this lane was acknowledged.
  void on_ack_acked(std::uint64_t ack_largest) noexcept { acks_.forget_up_to(ack_largest); }

  // ---- the path
  // A challenge measured the path: start from this round-trip time.
  void set_path_validated(base::Duration rtt, base::Instant now) noexcept;
  // The path came back after it was down: the old window means nothing.
  void reset_congestion(base::Instant now) noexcept;

  [[nodiscard]] LaneMetrics metrics() const noexcept;
  [[nodiscard]] base::Duration srtt() const noexcept { return rtt_.srtt(); }
  [[nodiscard]] base::Duration rttvar() const noexcept { return rtt_.rttvar(); }
  [[nodiscard]] std::uint64_t bandwidth_Bps() const noexcept { return rate_.bandwidth_Bps(); }
  [[nodiscard]] std::uint64_t in_flight_bytes() const noexcept { return in_flight_.bytes(); }
  [[nodiscard]] std::uint64_t window_bytes() const noexcept { return congestion_.window_bytes(); }
  // What is on its way, for tail_resend.hh: numbers [unsettled_begin(), sent_end()), with holes.
  [[nodiscard]] std::uint64_t unsettled_begin() const noexcept { return in_flight_.unsettled_begin(); }
  [[nodiscard]] std::uint64_t sent_end() const noexcept { return in_flight_.end(); }
  [[nodiscard]] const SentPacket* sent_packet(std::uint64_t number) const noexcept { return in_flight_.find(number); }
  [[nodiscard]] const SentPacket* oldest_unsettled() const noexcept { return in_flight_.oldest_unsettled(); }
  [[nodiscard]] bool answering() const noexcept { return probe_.count() == 0; }

 private:
  struct AckSum {                          // what one ACK frame newly acknowledged
    std::uint32_t packets = 0;
    bool eliciting = false;                // any of them elicits acks; the rest is about those
    std::uint64_t bytes = 0;               // that were in flight
    std::uint64_t largest = 0;
    base::Instant newest_sent{};
  };
  void walk_ranges(const wire::Ack& ack, base::Instant now, FateHandler fate, AckSum& sum) noexcept;
  void walk_lost(const wire::Ack& ack, base::Instant now, FateHandler fate, AckSum& sum) noexcept;
  void take_ack(SentPacket& packet, base::Instant now, FateHandler fate, AckSum& sum) noexcept;
  std::uint32_t detect_losses(base::Instant now, FateHandler fate) noexcept;
  void reduce_window(const SentPacket& packet, base::Instant now) noexcept;
  void update_pacing(base::Instant now) noexcept;
  [[nodiscard]] base::Instant pto_deadline() const noexcept;

  LaneConfig config_;
  InFlight in_flight_;
  Rtt rtt_;
  Controller congestion_;
  Pacer pacer_;
  RateEstimator rate_;
  LossDetector loss_;
  AckTracker acks_;
  Round round_;
  ProbeTimer probe_;
  std::uint64_t next_number_ = config_.first_packet_number;
  base::Instant window_since_{INT64_MIN};  // losses of packets sent up to here do not reduce the window
  base::Instant last_sent_{};              // of a packet that elicits an ack
  struct Counts {
    std::uint64_t lost = 0, spurious = 0;
  } counts_;
};

}  // namespace weft::sched
