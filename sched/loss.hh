// Decides which packets of a lane are lost (RFC 9002 6.1 and 7.6), and says when to look again.
// A packet is lost when a later one was acknowledged and it is kPacketThreshold numbers or a time
// threshold behind.
// Numbers and send times grow together, so the lost ones are always the oldest unsettled: one walk,
// each packet once.
// Persistent congestion: lost packets span three probe timeouts with no acknowledged one between
// them.
// Owner: one data core. Not here: the probe timeout (lane.cc), what becomes of the window
// (cubic.hh).
#pragma once

#include <cstdint>

#include "engine/base/function_ref.hh"
#include "engine/base/time.hh"
#include "sched/in_flight.hh"
#include "sched/rtt.hh"

namespace weft::sched {

inline constexpr std::uint64_t kPacketThreshold = 3;      // RFC 9002 6.1.1
inline constexpr std::int64_t kPersistentPtos = 3;        // RFC 9002 7.6.1

struct LossResult {
  std::uint32_t packets = 0;              // that elicit acks
  base::Instant newest_sent{};            // of the newest lost one; meaningless when packets == 0
  bool persistent_congestion = false;
};

class LossDetector {
 public:
  // The largest acknowledged number so far may have grown.
  void on_largest_acked(std::uint64_t packet_number) noexcept;
  // Declares losses; `lost` is called for each, with the state it was in before: kInFlight, kEvacuated (it was handed
  // back then) or kLost (shed from a full ring). Call after every ACK and when deadline() has passed.
  LossResult detect(InFlight& in_flight, const Rtt& rtt, base::Instant now,
                    base::FunctionRef<void(const SentPacket&, SentState was)> lost) noexcept;
  // When the time threshold of the oldest doubtful packet passes; kNever without one.
  [[nodiscard]] base::Instant deadline() const noexcept { return deadline_; }

 private:
  void extend_run(const SentPacket& packet, const Rtt& rtt, LossResult& result) noexcept;

  bool any_acked_ = false;
  std::uint64_t largest_acked_ = 0;
  std::uint64_t walked_to_ = 0;           // everything below is settled and in the run's account
  base::Instant deadline_ = base::kNever;
  base::Instant run_since_ = base::kNever;   // send time of the first of a run of losses
};

}  // namespace weft::sched
