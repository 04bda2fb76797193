#include "engine/base/log.hh"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>

namespace weft::base {
namespace {

constexpr std::array<std::string_view, 5> kLevelNames = {"trace", "debug", "info", "warn", "error"};

// writer: configure_log(), once, before other threads exist; readers: every thread that logs.
//   relaxed  they publish nothing but themselves, and a line more or less at the change is harmless.
std::atomic<LogLevel> level_now{LogLevel::kInfo};
std::atomic<LogFormat> format_now{LogFormat::kText};

spdlog::logger& sink() {
  // Made on first use. spdlog's sink locks, so that lines of two threads never mix; its pattern adds nothing.
  static const std::unique_ptr<spdlog::logger> logger = [] {
    auto made = std::make_unique<spdlog::logger>("weft", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

// Length of the UTF-8 sequence at the front of `rest` when it is well formed, else 0.
std::size_t utf8_length(std::string_view rest) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 && first <= 0xF4 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (first > 0xF4 || length == 0 || rest.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((at(i) & 0xC0) != 0x80) return 0;
  if ((first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) > 0x9F)) return 0;
  if ((first == 0xF0 && at(1) < 0x90) || (first == 0xF4 && at(1) > 0x8F)) return 0;
  return length;
}

// Both formats quote the same way: JSON's escapes, and \ufffd for bytes that are no UTF-8.
void append_quoted(std::string& out, std::string_view text) {
  const bool cut = text.size() > kLogValueBytesMax;
  text = text.substr(0, kLogValueBytesMax);
  out += '"';
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = utf8_length(text);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape;
    } else if (length == 0) {
      out += "\\ufffd";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  if (cut) out += "...";
  out += '"';
}

bool is_plain(std::string_view text) {
  if (text.empty() || text.size() > kLogValueBytesMax) return false;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u <= 0x20 || u >= 0x7F || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

void append_value(std::string& out, LogFormat format, const Field::Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (format == LogFormat::kText && is_plain(*text)) out += *text;
    else append_quoted(out, *text);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*number);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
    out += std::to_string(*natural);
  } else {
    const double real = std::get<double>(value);
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.6g", real);
    // JSON has no word for infinities and NaN.
    out += real - real == 0.0 ? digits : "null";
  }
}

void append_time(std::string& out, std::int64_t unix_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> at{milliseconds{unix_ms}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  out += text;
}

}  // namespace

void configure_log(LogLevel level, LogFormat format) {
  level_now.store(level, std::memory_order_relaxed);
  format_now.store(format, std::memory_order_relaxed);
}

bool log_enabled(LogLevel level) noexcept { return level >= level_now.load(std::memory_order_relaxed); }

void log(LogLevel level, std::string_view message, std::initializer_list<Field> fields) {
  if (!log_enabled(level)) return;
  using namespace std::chrono;
  const auto unix_ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  const LogFormat format = format_now.load(std::memory_order_relaxed);
  const std::string line = format_log_line(format, level, unix_ms, message, fields);
  sink().log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

bool parse_log_level(std::string_view word, LogLevel& out) noexcept {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] != word) continue;
    out = static_cast<LogLevel>(i);
    return true;
  }
  return false;
}

bool parse_log_format(std::string_view word, LogFormat& out) noexcept {
  if (word != "text" && word != "json") return false;
  out = word == "json" ? LogFormat::kJson : LogFormat::kText;
  return true;
}

std::string format_log_line(LogFormat format, LogLevel level, std::int64_t unix_ms, std::string_view message,
                            std::initializer_list<Field> fields) {
  const std::string_view level_name = kLevelNames[static_cast<std::size_t>(level)];
  std::string line;
  line.reserve(160);
  if (format == LogFormat::kJson) {
    line += "{\"time\":\"";
    append_time(line, unix_ms);
    line += "\",\"level\":\"";
    line += level_name;
    line += "\",\"message\":";
    append_quoted(line, message);
    for (const Field& field : fields) {
      line += ',';
      append_quoted(line, field.key);
      line += ':';
      append_value(line, format, field.value);
    }
    line += '}';
    return line;
  }
  append_time(line, unix_ms);
  line += ' ';
  line += level_name;
  line.append(level_name.size() < 5 ? 2 : 1, ' ');
  line += message;
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, format, field.value);
  }
  return line;
}

}  // namespace weft::base
