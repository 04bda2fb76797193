// The verdict on a world: the first promise that was seen broken, in the words of the checker that saw it.
// A broken promise does not end the turn (agents do not throw); the world stops after it.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>

namespace weft::sim {

class Checks {
 public:
  // `checker` names the promise: "wrong byte", "nonce twice", …
  [[gnu::format(printf, 3, 4)]] void fail(const char* checker, const char* format, ...) {
    if (failed()) return;  // what follows a broken promise is its consequence
    checker_ = checker;
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    text_ = text;
  }
  [[nodiscard]] bool failed() const { return checker_ != nullptr; }
  [[nodiscard]] const char* checker() const { return checker_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  const char* checker_ = nullptr;
  std::string text_;
};

}  // namespace weft::sim
