#include "engine/lab/runner.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "engine/api/text.hh"
#include "engine/lab/judge.hh"
#include "engine/lab/observer.hh"
#include "engine/lab/pair.hh"
#include "engine/lab/payload.hh"

namespace weft::lab {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kPathsS = 30;                  // for paths to be as a run wants them
constexpr double kNearlyAllPercent = 99.9;      // from here on it is asked whether everything is there
constexpr std::chrono::milliseconds kDoneEvery{100};

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

std::string describe(const Link& link, bool attached) {
  const Shape& s = link.shape;
  std::string out = s.rate_mbit > 0 ? fmt::format("{:g} Mbit/s, queue {:g} ms", s.rate_mbit, s.queue_ms)
      : "no limit of rate";
  if (s.delay_ms > 0 || s.jitter_ms > 0) out += fmt::format(", {:g} ms each way", s.delay_ms);
  if (s.jitter_ms > 0) out += fmt::format(" + up to {:g} ms", s.jitter_ms);
  if (s.loss_percent > 0) out += fmt::format(", {:g} % loss", s.loss_percent);
  out += fmt::format("; MTU {}; ", link.mtu);
  if (attached) return out + "ports of wefts that ran already";
  return out + (link.a.device.empty() ? "shared memory" : link.a.device + " -- " + link.b.device);
}

class Runner {
 public:
  Runner(const Scenario& scenario, Pair& pair, StopSignal& stop) : scenario_(scenario), pair_(pair), stop_(stop) {
    for (const Link& link : scenario.links) now_.push_back({.shape = link.shape});
  }

  RunReport run(const Run& run, std::size_t number) {
    const Clock::time_point begun = Clock::now();
    RunReport report;
    report.name = run.name;
    for (const std::size_t link : run.links) report.links.push_back(scenario_.links[link].name);
    if (const auto done = measure(run, number, report); !done) report.error = done.error();
    report.wall_s = seconds_since(begun);
    return report;
  }
  // What the runs left in folders that are not ours.
  void clean_up() {
    for (const auto& [which, directory] : made_) {
      std::error_code ignored;
      fs::remove_all(directory, ignored);
      (void)pair_.end(which).side->scan();
    }
  }

 private:
  struct Made {
    Which which = Which::kA;
    fs::path directory;
  };
  Verdict compare(const Made& made) const;
  ConfigResult<void> measure(const Run& run, std::size_t number, RunReport& report);
  ConfigResult<void> set_links(const Run& run, std::size_t number);
  ConfigResult<bool> paths_are_right(const Run& run);
  ConfigResult<void> make_files(const Run& run, std::size_t number);
  ConfigResult<void> watch(const Run& run, Observer& observer, std::uint64_t seed);
  ConfigResult<void> give(const Order& order);
  ConfigResult<bool> everything_is_there();

  const Scenario& scenario_;
  Pair& pair_;
  StopSignal& stop_;
  std::vector<LinkNow> now_;
  std::vector<Made> made_;
  std::array<std::uint64_t, 2> global_wanted_{};
  Alone alone_;
};

ConfigResult<void> Runner::measure(const Run& run, std::size_t number, RunReport& report) {
  if (auto done = set_links(run, number); !done) return done;
  if (auto done = pair_.wait_until(kPathsS, "exactly the paths of this run are in use on both sides",
                                   [&] { return paths_are_right(run); }); !done)
    return done;
  if (auto done = make_files(run, number); !done) return done;
  auto observer = Observer::begin(pair_, scenario_, run);
  if (!observer) return tl::unexpected(observer.error());
  for (const Which which : {Which::kA, Which::kB})
    if (auto done = pair_.end(which).side->scan(); !done) return done;
  const auto watched = watch(run, *observer, scenario_.seed + number);
  if (!watched) return watched;
  const Record record = observer->take_record();
  report.figures = figures_of(record, scenario_, run);
  for (const Given& given : record.orders)
    if (!given.order.flap) report.story.push_back(fmt::format("{:6.2f} s  {}", given.at_s - report.figures.first_s,
                                                              text_of(given.order, scenario_)));
  if (report.figures.flaps > 0) report.story.push_back(fmt::format("{} flaps", report.figures.flaps));
  if (run.links.size() == 1 && run.events.empty()) alone_.try_emplace(run.links[0], report.figures.goodput_Bps);
  report.verdicts.push_back(compare(made_.back()));
  for (Verdict& verdict : judge(scenario_, run, report.figures, alone_)) report.verdicts.push_back(std::move(verdict));
  return {};
}

ConfigResult<void> Runner::set_links(const Run& run, std::size_t number) {
  for (std::size_t i = 0; i < now_.size(); ++i) {
    now_[i] = {.shape = scenario_.links[i].shape,
               .silent = std::ranges::find(run.links, i) == run.links.end(),
               .seed = (std::uint64_t{scenario_.seed} << 16) + number * base::kPortsMax + i + 1};
    if (auto done = pair_.set_link(i, now_[i]); !done) return done;
    now_[i].seed = 0;                            // from here on the dice go on
  }
  return {};
}

ConfigResult<bool> Runner::paths_are_right(const Run& run) {
  for (const Which which : {Which::kA, Which::kB}) {
    const Which other = which == Which::kA ? Which::kB : Which::kA;
    const auto meter = pair_.end(which).side->meter(UINT64_MAX, pair_.end(other).about.device);
    if (!meter) return tl::unexpected(meter.error());
    for (std::size_t i = 0; i < scenario_.links.size(); ++i) {
      const bool wanted = std::ranges::find(run.links, i) != run.links.end();
      const bool used = std::ranges::any_of(meter->paths, [&](const Meter::Path& path) {
        return path.usable && path.port == pair_.port_name(which, i);
      });
      if (used != wanted) return false;
    }
  }
  return true;
}

ConfigResult<void> Runner::make_files(const Run& run, std::size_t number) {
  const std::string name = fmt::format("weft-lab-{}-{}-{}", scenario_.seed, number, run.name);
  for (const Which which : {Which::kA, Which::kB}) {
    const auto state = pair_.end(which).side->folder();
    if (!state) return tl::unexpected(state.error());
    global_wanted_[static_cast<std::size_t>(which)] = state->global_bytes;
  }
  std::size_t index = 0;
  for (const Transfer& transfer : scenario_.transfers) {
    const Which source = transfer.from_a ? Which::kA : Which::kB;
    const fs::path folder = pair_.end(source).about.folder_path;
    if (std::error_code error; !fs::is_directory(folder, error))
      return tl::unexpected(folder.string() +
                            " is not on this machine: files can be made only where weft lab runs; run it "
                            "on the sender's machine, or turn the direction round");
    const auto bytes = static_cast<std::uint64_t>(transfer.size_mb * run.scale * 1e6);
    const fs::path directory = folder / name / fmt::format("transfer-{}", index);
    // One directory per run, which both sides end up with, whoever made what in it.
    if (index == 0) made_.push_back({source, folder / name});
    const auto made = make_payload(directory, bytes, transfer.files,
                                   (std::uint64_t{scenario_.seed} << 24) + number * kTransfersMax + index,
                                   [this] { return !stop_.came(); });
    if (!made) return tl::unexpected(made.error());
    for (std::uint64_t& wanted : global_wanted_) wanted += bytes;
    ++index;
  }
  return {};
}

ConfigResult<void> Runner::give(const Order& order) {
  if (order.kind == Order::Kind::kPolicy) {
    for (const Which which : {Which::kA, Which::kB})
      if (auto done = pair_.end(which).side->set_policy(order.policy); !done) return done;
    return {};
  }
  LinkNow& link = now_[order.link];
  switch (order.kind) {
    case Order::Kind::kSilence: link.silent = true; break;
    case Order::Kind::kLinkDown: link.down = true; break;
    case Order::Kind::kImpair: link.shape = order.shape; break;
    default: link = {.shape = scenario_.links[order.link].shape}; break;
  }
  return pair_.set_link(order.link, link);
}

ConfigResult<bool> Runner::everything_is_there() {
  for (const Which which : {Which::kA, Which::kB}) {
    const auto state = pair_.end(which).side->folder();
    if (!state) return tl::unexpected(state.error());
    if (!state->idle || state->need_items > 0 || state->global_bytes < global_wanted_[static_cast<std::size_t>(which)])
      return false;
  }
  return true;
}

ConfigResult<void> Runner::watch(const Run& run, Observer& observer, std::uint64_t seed) {
  Timeline timeline(run.events, seed);
  Clock::time_point next = Clock::now(), asked = Clock::now();
  while (true) {
    if (auto done = observer.look(); !done) return pair_.alive() ? done : pair_.alive();
    if (observer.since_first() >= 0)
      for (const Order& order : timeline.take_due(observer.since_first(), observer.percent())) {
        if (auto done = give(order); !done) return done;
        observer.note(order);
      }
    if (observer.percent() >= kNearlyAllPercent && Clock::now() - asked >= kDoneEvery) {
      asked = Clock::now();
      const auto done = everything_is_there();
      if (!done) return tl::unexpected(done.error());
      if (*done) return {};
    }
    if (observer.seconds() > run.deadline_s)
      return tl::unexpected(fmt::format("not complete after {:g} s: {:.1f} % of the payload is there; raise "
                                        "deadline_s, or make the transfer smaller",
                                        run.deadline_s, observer.percent()));
    if (auto well = pair_.alive(); !well) return well;
    next = std::max(next + Observer::kEvery, Clock::now());
    if (stop_.wait(std::chrono::duration_cast<std::chrono::microseconds>(next - Clock::now())))
      return tl::unexpected(std::string("interrupted"));
  }
}

Verdict Runner::compare(const Made& made) const {
  Verdict verdict{.what = "every_byte_right", .sentence = "", .held = true, .seen = "all equal", .wanted = "",
                  .margin = ""};
  Pair::End& target = pair_.end(made.which == Which::kA ? Which::kB : Which::kA);
  const fs::path theirs = fs::path(target.about.folder_path) / made.directory.filename();
  // A weft on another machine may have a folder of the very same name.
  std::error_code error;
  if (!target.child && (theirs == made.directory || !fs::is_directory(theirs, error))) {
    verdict.sentence = "both sides lack nothing, and every block was verified where it arrived";
    return verdict;
  }
  verdict.sentence = "files compared byte by byte";
  if (const std::string difference = first_difference(made.directory, theirs); !difference.empty()) {
    verdict.held = false;
    verdict.seen = difference;
  }
  return verdict;
}

}  // namespace

Report run_scenario(const Scenario& scenario, Rest& rest, StopSignal& stop, const RunnerOptions& options,
                    Watcher& watcher) {
  const Clock::time_point begun = Clock::now();
  Report report;
  report.file = scenario.file;
  report.title = scenario.title;
  report.seed = scenario.seed;
  report.when = api::rfc3339(api::unix_ms_now());
  for (const Link& link : scenario.links) {
    report.links.push_back(link.name);
    report.described.push_back(describe(link, scenario.a.attached()));
  }
  watcher.on_begin(report);
  auto pair = Pair::start(scenario, rest, stop, options.directory);
  if (!pair) {
    report.error = pair.error();
  } else {
    Runner runner(scenario, **pair, stop);
    for (std::size_t i = 0; i < scenario.runs.size() && !stop.came(); ++i) {
      report.runs.push_back(runner.run(scenario.runs[i], i));
      watcher.on_run(report, report.runs.back());
    }
    if (scenario.a.attached()) runner.clean_up();
  }
  report.interrupted = stop.came();
  report.wall_s = seconds_since(begun);
  return report;
}

}  // namespace weft::lab
