// Round trips counted by packet number, and how full the window was in each.
// A round ends when a packet sent after its start is acknowledged (as in BBR and HyStart++).
// "Window-limited" is judged over the fuller of this round and the last, because in-flight just
// before an ACK is always lower than it was.
// Owner: one data core.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weft::sched {

class Round {
 public:
  void on_sent(std::uint64_t bytes_in_flight) noexcept { peak_ = std::max(peak_, bytes_in_flight); }
  // The largest newly acknowledged number; `next` is the number the next packet will get. True when
  // a round ended.
  bool on_acked(std::uint64_t largest, std::uint64_t next) noexcept {
    if (largest < end_) return false;
    end_ = next;
    last_peak_ = peak_;
    peak_ = 0;
    return true;
  }
  // Nothing is in flight any more and the next packet starts afresh.
  void restart() noexcept { peak_ = last_peak_ = 0; }
  [[nodiscard]] std::uint64_t peak_bytes() const noexcept { return std::max(peak_, last_peak_); }

 private:
  std::uint64_t end_ = 0;
  std::uint64_t peak_ = 0, last_peak_ = 0;
};

}  // namespace weft::sched
