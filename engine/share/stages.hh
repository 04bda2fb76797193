// Where a data core's time goes: cycles of the processor's time-stamp counter, by stage of the core's turn. Every moment belongs
// to some stage, so the sum over all of them is the time that passed; what the system takes from the thread counts for the
// stage that it was taken in. Costs one read of the counter per lap, a dozen laps per turn.
// Owner: the core's thread. Not here: decisions; nothing in the engine looks at these numbers but who shows them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::share {

enum class Stage : std::uint8_t {
  kPoll,       // ports asked for datagrams, their buffers given back
  kOpen,       // headers, replay check, AEAD
  kDeliver,    // frames; chunks copied to where their block is put together
  kAck,        // acknowledgments, losses, timers
  kHash,       // SHA-256 of complete blocks
  kDisk,       // the disk agent: jobs, answers, system calls
  kPick,       // lanes chosen, frames written
  kSeal,       // AEAD
  kTransmit,   // datagrams handed to ports
  kControl,    // commands, tables, reports
  kIdle,       // turns that found nothing to do, and rest
  kCount,
};
inline constexpr std::size_t kStages = static_cast<std::size_t>(Stage::kCount);
inline constexpr std::array<const char*, kStages> kStageNames = {"poll", "open", "deliver", "ack", "hash", "disk",
                                                                 "pick", "seal", "transmit", "control", "idle"};
using StageCycles = std::array<std::uint64_t, kStages>;

class StageClock {
 public:
  // What passed since the last turn ended was rest.
  void begin_turn() noexcept { lap(Stage::kIdle); }
  // What passed since the last lap was this stage.
  void lap(Stage stage) noexcept {
    const std::uint64_t now = __builtin_ia32_rdtsc();
    turn_[static_cast<std::size_t>(stage)] += now - last_;
    last_ = now;
  }
  // Looking for work and finding none is idling, whatever was looked at.
  void end_turn(bool worked) noexcept {
    std::uint64_t& idle = total_[static_cast<std::size_t>(Stage::kIdle)];
    for (std::size_t i = 0; i < kStages; ++i) (worked ? total_[i] : idle) += turn_[i];
    turn_ = {};
  }
  // Since construction, of turns that have ended.
  [[nodiscard]] const StageCycles& total() const noexcept { return total_; }

 private:
  std::uint64_t last_ = __builtin_ia32_rdtsc();
  StageCycles turn_{}, total_{};
};

}  // namespace weft::share
