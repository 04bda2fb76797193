#include "engine/base/log.hh"

#include <gtest/gtest.h>

#include <string>

namespace weft::base {
namespace {

constexpr std::int64_t kThen = 1'767'323'045'678;  // 2026-01-02T03:04:05.678Z

TEST(Log, TextLineHasTimeLevelMessageAndFields) {
  EXPECT_EQ(format_log_line(LogFormat::kText, LogLevel::kInfo, kThen, "link ready",
                            {{"device", "P56IOI7"}, {"bytes", 12u}, {"delta", -3}, {"weft", true}, {"rate", 0.5}}),
            "2026-01-02T03:04:05.678Z info  link ready device=P56IOI7 bytes=12 delta=-3 weft=true rate=0.5");
}

TEST(Log, TextValuesThatCouldBeMisreadAreQuoted) {
  EXPECT_EQ(format_log_line(LogFormat::kText, LogLevel::kError, kThen, "m", {{"a", "two words"}, {"b", ""}, {"c", "x=y"}}),
            "2026-01-02T03:04:05.678Z error m a=\"two words\" b=\"\" c=\"x=y\"");
}

TEST(Log, AFieldCannotForgeALine) {
  const std::string line =
      format_log_line(LogFormat::kText, LogLevel::kWarn, kThen, "m", {{"name", "x\n2026 info all well\x1b[2J"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_NE(line.find("x\\n2026 info all well\\u001b[2J"), std::string::npos);
}

TEST(Log, JsonEscapesAndReplacesWhatIsNoUtf8) {
  EXPECT_EQ(format_log_line(LogFormat::kJson, LogLevel::kDebug, kThen, "a \"b\"",
                            {{"s", "\\ \xff\xc3\xa9 \xed\xa0\x80"}, {"n", 7u}, {"f", false}}),
            "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"debug\",\"message\":\"a \\\"b\\\"\","
            "\"s\":\"\\\\ \\ufffd\xc3\xa9 \\ufffd\\ufffd\\ufffd\",\"n\":7,\"f\":false}");
}

TEST(Log, JsonHasNoWordForInfinity) {
  const std::string line = format_log_line(LogFormat::kJson, LogLevel::kInfo, kThen, "m", {{"x", 1.0 / 0.0}});
  EXPECT_NE(line.find("\"x\":null"), std::string::npos);
}

TEST(Log, LongValuesAreCut) {
  const std::string line =
      format_log_line(LogFormat::kText, LogLevel::kInfo, kThen, "m", {{"x", std::string(100'000, 'a')}});
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

TEST(Log, ConfiguredLevelDecides) {
  configure_log(LogLevel::kWarn, LogFormat::kText);
  EXPECT_FALSE(log_enabled(LogLevel::kInfo));
  EXPECT_TRUE(log_enabled(LogLevel::kWarn));
  testing::internal::CaptureStderr();
  log(LogLevel::kInfo, "quiet");
  log(LogLevel::kError, "loud", {{"n", 1}});
  const std::string written = testing::internal::GetCapturedStderr();
  configure_log(LogLevel::kInfo, LogFormat::kText);
  EXPECT_EQ(written.find("quiet"), std::string::npos);
  EXPECT_TRUE(written.ends_with("loud n=1\n"));
}

}  // namespace
}  // namespace weft::base
