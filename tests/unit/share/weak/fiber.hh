// A function with a stack of its own that can be left in the middle and gone on with later: the
// threads of the model. All fibers of a checker run on the thread that made them. One that is never
// finished is just forgotten: what it has on its stack is not destroyed.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace weft::weak {

class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next resume() begins `body`, whatever the fiber was doing.
  void start(std::function<void()> body);
  // Runs the body until it suspends or ends. Called from outside of all fibers.
  void resume();
  // Leaves the body; resume() returns. Called by the body.
  void suspend();
  [[nodiscard]] bool done() const noexcept { return done_; }

 private:
  static constexpr std::size_t kStackBytes = 256u << 10;
  static void enter(unsigned high, unsigned low);
  [[noreturn]] void run();

  std::unique_ptr<std::byte[]> stack_;
  ucontext_t inside_{}, outside_{};
  std::function<void()> body_;
  bool made_ = false;  // there is a context to go on with
  bool done_ = true;
  // What the sanitizers want to be told about other stacks (fiber.cc).
  void* fake_stack_ = nullptr;
  const void* outside_stack_ = nullptr;
  std::size_t outside_stack_bytes_ = 0;
  void* tsan_inside_ = nullptr;
  void* tsan_outside_ = nullptr;
};

}  // namespace weft::weak
