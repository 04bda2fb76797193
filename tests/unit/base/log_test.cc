#include "engine/base/log.hh"

#include <gtest/gtest.h>

#include <string>

namespace weft::base {
namespace {

constexpr std::int64_t kThen = 1'767'323'045'678;  // 2026-01-02T03:04:05.678Z

TEST(Log, TextLineHasTimeLevelMessageAndFields) {
  EXPECT_EQ(format_log_line(LogFormat::kText, Subsystem::kLinks, LogLevel::kInfo, kThen, "link ready",
                            {{"device", "P56IOI7"}, {"bytes", 12u}, {"delta", -3}, {"weft", true}, {"rate", 0.5}}),
            "2026-01-02T03:04:05.678Z info  links   link ready device=P56IOI7 bytes=12 delta=-3 weft=true rate=0.5");
}

TEST(Log, TextValuesThatCouldBeMisreadAreQuoted) {
  EXPECT_EQ(format_log_line(LogFormat::kText, Subsystem::kLinks, LogLevel::kError, kThen, "m",
                            {{"a", "two words"}, {"b", ""}, {"c", "x=y"}}),
            "2026-01-02T03:04:05.678Z error links   m a=\"two words\" b=\"\" c=\"x=y\"");
}

TEST(Log, AFieldCannotForgeALine) {
  const std::string line =
      format_log_line(LogFormat::kText, Subsystem::kLinks, LogLevel::kWarn, kThen, "m",
                      {{"name", "x\n2026 info all well\x1b[2J"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_NE(line.find("x\\n2026 info all well\\u001b[2J"), std::string::npos);
}

TEST(Log, JsonEscapesAndReplacesWhatIsNoUtf8) {
  EXPECT_EQ(format_log_line(LogFormat::kJson, Subsystem::kLinks, LogLevel::kDebug, kThen, "a \"b\"",
                            {{"s", "\\ \xff\xc3\xa9 \xed\xa0\x80"}, {"n", 7u}, {"f", false}}),
            "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"debug\",\"subsystem\":\"links\",\"message\":\"a \\\"b\\\"\","
            "\"s\":\"\\\\ \\ufffd\xc3\xa9 \\ufffd\\ufffd\\ufffd\",\"n\":7,\"f\":false}");
}

TEST(Log, JsonHasNoWordForInfinity) {
  const std::string line = format_log_line(LogFormat::kJson, Subsystem::kLinks, LogLevel::kInfo, kThen, "m", {{"x", 1.0 / 0.0}});
  EXPECT_NE(line.find("\"x\":null"), std::string::npos);
}

TEST(Log, LongValuesAreCut) {
  const std::string line =
      format_log_line(LogFormat::kText, Subsystem::kLinks, LogLevel::kInfo, kThen, "m", {{"x", std::string(100'000, 'a')}});
  EXPECT_LT(line.size(), kLogValueBytesMax + 100);
  EXPECT_TRUE(line.ends_with("...\""));
}

TEST(Log, LevelsAndFormatsParseByName) {
  LogLevel level = LogLevel::kInfo;
  EXPECT_TRUE(parse_log_level("trace", level));
  EXPECT_EQ(level, LogLevel::kTrace);
  EXPECT_FALSE(parse_log_level("verbose", level));
  EXPECT_EQ(level, LogLevel::kTrace);
  LogFormat format = LogFormat::kText;
  EXPECT_TRUE(parse_log_format("json", format));
  EXPECT_EQ(format, LogFormat::kJson);
  EXPECT_FALSE(parse_log_format("xml", format));
}

TEST(Log, LevelsOfSubsystemsParse) {
  LogLevels levels = all_at(LogLevel::kInfo);
  const auto of = [&](Subsystem subsystem) { return levels[static_cast<std::size_t>(subsystem)]; };
  EXPECT_TRUE(parse_log_levels("links=debug", levels));
  EXPECT_EQ(of(Subsystem::kLinks), LogLevel::kDebug);
  EXPECT_EQ(of(Subsystem::kPaths), LogLevel::kInfo);
  EXPECT_TRUE(parse_log_levels("warn,api=trace", levels));
  EXPECT_EQ(of(Subsystem::kLinks), LogLevel::kWarn);
  EXPECT_EQ(of(Subsystem::kApi), LogLevel::kTrace);
}

TEST(Log, LevelsThatAreWrongChangeNothing) {
  for (const char* const wrong : {"", "verbose", "links", "links=", "links=debug,", ",links=debug", "link=debug",
                                  "links=debug=warn", "links =debug", "error,links=loud"}) {
    LogLevels levels = all_at(LogLevel::kInfo);
    EXPECT_FALSE(parse_log_levels(wrong, levels)) << wrong;
    EXPECT_EQ(levels, all_at(LogLevel::kInfo)) << wrong;
  }
}

class LogToStderr : public testing::Test {
 public:
  ~LogToStderr() override { configure_log(all_at(LogLevel::kInfo), LogFormat::kText); }
};

TEST_F(LogToStderr, ConfiguredLevelDecides) {
  configure_log(all_at(LogLevel::kWarn), LogFormat::kText);
  EXPECT_FALSE(log_enabled(Subsystem::kLinks, LogLevel::kInfo));
  EXPECT_TRUE(log_enabled(Subsystem::kLinks, LogLevel::kWarn));
  testing::internal::CaptureStderr();
  log(Subsystem::kLinks, LogLevel::kInfo, "quiet");
  log(Subsystem::kLinks, LogLevel::kError, "loud", {{"n", 1}});
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_EQ(written.find("quiet"), std::string::npos);
  EXPECT_TRUE(written.ends_with("loud n=1\n"));
}

TEST_F(LogToStderr, ASubsystemsLevelIsItsOwnAndChangesAtOnce) {
  set_log_level(Subsystem::kPaths, LogLevel::kTrace);
  EXPECT_TRUE(log_enabled(Subsystem::kPaths, LogLevel::kTrace));
  EXPECT_FALSE(log_enabled(Subsystem::kLinks, LogLevel::kDebug));
  EXPECT_EQ(log_level(Subsystem::kPaths), LogLevel::kTrace);
  set_log_level(Subsystem::kPaths, LogLevel::kError);
  EXPECT_FALSE(log_enabled(Subsystem::kPaths, LogLevel::kWarn));
  EXPECT_TRUE(log_enabled(Subsystem::kLinks, LogLevel::kInfo));
}

}  // namespace
}  // namespace weft::base
