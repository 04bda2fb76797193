// How large a packet one lane may send: Packetization Layer Path MTU Discovery (RFC 8899), in UDP payload bytes.
//
//          validated            every size tried                   kRaiseAfter
//   kBase -----------> kSearch ------------------> kComplete -----------------> kSearch
//                        ^                             |
//                        +------- black hole ----------+     (and from kSearch: it starts again from the base)
//
//   any but kBase ---- packets of the base vanish too ----> kError ---- a probe of the base arrives ----> kSearch
//
// A probe is one padded PING of the size in question that carries nothing else: nothing is lost with it, and its loss says
// nothing of congestion. The largest size is asked for first, because on most cables it works; then the interval
// between what works and what does not is halved. A size is given up after kProbesMax probes unanswered.
// A black hole (a route whose MTU fell: large packets vanish, small ones arrive) is seen by kBlackHoleLosses packets above
// the base lost over kBlackHoleTime at least, with none of that kind acknowledged between: back to the base, which every
// path must carry, and the search begins again. Both, because a full queue loses a hundred packets at one moment.
// A path that does not even carry the base (RFC 8899 §5.2, Error) looks well to all that is small, so that its chunks
// would be sent there for ever. It is seen by kBaseLosses losses over kBlackHoleTime at least, with smaller packets
// acknowledged between each and the next and none as large. Losses without such acknowledgements are an outage, which is
// not Pmtu's business.
//
// Why in sched: sizes are what a lane sends by, and a lane's acks are the answers; each lane of a path asks for itself,
// because its router may choose another way for it (RFC 8899 §4.3, §6.1).
// Owner: one data core. Time: `now` from the caller. Cost: a few integers per lane; no allocation.
// Source: RFC 8899 §5; RFC 9000 §14.3 (base 1200). Not here: ICMP "too big", which nobody authenticates.
#pragma once

#include <cstdint>

#include "engine/base/time.hh"
#include "engine/wire/frame.hh"

namespace weft::sched {

class Pmtu {
 public:
  static constexpr std::uint16_t kBaseBytes = 1200;
  static constexpr std::uint32_t kProbesMax = 3;                               // MAX_PROBES, RFC 8899 §5.1.2
  static constexpr std::uint16_t kStepBytes = 16;                              // the search is fine enough
  static constexpr base::Duration kRaiseAfter = base::seconds(600);            // PMTU_RAISE_TIMER
  static constexpr base::Duration kProbeWait = base::milliseconds(30);         // or three round trips, if longer
  static constexpr std::uint32_t kBlackHoleLosses = 16;
  static constexpr base::Duration kBlackHoleTime = base::milliseconds(100);
  static constexpr std::uint32_t kBaseLosses = 6;
  static constexpr std::uint16_t kSmallBytes = 256;                            // up to here a loss says nothing of sizes
  static constexpr base::Duration kErrorProbeMax = base::seconds(1);           // doubling up to this

  Pmtu() noexcept = default;
  // `largest`: what both ends' ports could carry; below the base: nothing is ever searched for.
  explicit Pmtu(std::uint16_t largest) noexcept;

  // What a packet may hold now.
  [[nodiscard]] std::uint16_t packet_bytes() const noexcept { return works_; }
  [[nodiscard]] std::uint16_t largest() const noexcept { return largest_; }
  [[nodiscard]] bool complete() const noexcept { return state_ == State::kComplete; }
  // False: not even packets of the base arrive. Give it no data; what is small may go on.
  [[nodiscard]] bool carries_data() const noexcept { return state_ != State::kError; }

  // The peer has proved its address: probes may go there. Again after an outage: the route may be another.
  void on_validated(base::Instant now) noexcept;

  // ---- probes
  [[nodiscard]] base::Instant next_deadline() const noexcept { return deadline_; }
  // next_deadline() has passed: a probe is given up, or the search begins again. Afterwards a probe may be due.
  void handle_timeout(base::Instant now) noexcept;
  [[nodiscard]] bool probe_due() const noexcept {
    return !waiting_ && (state_ == State::kSearch || state_ == State::kError);
  }
  [[nodiscard]] std::uint16_t probe_bytes() const noexcept { return asked_; }
  // REQUIRES: probe_due(). A packet of probe_bytes() left under this number. To the lane it is a kAckOnly packet: it is
  // not in flight, so that its loss neither shrinks a window nor looks like silence.
  void on_probe_sent(std::uint64_t packet_number, base::Duration srtt, base::Instant now) noexcept;
  // An acceptable ACK about this lane: it may name the probe.
  void handle_ack(const wire::Ack& ack, base::Instant now) noexcept;

  // ---- the fate of all other packets
  void on_acked(std::uint32_t bytes) noexcept {
    if (bytes > kBaseBytes) large_lost_ = 0;
    if (bytes >= base_lost_bytes_) base_lost_ = 0;
    else smaller_acked_ = true;
  }
  void on_lost(std::uint32_t bytes, base::Instant now) noexcept;

 private:
  enum class State : std::uint8_t { kBase, kSearch, kComplete, kError };
  void search(base::Instant now) noexcept;   // from the largest downwards
  void next_size(base::Instant now) noexcept;
  void give_up_base() noexcept;
  void count_base_loss(std::uint32_t bytes, base::Instant now) noexcept;

  State state_ = State::kBase;
  bool waiting_ = false;                 // a probe is under way
  std::uint16_t largest_ = kBaseBytes;
  std::uint16_t works_ = kBaseBytes;     // acknowledged, or the base
  std::uint16_t fails_ = 0;              // given up, or one more than the largest
  std::uint16_t asked_ = 0;              // by the present probe, or the one that is due
  std::uint32_t tries_ = 0;              // of that size
  std::uint64_t number_ = 0;             // of the probe under way
  std::uint32_t large_lost_ = 0;         // above the base, since the last that was acknowledged
  base::Instant large_lost_since_{};     // the first of those
  std::uint32_t base_lost_ = 0;          // up to the base, likewise, each with smaller ones acknowledged since the one before
  std::uint32_t base_lost_bytes_ = 0;    // the smallest of them
  base::Instant base_lost_since_{};      // the first of them
  bool smaller_acked_ = false;           // since the last of them
  base::Instant deadline_ = base::kNever;
};

}  // namespace weft::sched
