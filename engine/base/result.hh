// Result<T>: the world's errors (disk, network, configuration), returned and never thrown.
// Error is 24 bytes, trivially copyable, no heap: code, errno, static text.
// Use TRY(expression) to return early. Our own bugs are MUST; a peer's nonsense is counted and dropped.
#pragma once

#include <cstdint>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace weft::base {

enum class Errc : std::uint16_t {
  kInvalidArgument,   // a caller or user gave something unusable
  kInvalidConfig,     // configuration refused; `text` says the remedy
  kNotFound,
  kExists,
  kPermission,
  kNoSpace,           // disk full or quota
  kReadOnly,          // read-only file system
  kIo,                // any other error of disk or device, see sys_errno
  kCorrupt,           // stored or received data does not decode
  kUnsupported,
  kLimit,             // a bound of ours was reached
  kProtocol,          // the peer broke the protocol
  kCrypto,            // certificate, key or AEAD
  kTimeout,
  kClosed,            // the other side or we closed it
  kUnavailable,       // not now: no path, no device, no memory
};

struct Error {
  Errc code = Errc::kIo;
  int sys_errno = 0;             // 0 where no system call failed
  const char* text = "";         // static storage, one clause, no trailing full stop
};
static_assert(std::is_trivially_copyable_v<Error>);

template <typename T> using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, const char* text, int sys_errno = 0) {
  return tl::unexpected<Error>(Error{code, sys_errno, text});
}
// The code that an errno of a file operation stands for.
[[nodiscard]] Errc errc_of_errno(int sys_errno) noexcept;
[[nodiscard]] const char* name_of(Errc code) noexcept;
[[nodiscard]] inline tl::unexpected<Error> fail_errno(int sys_errno, const char* text) {
  return fail(errc_of_errno(sys_errno), text, sys_errno);
}

// The value of a Result that holds one; for TRY.
template <typename T> T take_value(Result<T>& result) { return std::move(*result); }
inline void take_value(Status&) {}

}  // namespace weft::base

// `auto x = TRY(f());` returns f()'s error from the enclosing function. A GNU statement expression: GCC and clang.
#define TRY(expression)                                                              \
  __extension__({                                                                    \
    auto try_result_ = (expression);                                                 \
    if (!try_result_) [[unlikely]]                                                   \
      return ::tl::unexpected<::weft::base::Error>(try_result_.error());             \
    ::weft::base::take_value(try_result_);                                           \
  })
