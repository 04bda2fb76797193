// `weft lab`: scenarios read and checked whole, then run one after the other, told as they go and written at the end.
#include <algorithm>
#include <fstream>
#include <ostream>
#include <utility>

#include "engine/cli/commands.hh"
#include "engine/cli/lab_text.hh"
#include "engine/cli/workplace.hh"
#include "engine/lab/junit.hh"
#include "engine/lab/report_json.hh"
#include "engine/lab/runner.hh"
#include "engine/lab/scenario.hh"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;

class Teller final : public lab::Watcher {
 public:
  explicit Teller(const Io& io) : io_(io) {}
  void on_begin(const lab::Report& report) override { io_.out << lab_begin_text(report) << std::flush; }
  void on_run(const lab::Report& report, const lab::RunReport& run) override {
    io_.out << lab_run_text(report, run) << std::flush;
  }

 private:
  const Io& io_;
};

model::ConfigResult<std::vector<lab::Scenario>> read_all(const LabOptions& options) {
  std::vector<lab::Scenario> scenarios;
  for (const std::string& file : options.scenarios) {
    auto scenario = lab::read_scenario(file);
    if (!scenario) return tl::unexpected(scenario.error());
    if (options.seed) scenario->seed = *options.seed;
    if (!options.ports.empty())
      if (const auto laid = lab::read_ports(options.ports, *scenario); !laid) return tl::unexpected(laid.error());
    scenarios.push_back(std::move(*scenario));
  }
  return scenarios;
}

// Both directions of both sides' files stand on the disk at once, of all runs of a scenario.
std::uint64_t bytes_needed(const lab::Scenario& scenario) {
  double sum = 0;
  for (const lab::Run& run : scenario.runs) sum += 2 * scenario.payload_bytes(run);
  return static_cast<std::uint64_t>(sum) + (64u << 20);
}

bool write_to(const std::string& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  return static_cast<bool>(out.flush());
}

}  // namespace

int lab_command(const LabOptions& options, const Io& io) {
  const auto scenarios = read_all(options);
  if (!scenarios) return refuse(io, kWrong, scenarios.error());
  // Before minutes of work, not after them.
  for (const std::string& file : {options.junit, options.json})
    if (!file.empty() && !write_to(file, "")) return refuse(io, kWrong, file +
                                                            ": cannot be written; name another file");
  lab::StopSignal stop;
  HttpRest rest;
  Teller teller(io);
  std::vector<lab::Report> reports;
  for (const lab::Scenario& scenario : *scenarios) {
    const auto place = Workplace::make(options.keep.empty() ? options.directory : options.keep, !options.keep.empty());
    if (!place) return refuse(io, kFailed, place.error());
    std::error_code error;
    const fs::space_info space = fs::space(place->path(), error);
    if (!error && !scenario.a.attached() && space.available < bytes_needed(scenario))
      return refuse(io, kFailed, place->path().parent_path().string() + ": " +
                    std::to_string(space.available / 1'000'000) +
                                     " MB are free and " + scenario.file + " wants " +
                                     std::to_string(bytes_needed(scenario) / 1'000'000) +
                                         "; choose another place by --dir");
    if (!options.keep.empty()) io.out << "\nHomes, logs and files: " << place->path().string() << "\n";
    reports.push_back(lab::run_scenario(scenario, rest, stop, {place->path()}, teller));
    if (stop.came()) break;
  }
  io.out << lab_end_text(reports) << std::flush;
  if (!options.junit.empty() && !write_to(options.junit, lab::junit_xml(reports)))
    return refuse(io, kFailed, options.junit + ": cannot be written; is the disk full?");
  if (!options.json.empty() && !write_to(options.json, lab::report_json(reports)))
    return refuse(io, kFailed, options.json + ": cannot be written; is the disk full?");
  return std::ranges::all_of(reports, &lab::Report::held) ? kDone : kFailed;
}

}  // namespace weft::cli
