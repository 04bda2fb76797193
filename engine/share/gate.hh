// Gate: lets another thread keep one data core out of one section for a while, without a lock on the core's side.
// The core asks once per burst; a closer closes, waits until the core is outside, does its work, opens.
// Threads:  try_enter() and leave() from one data core; close(), is_empty() and open() from any other thread.
// Nesting:  closers are counted; the gate is open when all have opened again. It starts open. It keeps closers apart
//           from the core, not from each other.
// Proof:    the core stores inside_ and then loads closers_; a closer adds to closers_ and then loads inside_. These
//           four are seq_cst: in their single order one of the two sees the other, so never both are in (Dekker).
//           Anything weaker lets both pass (store buffering). tests/unit/share shows it for each.
#pragma once

#include <cstdint>

#include "engine/base/limits.hh"
#include "engine/base/must.hh"
#include "engine/share/memory.hh"

namespace weft::share {

template <typename Mem = Memory> class BasicGate {
 public:
  // False when closed: the section must not be entered and leave() not be called.
  [[nodiscard]] bool try_enter() noexcept {
    MUST_SLOW(inside_.load(std::memory_order_relaxed) == 0);
    inside_.store(1, std::memory_order_seq_cst);
    if (closers_.load(std::memory_order_seq_cst) == 0) [[likely]] return true;
    inside_.store(0, std::memory_order_release);
    return false;
  }
  void leave() noexcept { inside_.store(0, std::memory_order_release); }

  // From here on nobody enters; the core may still be inside until is_empty() says it is not.
  void close() noexcept { closers_.fetch_add(1, std::memory_order_seq_cst); }
  [[nodiscard]] bool is_empty() const noexcept { return inside_.load(std::memory_order_seq_cst) == 0; }
  void open() noexcept { MUST(closers_.fetch_sub(1, std::memory_order_release) > 0); }

 private:
  using Word = typename Mem::template Atomic<std::uint32_t>;

  // 1 while the core is, or looks whether it may be, in the section. writer: the core; readers: closers.
  //   seq_cst  try_enter() stores 1 before it looks at closers_; is_empty() loads it after close(). Its acquire half
  //            shows the closer all that the core did inside.
  //   release  leave() stores 0 after the section; so does try_enter() when it turns back, because a closer that
  //            reads that 0 must see the section before it too.
  //   relaxed  try_enter()'s check of its own word.
  alignas(base::kFalseSharingBytes) Word inside_{0};
  // Closers that have not opened again. writers: closers; reader: the core.
  //   seq_cst  close() adds before it looks at inside_; try_enter() loads after it stored inside_. Its acquire half
  //            shows the core what closers did while it was kept out.
  //   release  open() subtracts after the closer's work.
  alignas(base::kFalseSharingBytes) Word closers_{0};
};

using Gate = BasicGate<>;

}  // namespace weft::share
