// The small interface between a lane and its congestion control.
// A compile-time concept, not a base class: the calls come per ack and must cost what they do and
// no more. Who satisfies it: Cubic, Bbr; controller.hh holds one of them.
// Units: bytes, nanoseconds.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>

#include "engine/base/time.hh"
#include "sched/rate_estimator.hh"

namespace weft::sched {

// The window a lane starts with. 32 packets, not QUIC's 10: lanes run between validated addresses,
// mostly on a LAN, and 32 is also where the peer acknowledges at once (kAckEvery). Of large packets fewer: some lanes
// that begin together on a link of 20 MB/s would queue 32 jumbo packets each for 14 ms, and take that for silence.
inline constexpr std::uint32_t kInitialWindowPackets = 32;
inline constexpr std::uint64_t kInitialWindowBytes = 64 << 10;
inline constexpr std::uint32_t kMinWindowPackets = 2;  // RFC 9002 7.2
[[nodiscard]] constexpr std::uint64_t initial_window(std::uint64_t packet_bytes) {
  return std::max(std::min(kInitialWindowPackets * packet_bytes, kInitialWindowBytes),
                  kMinWindowPackets * packet_bytes);
}

struct AckedEvent {
  std::uint64_t bytes = 0;               // newly acknowledged, that were in flight
  base::Instant newest_sent{};           // send time of the newest packet among them
  base::Duration latest_rtt{}, srtt{}, rtt_min{};
  bool round_ended = false;              // with this ack a new round begins (round.hh)
  bool window_limited = false;           // the window was nearly full: a larger one would be used
  // For controls that model the path.
  base::Duration rtt{};                  // the sample of this ack; zero: it gives none
  std::uint64_t in_flight_bytes = 0;     // after it
  std::uint64_t delivered_bytes = 0;     // by the lane since its start
  std::uint64_t lost_bytes = 0;          // declared lost in the interval of `sample`
  RateSample sample{};
};

// One packet that was declared lost.
struct LostEvent {
  std::uint64_t packet_number = 0;
  base::Instant sent{};
  std::uint64_t bytes = 0;
  std::uint64_t in_flight_bytes = 0;     // when it was sent, with it
  std::uint64_t lost_bytes = 0;          // since it was sent, with it
  bool app_limited = false;
};

// A packet leaves while nothing was in flight.
struct FlightStart {
  bool rested = false;                   // nothing was sent for long: the window is old news
  bool app_limited = false;              // the lane had had nothing to send
};

template <typename C>
concept CongestionControl = requires(C c, const C k, const AckedEvent& acked, const LostEvent& lost,
                                     const FlightStart& start, base::Instant now) {
  c.on_acked(acked, now);
  c.on_lost(lost, now);      // before the on_acked() of the ack that told it
  c.on_persistent_congestion();
  c.on_flight_starts(start, now);
  c.reset();                 // the path came back: as new
  { k.window_bytes() } -> std::same_as<std::uint64_t>;
  { k.in_slow_start() } -> std::same_as<bool>;
  { k.pacing_Bps() } -> std::same_as<std::uint64_t>;     // 0: pace by the window
  { k.keeps_flight_small() } -> std::same_as<bool>;      // on purpose, for now: samples say nothing about the path
};

}  // namespace weft::sched
