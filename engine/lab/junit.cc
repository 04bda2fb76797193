#include "engine/lab/junit.hh"

#include <fmt/format.h>

#include <pugixml.hpp>
#include <sstream>

namespace weft::lab {
namespace {

// What XML 1.0 cannot hold, even escaped, comes from logs of a weft that died.
std::string clean(const std::string& text) {
  std::string out = text;
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') c = '?';
  return out;
}

void set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(clean(value).c_str());
}

struct Counts {
  int tests = 0, failures = 0, errors = 0;
};

pugi::xml_node add_case(pugi::xml_node suite, const std::string& run, const std::string& name, double seconds,
                        Counts& counts) {
  pugi::xml_node node = suite.append_child("testcase");
  set(node, "classname", run);
  set(node, "name", name);
  set(node, "time", fmt::format("{:.3f}", seconds));
  ++counts.tests;
  return node;
}

void add_error(pugi::xml_node node, const std::string& text, Counts& counts) {
  pugi::xml_node error = node.append_child("error");
  set(error, "message", text.substr(0, text.find('\n')));
  error.text().set(clean(text).c_str());
  ++counts.errors;
}

void add_run(pugi::xml_node suite, const RunReport& run, Counts& counts) {
  if (!run.error.empty()) return add_error(add_case(suite, run.name, "run", run.wall_s, counts), run.error, counts);
  bool first = true;
  for (const Verdict& verdict : run.verdicts) {
    // The run's time stands once, so that the suite's sum is right.
    const pugi::xml_node node = add_case(suite, run.name, verdict.what, first ? run.wall_s : 0, counts);
    first = false;
    if (verdict.held) continue;
    pugi::xml_node failure = pugi::xml_node(node).append_child("failure");
    set(failure, "message", fmt::format("{}: {}{}", verdict.seen, verdict.wanted,
                                        verdict.margin.empty() ? "" : " (" + verdict.margin + ")"));
    failure.text().set(clean(verdict.sentence).c_str());
    ++counts.failures;
  }
}

void add_properties(pugi::xml_node suite, const Report& report) {
  pugi::xml_node properties = suite.append_child("properties");
  const auto add = [&](const std::string& name, const std::string& value) {
    pugi::xml_node property = properties.append_child("property");
    set(property, "name", name);
    set(property, "value", value);
  };
  add("file", report.file);
  add("seed", std::to_string(report.seed));
  for (std::size_t i = 0; i < report.links.size(); ++i) add("link." + report.links[i], report.described[i]);
  for (const RunReport& run : report.runs) {
    if (!run.error.empty()) continue;
    add(run.name + ".goodput_mbit", fmt::format("{:.2f}", run.figures.goodput_Bps * 8 / 1e6));
    add(run.name + ".longest_wait_ms", fmt::format("{:.1f}", run.figures.stall_s * 1e3));
  }
}

void set_counts(pugi::xml_node node, const Counts& counts) {
  set(node, "tests", std::to_string(counts.tests));
  set(node, "failures", std::to_string(counts.failures));
  set(node, "errors", std::to_string(counts.errors));
}

}  // namespace

std::string junit_xml(std::span<const Report> reports) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  set(declaration, "version", "1.0");
  set(declaration, "encoding", "UTF-8");
  pugi::xml_node suites = document.append_child("testsuites");
  Counts all;
  for (const Report& report : reports) {
    pugi::xml_node suite = suites.append_child("testsuite");
    set(suite, "name", report.title);
    set(suite, "timestamp", report.when);
    set(suite, "time", fmt::format("{:.3f}", report.wall_s));
    add_properties(suite, report);
    Counts counts;
    for (const RunReport& run : report.runs) add_run(suite, run, counts);
    if (!report.error.empty() || report.interrupted)
      add_error(add_case(suite, "scenario", "start", 0, counts),
                report.error.empty() ? "interrupted before its last run" : report.error, counts);
    set_counts(suite, counts);
    all.tests += counts.tests;
    all.failures += counts.failures;
    all.errors += counts.errors;
  }
  set_counts(suites, all);
  std::ostringstream out;
  document.save(out, "  ");
  return out.str();
}

}  // namespace weft::lab
