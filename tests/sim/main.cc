// weft_sim: one seed with its whole story, a sweep over many, or random ones for as long as is given.
#include <CLI/CLI.hpp>
#include <cinttypes>
#include <cstdio>
#include <random>
#include <thread>

#include "engine/base/log.hh"
#include "tests/sim/sweep.hh"

namespace {

using namespace weft;

// A sweep of fewer seeds may miss a probe by chance; one of so many has never been seen to.
constexpr std::uint64_t kSeedsForAllProbes = 1000;

int replay(std::uint64_t seed, bool quiet) {
  if (!quiet) std::fputs(sim::describe(sim::draw_swarm(seed)).c_str(), stdout);
  const sim::Outcome outcome = sim::run_seed(seed, quiet ? nullptr : stdout);
  std::printf("seed %" PRIu64 ": %s%s%s\n  hash %016" PRIx64 ", %" PRIu64 " packets, %" PRIu64
              " turns, %.3f s of virtual time\n",
              seed, outcome.failed ? outcome.checker.c_str() : "passed", outcome.failed ? ": " : "",
              outcome.text.c_str(), outcome.trace_hash, outcome.packets, outcome.turns,
              static_cast<double>(outcome.virtual_time.us()) / 1e6);
  return outcome.failed ? 1 : 0;
}

int many(sim::SweepPlan plan, std::uint64_t all_probes_from) {
  plan.processes = std::max(1u, plan.processes);
  const sim::SweepResult result = sim::sweep(plan);
  return sim::print(result, result.seeds >= all_probes_from) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Whole weft engines on one thread and virtual time; a seed is a world of faults (tests/sim/README.md)"};
  std::uint64_t seed = 0;
  bool quiet = false, verbose = false;
  sim::SweepPlan plan;
  plan.processes = std::thread::hardware_concurrency();
  CLI::Option* one = app.add_option("--seed", seed, "replay this seed and print what happened, line by line");
  app.add_flag("--quiet", quiet, "with --seed: only the verdict");
  app.add_flag("--log", verbose, "with --seed: the engines' own log too, on standard error");
  CLI::Option* sweep = app.add_option("--sweep", plan.seeds, "run this many seeds, beginning at --from");
  app.add_option("--from", plan.from, "the first seed of a sweep (1)");
  CLI::Option* minutes =
      app.add_option("--minutes", plan.minutes, "run random seeds for so long (may be a fraction)");
  app.add_option("--processes", plan.processes, "how many at one time (one per CPU)");
  app.add_flag("--first", plan.first_only, "end a sweep at its first failure");
  CLI11_PARSE(app, argc, argv);
  base::configure_log(base::all_at(verbose ? base::LogLevel::kInfo : base::LogLevel::kError), base::LogFormat::kText);
  if (*one) return replay(seed, quiet);
  if (*sweep) return many(plan, kSeedsForAllProbes);
  if (*minutes) {
    plan.from = (std::uint64_t{std::random_device{}()} << 20) + 1'000'000;
    std::printf("random seeds from %" PRIu64 " on\n", plan.from);
    return many(plan, UINT64_MAX);
  }
  std::fputs(app.help().c_str(), stderr);
  return 2;
}
