// When to ask for a next hop's MAC: at once when a packet needs it, then at most every 100 ms while unknown; every
// 30 s in the background while it is used, because a peer may have got a new card. When the link comes up every known
// hop is in doubt, because the other end may be another machine now: asked again until answered, kDoubtMax times.
// Never for a hop nobody sends to.
// Pure; owner: one data core. Each core asks for itself; whichever hears an answer writes it for all.
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
  static constexpr std::uint8_t kDoubtMax = 5;   // the answer may have come to another core, which cannot tell us

  // A packet goes to this hop now. `known`: its MAC is known.
  void on_use(std::uint32_t slot, bool known, base::Instant now) noexcept {
    MUST(slot < share::Neighbours::kMax);
    Entry& entry = entries_[slot];
    if (entry.due) return;
    const base::Duration every = known && entry.doubts == 0 ? kRefreshEvery : kAskEvery;
    if (entry.asked_ever && now - entry.asked < every) return;
    if (known && !entry.asked_ever && entry.doubts == 0) {
      // It was answered not long ago (to another core): its first refresh is a period away.
      entry.asked = now;
      entry.asked_ever = true;
      return;
    }
    entry.due = true;
    ++due_;
  }
  void on_link_up() noexcept {
    for (Entry& entry : entries_) {
      entry.doubts = kDoubtMax;
      entry.asked_ever = false;
    }
  }
  void on_answer(std::uint32_t slot) noexcept {
    MUST(slot < share::Neighbours::kMax);
    entries_[slot].doubts = 0;
  }
  [[nodiscard]] bool any_due() const noexcept { return due_ != 0; }
  // The next hop to ask for, marking it asked. False when none is due.
  [[nodiscard]] bool poll(std::uint32_t& slot, base::Instant now) noexcept {
    if (due_ == 0) return false;
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      if (!entries_[i].due) continue;
      Entry& entry = entries_[i];
      entry.due = false;
      entry.asked = now;
      entry.asked_ever = true;
      if (entry.doubts > 0) --entry.doubts;
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
    std::uint8_t doubts = 0;          // questions left before a known address is believed without an answer
  };
  std::array<Entry, share::Neighbours::kMax> entries_{};
  std::uint32_t due_ = 0;
};

}  // namespace weft::nic
