// When to ask for a next hop's MAC: at once when a packet needs it, then at most every 100 ms while unknown; every
// 30 s in the background while it is used, because a peer may have got a new card. Never for a hop nobody sends to.
// Pure; owner: one data core, each core asks for itself (at most kCoresMax questions, all hear the answer).
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/time.hh"
#include "engine/share/neighbours.hh"

namespace weft::nic {

class NeighbourAsker {
 public:
  static constexpr base::Duration kAskEvery = base::milliseconds(100);
  static constexpr base::Duration kRefreshEvery = base::seconds(30);

  // A packet goes to this hop now. `known`: its MAC is known.
  void on_use(std::uint32_t slot, bool known, base::Instant now) noexcept {
    MUST(slot < share::Neighbours::kMax);
    Entry& entry = entries_[slot];
    const base::Duration every = known ? kRefreshEvery : kAskEvery;
    if (!entry.due && (!entry.asked_ever || now - entry.asked >= every)) {
      // A known hop was answered not long ago: its first refresh is a period away.
      if (known && !entry.asked_ever) { entry.asked = now; entry.asked_ever = true; return; }
      entry.due = true;
      ++due_;
    }
  }
  [[nodiscard]] bool any_due() const noexcept { return due_ != 0; }
  // The next hop to ask for, marking it asked. False when none is due.
  [[nodiscard]] bool poll(std::uint32_t& slot, base::Instant now) noexcept {
    if (due_ == 0) return false;
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      if (!entries_[i].due) continue;
      entries_[i] = Entry{now, true, false};
      --due_;
      slot = i;
      return true;
    }
    MUST(false && "due_ counts entries that are due");
    return false;
  }

 private:
  struct Entry {
    base::Instant asked{};
    bool asked_ever = false;
    bool due = false;
  };
  std::array<Entry, share::Neighbours::kMax> entries_{};
  std::uint32_t due_ = 0;
};

}  // namespace weft::nic
