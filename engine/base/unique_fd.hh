// UniqueFd: owns one file descriptor and closes it; the RAII of every fd in control code.
// Threads: as any value; moving it moves ownership. Data cores hold plain ints that control owns.
#pragma once

#include <unistd.h>

#include <utility>

namespace weft::base {

class UniqueFd {
 public:
  constexpr UniqueFd() noexcept = default;
  constexpr explicit UniqueFd(int fd) noexcept : fd_(fd) {}  // a negative fd is "none"
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  // Gives ownership to the caller.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  // close() is not tried again on EINTR: on Linux the descriptor is gone either way. Whoever must
  // know that written bytes are safe calls fsync() first.
  void reset(int fd = -1) noexcept {
    const int old = std::exchange(fd_, fd);
    if (old >= 0) ::close(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace weft::base
