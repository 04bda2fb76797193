// The congestion control of one lane: one of those that there are, chosen when the lane is made.
// Owner: one data core. No virtual call, no allocation: each call is a test of one byte.
#pragma once

#include <cstdint>
#include <variant>

#include "engine/share/policy.hh"
#include "sched/bbr.hh"
#include "sched/congestion.hh"
#include "sched/cubic.hh"

namespace weft::sched {

class Controller {
  using Kind = std::variant<Cubic, Bbr>;
  template <typename F> void with(F call) noexcept {
    if (Cubic* cubic = std::get_if<Cubic>(&kind_)) call(*cubic);
    else call(*std::get_if<Bbr>(&kind_));
  }
  template <typename F> auto ask(F call) const noexcept {
    if (const Cubic* cubic = std::get_if<Cubic>(&kind_)) return call(*cubic);
    return call(*std::get_if<Bbr>(&kind_));
  }

 public:
  // `seed`: of what a control draws by chance. `queue_packets_max`: of Cubic; a control that models the path keeps queues short.
  Controller(share::Congestion kind, std::uint32_t packet_bytes, std::uint64_t seed,
             std::uint32_t queue_packets_max = 0) noexcept
      : kind_(kind == share::Congestion::kBbr ? Kind(std::in_place_type<Bbr>, packet_bytes, seed)
                                              : Kind(std::in_place_type<Cubic>, packet_bytes, queue_packets_max)) {}

  void on_acked(const AckedEvent& event, base::Instant now) noexcept {
    with([&](auto& c) { c.on_acked(event, now); });
  }
  void on_lost(const LostEvent& event, base::Instant now) noexcept {
    with([&](auto& c) { c.on_lost(event, now); });
  }
  void on_persistent_congestion() noexcept { with([](auto& c) { c.on_persistent_congestion(); }); }
  void on_flight_starts(const FlightStart& start, base::Instant now) noexcept {
    with([&](auto& c) { c.on_flight_starts(start, now); });
  }
  void reset() noexcept { with([](auto& c) { c.reset(); }); }
  [[nodiscard]] std::uint64_t window_bytes() const noexcept { return ask([](auto& c) { return c.window_bytes(); }); }
  [[nodiscard]] bool in_slow_start() const noexcept { return ask([](auto& c) { return c.in_slow_start(); }); }
  [[nodiscard]] std::uint64_t pacing_Bps() const noexcept { return ask([](auto& c) { return c.pacing_Bps(); }); }
  [[nodiscard]] bool keeps_flight_small() const noexcept { return ask([](auto& c) { return c.keeps_flight_small(); }); }

 private:
  Kind kind_;
};
static_assert(CongestionControl<Controller>);

}  // namespace weft::sched
