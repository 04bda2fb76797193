// Gate: lets another thread keep one data core out of one section for a while, without a lock on the core's side.
// The core asks once per burst; a closer closes, waits until the core is outside, does its work, opens.
// Threads:  try_enter() and leave() from one data core; close(), is_empty() and open() from any other thread.
// Nesting:  closers are counted; the gate is open when all have opened again. It starts open.
// Orders:   the core stores inside_ and then loads closers_; a closer adds to closers_ and then loads inside_. All
//           four are seq_cst: in their single order one of the two sees the other, so never both are in (Dekker).
//           leave() releases what the core did inside to the closer; open() releases the closer's work to the core.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/base/limits.hh"
#include "engine/base/must.hh"

namespace weft::share {

class Gate {
 public:
  // False when closed: the section must not be entered and leave() not be called.
  [[nodiscard]] bool try_enter() noexcept {
    MUST_SLOW(inside_.load(std::memory_order_relaxed) == 0);  // own word
    inside_.store(1, std::memory_order_seq_cst);
    if (closers_.load(std::memory_order_seq_cst) == 0) [[likely]] return true;
    inside_.store(0, std::memory_order_release);
    return false;
  }
  void leave() noexcept { inside_.store(0, std::memory_order_release); }

  // From here on nobody enters; the core may still be inside until is_empty() says it is not.
  void close() noexcept { closers_.fetch_add(1, std::memory_order_seq_cst); }
  [[nodiscard]] bool is_empty() const noexcept { return inside_.load(std::memory_order_seq_cst) == 0; }
  void open() noexcept { MUST(closers_.fetch_sub(1, std::memory_order_seq_cst) > 0); }

 private:
  // writer: the core; readers: closers
  alignas(base::kFalseSharingBytes) std::atomic<std::uint32_t> inside_{0};
  // writers: closers; readers: the core
  alignas(base::kFalseSharingBytes) std::atomic<std::uint32_t> closers_{0};
};

}  // namespace weft::share
