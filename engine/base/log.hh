// The control plane's log: one line per event, structured, to standard error.
// Callers: everything that runs on the control thread or its workers. Never a data core: those count and trace.
// Threads:  log() and set_log_level() from any thread; configure_log() once at start, before other threads exist.
// Formats:  text  2026-01-02T03:04:05.678Z info  links   link ready device=ABCDEFG address="tcp://host:22000"
//           JSON  {"time":"…","level":"info","subsystem":"links","message":"link ready","device":"ABCDEFG",…}
// Bounds:   a text value is cut at kLogValueBytesMax and control characters are escaped, so that a peer's name can
//           neither flood the log nor forge a line. Key material and API keys are never passed as fields.
// The levels and the format are the one process-wide setting here: a library that fails must be able to say so without
// a logger having been handed down to it. spdlog is included by log.cc alone.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace weft::base {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError };
// What of weft a line is about. Each has a level of its own, which may change while weft runs.
enum class Subsystem : std::uint8_t {
  kDaemon,    // start, end, and what belongs to none of the others
  kLinks,     // listening, dialling, TLS, the health of links
  kPaths,     // sessions with wefts, their paths and health
  kPorts,     // network ports and DPDK
  kFolders,   // index, scans, transfers
  kApi,
};
inline constexpr std::array<std::string_view, 6> kSubsystemNames = {"daemon", "links", "paths", "ports", "folders", "api"};

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

using LogLevels = std::array<LogLevel, kSubsystemNames.size()>;   // by Subsystem
[[nodiscard]] constexpr LogLevels all_at(LogLevel level) noexcept {
  LogLevels levels{};
  levels.fill(level);
  return levels;
}

// Before the first call: level info, text.
void configure_log(const LogLevels& levels, LogFormat format);
void set_log_level(Subsystem subsystem, LogLevel level) noexcept;
[[nodiscard]] LogLevel log_level(Subsystem subsystem) noexcept;
[[nodiscard]] bool log_enabled(Subsystem subsystem, LogLevel level) noexcept;
void log(Subsystem subsystem, LogLevel level, std::string_view message, std::initializer_list<Field> fields = {});

[[nodiscard]] std::string_view name_of(LogLevel level) noexcept;
// These are false when the word is none of them and `out` is left alone. Levels: "trace" … "error".
[[nodiscard]] bool parse_log_level(std::string_view word, LogLevel& out) noexcept;
[[nodiscard]] bool parse_subsystem(std::string_view word, Subsystem& out) noexcept;
// "debug", or "info,links=debug,paths=warn": a level alone is that of all, and those after it say more.
[[nodiscard]] bool parse_log_levels(std::string_view words, LogLevels& out) noexcept;
[[nodiscard]] bool parse_log_format(std::string_view word, LogFormat& out) noexcept;

// The line that log() writes, without its newline. `unix_ms` is the wall clock in milliseconds.
[[nodiscard]] std::string format_log_line(LogFormat format, Subsystem subsystem, LogLevel level, std::int64_t unix_ms,
                                          std::string_view message, std::initializer_list<Field> fields);

}  // namespace weft::base
