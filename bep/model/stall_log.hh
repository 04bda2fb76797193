// How long a receiver waited between two verified blocks: the longest wait, and the last noteworthy ones with their
// times, so that whoever caused one (a laboratory, an operator who pulled a cable) can tell which it was.
// Fed by Model; read by the REST API. Thread: control. Bounds: WaitLog::kKept waits of at least kNoteworthyNs.
// Time: the steady clock, given by the caller; nanoseconds.
// Not here: waits while nothing could go on (no transfer is open): on_idle() ends the count.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::model {

struct Wait {
  std::uint64_t number = 0;            // 1, 2, …: a reader asks for those after the last one it has
  std::int64_t began_ns = 0, lasted_ns = 0;
  std::int64_t away_ns = 0;            // of it, the machine let the waiting thread do nothing; where that is known
};

// The last kKept waits.
class WaitLog {
 public:
  static constexpr std::size_t kKept = 256;

  void add(std::int64_t began_ns, std::int64_t lasted_ns, std::int64_t away_ns = 0) {
    ++newest_;
    waits_[newest_ % kKept] = {newest_, began_ns, lasted_ns, away_ns};
  }
  // Those after `number`, oldest first; what more than kKept newer ones have pushed out is missing.
  [[nodiscard]] std::vector<Wait> after(std::uint64_t number) const;

 private:
  std::array<Wait, kKept> waits_{};    // wait n stands at n % kKept
  std::uint64_t newest_ = 0;
};

class StallLog {
 public:
  static constexpr std::int64_t kNoteworthyNs = 5'000'000;   // below it is the rhythm of blocks, not a wait

  void on_block(std::int64_t now_ns);
  void on_idle() { last_block_ns_ = 0; }

  [[nodiscard]] std::int64_t longest_ns() const { return longest_ns_; }
  // When the last block was verified while transfers are open; 0: none is open.
  [[nodiscard]] std::int64_t last_block_ns() const { return last_block_ns_; }
  [[nodiscard]] const WaitLog& waits() const { return waits_; }

 private:
  WaitLog waits_;
  std::int64_t last_block_ns_ = 0, longest_ns_ = 0;
};

}  // namespace weft::model
