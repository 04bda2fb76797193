#include "tests/sim/sweep.hh"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstring>

namespace weft::sim {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// What a process says about a seed: that it begins, and how it ended.
struct Report {
  bool ended = false, failed = false;
  std::uint64_t seed = 0, packets = 0, turns = 0;
  base::Duration virtual_time{}, liveness{};
  char checker[48] = "", text[300] = "";
  Probes probes;
};
static_assert(std::is_trivially_copyable_v<Report>);

void write_all(int fd, const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(fd, at, bytes);
    if (written <= 0) ::_exit(1);
    at += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

Report report_of(const Outcome& outcome) {
  Report report;
  report.ended = true;
  report.failed = outcome.failed;
  report.seed = outcome.seed;
  report.packets = outcome.packets;
  report.turns = outcome.turns;
  report.virtual_time = outcome.virtual_time;
  report.liveness = outcome.liveness;
  std::snprintf(report.checker, sizeof report.checker, "%s", outcome.checker.c_str());
  std::snprintf(report.text, sizeof report.text, "%s", outcome.text.c_str());
  report.probes = outcome.probes;
  return report;
}

Report run_one(std::uint64_t seed) {
  const Outcome outcome = run_seed(seed);
  Report report = report_of(outcome);
  if (seed % kTwiceEvery != 0 || outcome.failed) return report;
  const Outcome again = run_seed(seed);
  if (again.trace_hash == outcome.trace_hash) return report;
  report.failed = true;
  std::snprintf(report.checker, sizeof report.checker, "same seed, same bytes");
  std::snprintf(report.text, sizeof report.text,
                "two runs of one seed have the hashes %016" PRIx64 " and %016" PRIx64, outcome.trace_hash,
                again.trace_hash);
  return report;
}

// One process and the seeds that are its: next, next + step, …
struct Process {
  pid_t pid = -1;
  int fd = -1;
  std::uint64_t next = 0;
  bool in_a_world = false;
};

[[noreturn]] void work(int fd, std::uint64_t seed, const SweepPlan& plan, SteadyClock::time_point start) {
  for (; plan.seeds == 0 || seed < plan.from + plan.seeds; seed += plan.processes) {
    if (plan.minutes > 0 && seconds_since(start) > plan.minutes * 60) break;
    Report begins;
    begins.seed = seed;
    write_all(fd, &begins, sizeof begins);
    ::alarm(kWorldSecondsMax);
    const Report report = run_one(seed);
    write_all(fd, &report, sizeof report);
  }
  ::_exit(0);
}

void start(Process& process, const SweepPlan& plan, SteadyClock::time_point started,
           const std::vector<Process>& all) {
  int ends[2];
  MUST(::pipe(ends) == 0);
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  MUST(pid >= 0);
  if (pid == 0) {
    ::close(ends[0]);
    for (const Process& other : all)
      if (other.fd >= 0) ::close(other.fd);
    work(ends[1], process.next, plan, started);
  }
  ::close(ends[1]);
  process.pid = pid;
  process.fd = ends[0];
}

bool read_report(int fd, Report& report) {
  std::size_t have = 0;
  while (have < sizeof report) {
    const ssize_t got = ::read(fd, reinterpret_cast<char*>(&report) + have, sizeof report - have);
    if (got <= 0) return false;
    have += static_cast<std::size_t>(got);
  }
  return true;
}

void tell(const SweepFailure& failure) {
  std::printf("FAILED seed %" PRIu64 ": %s: %s\n  again: weft_sim --seed %" PRIu64 "\n", failure.seed,
              failure.checker.c_str(), failure.text.c_str(), failure.seed);
  std::fflush(stdout);
}

void take(SweepResult& result, Process& process, const Report& report, const SweepPlan& plan) {
  process.in_a_world = !report.ended;
  process.next = report.seed;
  if (!report.ended) return;
  process.next += plan.processes;
  ++result.seeds;
  result.packets += report.packets;
  result.turns += report.turns;
  result.virtual_time += report.virtual_time;
  result.liveness_max = std::max(result.liveness_max, report.liveness);
  result.probes.add(report.probes);
  if (!report.failed) return;
  result.failures.push_back({report.seed, report.checker, report.text});
  tell(result.failures.back());
}

// The process has closed its pipe: done, or dead in the middle of a world.
bool take_end(SweepResult& result, Process& process, const SweepPlan& plan) {
  ::close(process.fd);
  process.fd = -1;
  int status = 0;
  ::waitpid(process.pid, &status, 0);
  if (!process.in_a_world) return true;
  ++result.seeds;
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result.failures.push_back(
      {process.next, signal == SIGALRM ? "worlds end" : "processes live",
       signal == SIGALRM ? "the world did not end" : "the process died: signal " + std::to_string(signal)});
  tell(result.failures.back());
  process.next += plan.processes;
  process.in_a_world = false;
  return false;
}

void stop(Process& process) {
  if (process.fd < 0) return;
  ::kill(process.pid, SIGKILL);
  ::waitpid(process.pid, nullptr, 0);
  ::close(process.fd);
  process.fd = -1;
}

}  // namespace

SweepResult sweep(const SweepPlan& plan) {
  const auto started = SteadyClock::now();
  SweepResult result;
  std::vector<Process> processes(plan.processes);
  for (std::uint32_t i = 0; i < plan.processes; ++i) {
    processes[i].next = plan.from + i;
    start(processes[i], plan, started, processes);
  }
  for (std::size_t open = processes.size(); open > 0;) {
    std::vector<pollfd> polled;
    for (const Process& process : processes) polled.push_back({.fd = process.fd, .events = POLLIN, .revents = 0});
    MUST(::poll(polled.data(), polled.size(), -1) > 0);
    for (std::size_t i = 0; i < processes.size(); ++i) {
      if (processes[i].fd < 0 || polled[i].revents == 0) continue;
      Report report;
      if (read_report(processes[i].fd, report)) take(result, processes[i], report, plan);
      else if (take_end(result, processes[i], plan)) --open;
      else start(processes[i], plan, started, processes);
    }
    if (plan.first_only && !result.failures.empty()) break;
  }
  for (Process& process : processes) stop(process);
  result.seconds = seconds_since(started);
  return result;
}

bool print(const SweepResult& result, bool all_probes) {
  std::size_t missing = 0;
  std::printf("%-24s %12s  %s\n", "probe", "times", "fires when");
  for (std::size_t i = 0; i < kProbes; ++i) {
    std::printf("%-24s %12" PRIu64 "  %s\n", kProbeTexts[i].name, result.probes.count(i), kProbeTexts[i].when);
    missing += result.probes.count(i) == 0;
  }
  for (std::size_t i = 0; i < kProbes; ++i)
    if (result.probes.count(i) == 0)
      std::printf("%s: probe %s never fired\n", all_probes ? "FAILED" : "note", kProbeTexts[i].name);
  for (const SweepFailure& failure : result.failures) tell(failure);
  std::printf("seeds %" PRIu64 ", seeds per hour %.0f, packets simulated %" PRIu64
              ", virtual time %.1f s, longest liveness phase %.1f s\n",
              result.seeds, result.seconds > 0 ? static_cast<double>(result.seeds) * 3600 / result.seconds : 0,
              result.packets, static_cast<double>(result.virtual_time.ms()) / 1000,
              static_cast<double>(result.liveness_max.ms()) / 1000);
  std::printf("probes hit %zu of %zu, failures %zu, %.0f s\n", kProbes - missing, kProbes, result.failures.size(),
              result.seconds);
  return result.seeds > 0 && result.failures.empty() && (missing == 0 || !all_probes);
}

}  // namespace weft::sim
