// One report in its three forms: JUnit XML that an XML reader takes, JSON, and text for people.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "engine/cli/lab_text.hh"
#include "engine/lab/junit.hh"
#include "engine/lab/report_json.hh"

namespace weft::lab {
namespace {

Report report() {
  Report out;
  out.file = "two.toml";
  out.title = "Two <equal> \"paths\" & more";
  out.seed = 7;
  out.links = {"left", "right"};
  out.described = {"400 Mbit/s; shared memory", "200 Mbit/s; shared memory"};
  out.when = "2024-05-01T12:00:00Z";
  out.wall_s = 12.5;
  RunReport good;
  good.name = "left-alone";
  good.links = {"left"};
  good.wall_s = 4;
  good.figures.by_link = {1'000'000, 0};
  good.figures.up_s = {1, 0};
  good.figures.payload = 1'000'000;
  good.figures.goodput_Bps = 50e6;
  good.verdicts = {{.what = "every_byte_right", .sentence = "files compared byte by byte", .held = true, .seen =
                    "all equal"}};
  RunReport bad = good;
  bad.name = "both";
  bad.links = {"left", "right"};
  bad.figures.by_link = {600'000, 400'000};
  bad.figures.back = {{1, 3.0, 0.5}, {0, 4.0, std::nullopt}};
  bad.story = {"  1.50 s  right goes silent"};
  bad.verdicts.push_back({.what = "of_sum_min", .sentence = "goodput of the sum", .held = false, .seen = "97.0 %",
                          .wanted = "at least 98.5 %", .margin = "1.5 points short"});
  RunReport broken;
  broken.name = "broken";
  broken.links = {"right"};
  broken.error = "side b was killed by signal 9; its log ends with\n\x1b[31mlast <line>\x01";
  out.runs = {good, bad, broken};
  return out;
}

TEST(ReportForms, JUnitIsWellFormedAndCounts) {
  const std::vector<Report> reports = {report()};
  const std::string text = junit_xml(reports);
  pugi::xml_document document;
  const auto parsed = document.load_string(text.c_str());
  ASSERT_TRUE(parsed) << parsed.description() << "\n" << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);          // XML 1.0 has no such character
  const pugi::xml_node suite = document.child("testsuites").child("testsuite");
  EXPECT_STREQ(suite.attribute("name").value(), "Two <equal> \"paths\" & more");
  EXPECT_EQ(suite.attribute("tests").as_int(), 4);
  EXPECT_EQ(suite.attribute("failures").as_int(), 1);
  EXPECT_EQ(suite.attribute("errors").as_int(), 1);
  EXPECT_EQ(document.child("testsuites").attribute("tests").as_int(), 4);
  int cases = 0;
  for (const pugi::xml_node node : suite.children("testcase")) {
    ++cases;
    EXPECT_STRNE(node.attribute("name").value(), "");
    EXPECT_STRNE(node.attribute("classname").value(), "");
  }
  EXPECT_EQ(cases, 4);
  const pugi::xml_node failed = suite.find_child_by_attribute("testcase", "name", "of_sum_min");
  EXPECT_STREQ(failed.attribute("classname").value(), "both");
  EXPECT_STREQ(failed.child("failure").attribute("message").value(), "97.0 %: at least 98.5 % (1.5 points short)");
  EXPECT_STREQ(suite.find_child_by_attribute("testcase", "classname",
                                             "broken").child("error").attribute("message").value(),
               "side b was killed by signal 9; its log ends with");
  EXPECT_STREQ(suite.child("properties").find_child_by_attribute("name", "seed").attribute("value").value(), "7");
}

TEST(ReportForms, JUnitOfWhatCouldNotStart) {
  Report none;
  none.title = "none";
  none.error = "side a listens on nothing";
  const std::vector<Report> reports = {none};
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(junit_xml(reports).c_str()));
  EXPECT_EQ(document.child("testsuites").attribute("errors").as_int(), 1);
}

TEST(ReportForms, JsonHoldsTheFigures) {
  const std::vector<Report> reports = {report()};
  const auto json = nlohmann::json::parse(report_json(reports))["reports"][0];
  EXPECT_EQ(json["seed"], 7);
  EXPECT_EQ(json["held"], false);
  ASSERT_EQ(json["runs"].size(), 3u);
  EXPECT_EQ(json["runs"][0]["figures"]["goodput_mbit"], 400.0);
  EXPECT_EQ(json["runs"][1]["figures"]["bytes_by_link"]["right"], 400'000);
  EXPECT_EQ(json["runs"][1]["figures"]["back_in_use"][0]["after_s"], 0.5);
  EXPECT_TRUE(json["runs"][1]["figures"]["back_in_use"][1]["after_s"].is_null());
  EXPECT_EQ(json["runs"][1]["expectations"][1]["held"], false);
  EXPECT_TRUE(json["runs"][2]["figures"].is_null());
}

TEST(ReportForms, TextShowsWhatHeldAndByHowMuch) {
  const Report r = report();
  EXPECT_NE(cli::lab_begin_text(r).find("right  200 Mbit/s"), std::string::npos);
  const std::string both = cli::lab_run_text(r, r.runs[1]);
  EXPECT_NE(both.find("both: left + right"), std::string::npos);
  EXPECT_NE(both.find("goodput 400.0 Mbit/s"), std::string::npos);
  EXPECT_NE(both.find("left 60.0 %, right 40.0 %"), std::string::npos);
  EXPECT_NE(both.find("1.50 s  right goes silent"), std::string::npos);
  EXPECT_NE(both.find("FAIL  of_sum_min: 97.0 %, at least 98.5 % (1.5 points short)"), std::string::npos);
  EXPECT_NE(both.find("ok    every_byte_right: all equal"), std::string::npos);
  const std::string broken = cli::lab_run_text(r, r.runs[2]);
  EXPECT_NE(broken.find("ERROR"), std::string::npos);
  EXPECT_EQ(broken.find('\x1b'), std::string::npos);
  const std::vector<Report> reports = {r};
  const std::string end = cli::lab_end_text(reports);
  EXPECT_NE(end.find("FAILED"), std::string::npos);
  EXPECT_NE(end.find("2 of 3 expectations held, 1 run without figures"), std::string::npos);
  EXPECT_NE(end.find("Not all held."), std::string::npos);
}

TEST(ReportForms, HeldMeansEverything) {
  Report r = report();
  r.runs.resize(1);
  EXPECT_TRUE(r.held());
  r.interrupted = true;
  EXPECT_FALSE(r.held());
  r.interrupted = false;
  r.runs[0].verdicts[0].held = false;
  EXPECT_FALSE(r.held());
  r.runs.clear();
  EXPECT_FALSE(r.held());
}

}  // namespace
}  // namespace weft::lab
