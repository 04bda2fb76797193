// The control plane's log: one line per event, structured, to standard error.
// Callers: everything that runs on the control thread or its workers. Never a data core: those count and trace.
// Threads:  log() from any thread; configure_log() once at start, before other threads exist.
// Formats:  text  2026-01-02T03:04:05.678Z info  link ready device=ABCDEFG address="tcp://host:22000"
//           JSON  {"time":"…","level":"info","message":"link ready","device":"ABCDEFG",…}
// Bounds:   a text value is cut at kLogValueBytesMax and control characters are escaped, so that a peer's name can
//           neither flood the log nor forge a line. Key material and API keys are never passed as fields.
// The level and format are the one process-wide setting here: a library that fails must be able to say so without
// a logger having been handed down to it. spdlog is included by log.cc alone.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace weft::base {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError };
enum class LogFormat : std::uint8_t { kText, kJson };

inline constexpr std::size_t kLogValueBytesMax = 512;

// One key=value of a line. Views must live until log() returns, which a temporary in the call does.
struct Field {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
  std::string_view key;
  Value value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  template <std::signed_integral T> Field(std::string_view k, T v) : key(k), value(std::int64_t{v}) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  Field(std::string_view k, T v) : key(k), value(std::uint64_t{v}) {}
};

// Before the first call: level info, text.
void configure_log(LogLevel level, LogFormat format);
[[nodiscard]] bool log_enabled(LogLevel level) noexcept;
void log(LogLevel level, std::string_view message, std::initializer_list<Field> fields = {});

// "trace" … "error"; false when the word is none of them and `out` is left alone.
[[nodiscard]] bool parse_log_level(std::string_view word, LogLevel& out) noexcept;
[[nodiscard]] bool parse_log_format(std::string_view word, LogFormat& out) noexcept;

// The line that log() writes, without its newline. `unix_ms` is the wall clock in milliseconds.
[[nodiscard]] std::string format_log_line(LogFormat format, LogLevel level, std::int64_t unix_ms,
                                          std::string_view message, std::initializer_list<Field> fields);

}  // namespace weft::base
