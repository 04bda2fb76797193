// The small interface between a lane and its congestion control.
// A compile-time concept, not a base class: the calls come per ack and must cost what they do and
// no more. A second algorithm is a second class that satisfies the concept, chosen by a variant in
// lane.hh.
// Units: bytes, nanoseconds.
#pragma once

#include <concepts>
#include <cstdint>

#include "engine/base/time.hh"

namespace weft::sched {

// The window a lane starts with. 32 packets, not QUIC's 10: lanes run between validated addresses,
// mostly on a LAN, and 32 is also where the peer acknowledges at once (kAckEvery).
inline constexpr std::uint32_t kInitialWindowPackets = 32;
inline constexpr std::uint32_t kMinWindowPackets = 2;  // RFC 9002 7.2

struct AckedEvent {
  std::uint64_t bytes = 0;               // newly acknowledged, that were in flight
  base::Instant newest_sent{};           // send time of the newest packet among them
  base::Duration latest_rtt{}, srtt{};
  bool round_ended = false;              // with this ack a new round begins (round.hh)
  bool window_limited = false;           // the window was nearly full: a larger one would be used
};

template <typename C>
concept CongestionControl = requires(C c, const C k, const AckedEvent& acked, base::Instant t) {
  c.on_acked(acked, t);
  c.on_lost(/*newest lost packet's send time*/ t, /*now*/ t);
  c.on_persistent_congestion();
  c.on_idle_restart();       // sending again after a long silence
  c.reset();                 // the path came back: as new
  { k.window_bytes() } -> std::same_as<std::uint64_t>;
  { k.in_slow_start() } -> std::same_as<bool>;
};

}  // namespace weft::sched
