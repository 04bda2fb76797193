// ImpairStage: a PacketPort in front of another that loses, delays and slows frames as an Impairment says.
// In the chain only when the port's configuration allows impairment; without one it costs two branches per burst.
//
//   tx_burst --> admit --> [held tx] --> port below
//   rx_burst <-- [held rx] <-- admit <-- port below
//
// A frame that is admitted gets the time at which it leaves: virtual clock of the rate, then delay and jitter, and
// never before the frame in front of it: order is kept.
// Owner:  one data core. Bounds: `frames_max` held frames each way, a queue of at most `queue_us` at the rate; what
//         does not fit is dropped and counted, as a switch would. Randomness: the constructor's seed, or that of the
//         impairment.
// Frames held when the impairment ends leave at once, in order, before newer ones.
#pragma once

#include <memory>

#include "engine/base/prng.hh"
#include "engine/nic/impairment.hh"
#include "engine/nic/packet_port.hh"

namespace weft::nic {

class ImpairStage final : public PacketPort {
 public:
  // `below` must outlive the stage. Memory is taken here, once.
  ImpairStage(PacketPort& below, std::uint32_t frames_max, std::uint64_t seed);
  ~ImpairStage() override;                       // frees what it holds
  ImpairStage(const ImpairStage&) = delete;
  ImpairStage& operator=(const ImpairStage&) = delete;

  void set(const Impairment& impairment) noexcept;
  std::uint32_t rx_burst(std::span<rte_mbuf*> out, base::Instant now) noexcept override;
  // Takes every frame while impaired or while it holds any (what cannot be held is dropped).
  std::uint32_t tx_burst(std::span<rte_mbuf*> frames, base::Instant now) noexcept override;
  [[nodiscard]] base::Instant next_deadline() const noexcept override;
  [[nodiscard]] const ImpairStats& stats() const noexcept { return stats_; }

 private:
  struct Held {
    rte_mbuf* frame;
    base::Instant due;
  };
  // One way: a ring of held frames and the clock of its rate.
  struct Way {
    std::unique_ptr<Held[]> ring;
    std::uint32_t first = 0, count = 0;
    base::Instant rate_free{};                   // when the slow link has sent all it took
    base::Instant last_due{};
    bool impaired = false;
  };
  void admit(Way& way, rte_mbuf* frame, base::Instant now) noexcept;
  void lose(rte_mbuf* frame, std::uint64_t& counter) noexcept;
  // Moves frames that are due to the front of `out`; they stay held until dropped_front().
  [[nodiscard]] std::uint32_t peek_due(const Way& way, std::span<rte_mbuf*> out, base::Instant now) const noexcept;
  void drop_front(Way& way, std::uint32_t count) const noexcept;
  void send_due(base::Instant now) noexcept;

  PacketPort& below_;
  const std::uint32_t frames_max_;
  base::Prng prng_;
  Impairment impairment_{};
  Way tx_, rx_;
  ImpairStats stats_{};
};

}  // namespace weft::nic
