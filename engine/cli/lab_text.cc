#include "engine/cli/lab_text.hh"

#include <fmt/format.h>

#include <algorithm>

#include "engine/cli/table_text.hh"

namespace weft::cli {
namespace {

std::string mbit(double Bps) { return fmt::format("{:.1f} Mbit/s", Bps * 8 / 1e6); }

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string shares_text(const lab::Report& report, const lab::Figures& f) {
  std::uint64_t paths = 0;
  for (const std::uint64_t bytes : f.by_link) paths += bytes;
  std::string out;
  for (std::size_t i = 0; i < report.links.size(); ++i)
    if (f.by_link[i] > 0) out += fmt::format("{} {:.1f} %, ", report.links[i], share(f.by_link[i], paths));
  return out + fmt::format("TLS link {:.1f} %; came twice {:.2f} %, sent again {:.2f} %", share(f.via_link, f.payload),
                           share(f.duplicate, f.payload), share(f.retransmitted, f.payload));
}

std::string figures_text(const lab::Report& report, const lab::Figures& f) {
  std::string out = fmt::format("    goodput {} (from {:.2f} to {:.2f} s), whole {}: {:.0f} MB in {:.2f} s\n",
                                mbit(f.goodput_Bps),
                                f.from_s, f.to_s, mbit(f.whole_Bps), static_cast<double>(f.payload) / 1e6, f.seconds);
  out += fmt::format("    {}\n", shares_text(report, f));
  if (f.stall_s > 0) out += fmt::format("    longest wait for a block {:.1f} ms, at {:.2f} s\n", f.stall_s * 1e3,
                                        f.stall_at_s);
  return out;
}

std::string verdict_text(const lab::Verdict& v) {
  std::string out = fmt::format("    {}  {}: {}", v.held ? "ok  " : "FAIL", v.what, safe_text(v.seen));
  if (!v.wanted.empty()) out += fmt::format(", {} ({})", v.wanted, v.margin);
  return out + fmt::format(" - {}\n", v.sentence);
}

struct Counts {
  std::size_t held = 0, all = 0, errors = 0;
};

Counts count(const lab::Report& report) {
  Counts counts;
  for (const lab::RunReport& run : report.runs) {
    counts.all += run.verdicts.size();
    counts.held += static_cast<std::size_t>(std::ranges::count_if(run.verdicts, &lab::Verdict::held));
    counts.errors += run.error.empty() ? 0 : 1;
  }
  return counts;
}

// Of several lines (the end of a log) each is indented.
std::string indented(const std::string& text) {
  std::string out = "    ";
  for (const char c : text) out += c == '\n' ? std::string("\n    ") : safe_text(std::string(1, c));
  return out + "\n";
}

}  // namespace

std::string lab_begin_text(const lab::Report& report) {
  std::string out = fmt::format("\n{}\n  {}, seed {}\n", safe_text(report.title), report.file, report.seed);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i =
       0; i < report.links.size(); ++i) rows.push_back({report.links[i], safe_text(report.described[i])});
  return out + table_text(rows);
}

std::string lab_run_text(const lab::Report& report, const lab::RunReport& run) {
  std::string links;
  for (const std::string& link : run.links) links += (links.empty() ? "" : " + ") + link;
  std::string out = fmt::format("\n  {}: {}\n", run.name, links);
  if (!run.error.empty()) return out + "    ERROR\n" + indented(run.error);
  out += figures_text(report, run.figures);
  for (const std::string& line : run.story) out += "    " + line + "\n";
  for (const lab::Verdict& verdict : run.verdicts) out += verdict_text(verdict);
  return out;
}

std::string lab_end_text(std::span<const lab::Report> reports) {
  std::vector<std::vector<std::string>> rows;
  bool held = true;
  for (const lab::Report& report : reports) {
    const Counts counts = count(report);
    std::string what = fmt::format("{} of {} expectations held", counts.held, counts.all);
    if (counts.errors > 0) what += fmt::format(", {} {} without figures", counts.errors, counts.errors == 1 ? "run"
                                               : "runs");
    if (!report.error.empty()) what = "could not start";
    if (report.interrupted) what += ", interrupted";
    rows.push_back({report.held() ? "passed" : "FAILED", safe_text(report.title), what,
                    fmt::format("{:.0f} s", report.wall_s)});
    held = held && report.held();
  }
  std::string out = "\n" + table_text(rows);
  for (const lab::Report& report : reports)
    if (!report.error.empty()) out += safe_text(report.title) + ":\n" + indented(report.error);
  return out + (held ? "\nAll held.\n" : "\nNot all held.\n");
}

}  // namespace weft::cli
