#include "engine/base/log.hh"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <span>

namespace weft::base {
namespace {

constexpr std::array<std::string_view, 5> kLevelNames = {"trace", "debug", "info", "warn", "error"};

// writers: configure_log(), once, before other threads exist, and set_log_level(); readers: every thread that logs.
//   relaxed  they publish nothing but themselves, and a line more or less at the change is harmless.
std::array<std::atomic<LogLevel>, 6> levels_now = {LogLevel::kInfo, LogLevel::kInfo, LogLevel::kInfo,
                                                   LogLevel::kInfo, LogLevel::kInfo, LogLevel::kInfo};
// writer: configure_log(), once, before other threads exist; readers: every thread that logs.
//   relaxed  it publishes nothing but itself.
std::atomic<LogFormat> format_now{LogFormat::kText};
static_assert(levels_now.size() == kSubsystemNames.size());

// One of an enumeration's names, which stand in its order.
template <typename Enum>
bool parse_word(std::span<const std::string_view> names, std::string_view word, Enum& out) noexcept {
  const auto found = std::find(names.begin(), names.end(), word);
  if (found == names.end()) return false;
  out = static_cast<Enum>(found - names.begin());
  return true;
}

// Left-justified, so that what follows stands in a column.
void append_column(std::string& line, std::string_view word, std::size_t width) {
  line += ' ';
  line += word;
  line.append(width - std::min(width, word.size()), ' ');
}

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

void configure_log(const LogLevels& wanted, LogFormat format) {
  for (std::size_t i = 0; i < wanted.size(); ++i) set_log_level(static_cast<Subsystem>(i), wanted[i]);
  format_now.store(format, std::memory_order_relaxed);
}

void set_log_level(Subsystem subsystem, LogLevel level) noexcept {
  levels_now[static_cast<std::size_t>(subsystem)].store(level, std::memory_order_relaxed);
}

LogLevel log_level(Subsystem subsystem) noexcept {
  return levels_now[static_cast<std::size_t>(subsystem)].load(std::memory_order_relaxed);
}

bool log_enabled(Subsystem subsystem, LogLevel level) noexcept { return level >= log_level(subsystem); }

void log(Subsystem subsystem, LogLevel level, std::string_view message, std::initializer_list<Field> fields) {
  if (!log_enabled(subsystem, level)) return;
  using namespace std::chrono;
  const auto unix_ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  const LogFormat format = format_now.load(std::memory_order_relaxed);
  const std::string line = format_log_line(format, subsystem, level, unix_ms, message, fields);
  sink().log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

std::string_view name_of(LogLevel level) noexcept { return kLevelNames[static_cast<std::size_t>(level)]; }

bool parse_log_level(std::string_view word, LogLevel& out) noexcept { return parse_word(kLevelNames, word, out); }

bool parse_subsystem(std::string_view word, Subsystem& out) noexcept { return parse_word(kSubsystemNames, word, out); }

bool parse_log_levels(std::string_view words, LogLevels& out) noexcept {
  LogLevels read = out;
  while (true) {
    const std::string_view word = words.substr(0, words.find(','));
    const std::size_t equals = word.find('=');
    LogLevel level{};
    Subsystem subsystem{};
    if (!parse_log_level(equals == word.npos ? word : word.substr(equals + 1), level)) return false;
    if (equals == word.npos) read = all_at(level);
    else if (parse_subsystem(word.substr(0, equals), subsystem)) read[static_cast<std::size_t>(subsystem)] = level;
    else return false;
    if (word.size() == words.size()) break;
    words.remove_prefix(word.size() + 1);
  }
  out = read;
  return true;
}

bool parse_log_format(std::string_view word, LogFormat& out) noexcept {
  if (word != "text" && word != "json") return false;
  out = word == "json" ? LogFormat::kJson : LogFormat::kText;
  return true;
}

std::string format_log_line(LogFormat format, Subsystem subsystem, LogLevel level, std::int64_t unix_ms,
                            std::string_view message, std::initializer_list<Field> fields) {
  const std::string_view level_name = name_of(level);
  const std::string_view subsystem_name = kSubsystemNames[static_cast<std::size_t>(subsystem)];
  std::string line;
  line.reserve(160);
  if (format == LogFormat::kJson) {
    line += "{\"time\":\"";
    append_time(line, unix_ms);
    line += "\",\"level\":\"";
    line += level_name;
    line += "\",\"subsystem\":\"";
    line += subsystem_name;
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
  append_column(line, level_name, 5);
  append_column(line, subsystem_name, 7);
  line += ' ';
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
