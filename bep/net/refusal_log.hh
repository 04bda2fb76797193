// Log lines for refused connections, at most kPerSecond for each reason: whoever can open a TCP connection could
// otherwise fill the disk. What was left out is counted and said with the next line. The counters miss nothing.
// Pure apart from base::log(). Owner: one thread.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "bep/net/close_reason.hh"
#include "engine/base/time.hh"

namespace weft::net {

class RefusalLog {
 public:
  static constexpr std::uint32_t kPerSecond = 10;

  // True: write the line, and say that `left_out` others were not written.
  [[nodiscard]] bool allow(CloseReason reason, base::Instant now, std::uint64_t& left_out) {
    Budget& budget = budgets_[static_cast<std::size_t>(reason)];
    if (now - budget.since >= base::seconds(1)) {
      budget.since = now;
      budget.written = 0;
    }
    if (budget.written == kPerSecond) {
      ++budget.left_out;
      return false;
    }
    ++budget.written;
    left_out = budget.left_out;
    budget.left_out = 0;
    return true;
  }

 private:
  struct Budget {
    base::Instant since{};
    std::uint32_t written = 0;
    std::uint64_t left_out = 0;
  };
  std::array<Budget, static_cast<std::size_t>(CloseReason::kCount)> budgets_{};
};

}  // namespace weft::net
