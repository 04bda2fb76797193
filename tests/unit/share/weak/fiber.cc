#include "tests/unit/share/weak/fiber.hh"

#include <cstdint>
#include <utility>

#include "engine/base/must.hh"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace weft::weak {

Fiber::Fiber() : stack_(std::make_unique_for_overwrite<std::byte[]>(kStackBytes)) {}

Fiber::~Fiber() {
#ifdef __SANITIZE_THREAD__
  if (tsan_inside_ != nullptr) __tsan_destroy_fiber(tsan_inside_);
#endif
}

void Fiber::start(std::function<void()> body) {
  body_ = std::move(body);
  const bool waits = made_ && done_;  // in run(), for its next body
  done_ = false;
  if (waits) return;
  made_ = true;
  fake_stack_ = nullptr;
#ifdef __SANITIZE_THREAD__
  if (tsan_inside_ != nullptr) __tsan_destroy_fiber(tsan_inside_);
  tsan_inside_ = __tsan_create_fiber(0);
#endif
  MUST(getcontext(&inside_) == 0);
  inside_.uc_stack.ss_sp = stack_.get();
  inside_.uc_stack.ss_size = kStackBytes;
  inside_.uc_link = nullptr;  // run() never returns
  // makecontext hands over ints only.
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  makecontext(&inside_, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
              static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
}

void Fiber::enter(unsigned high, unsigned low) {
  reinterpret_cast<Fiber*>(std::uintptr_t{high} << 32 | low)->run();
}

void Fiber::run() {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake_stack_, &outside_stack_, &outside_stack_bytes_);
#endif
  for (;;) {
    body_();
    done_ = true;
    suspend();
  }
}

void Fiber::resume() {
  MUST(!done_);
#ifdef __SANITIZE_ADDRESS__
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, stack_.get(), kStackBytes);
#endif
#ifdef __SANITIZE_THREAD__
  tsan_outside_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(tsan_inside_, 0);
#endif
  MUST(swapcontext(&outside_, &inside_) == 0);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

void Fiber::suspend() {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&fake_stack_, outside_stack_, outside_stack_bytes_);
#endif
#ifdef __SANITIZE_THREAD__
  __tsan_switch_to_fiber(tsan_outside_, 0);
#endif
  MUST(swapcontext(&inside_, &outside_) == 0);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake_stack_, &outside_stack_, &outside_stack_bytes_);
#endif
}

}  // namespace weft::weak
