// `weft bench`: how fast the datapath is, with made-up data. To a device of the running daemon, between two wefts that are
// started here for it, or between two cores in this process; or, with --raw, what the ports and the AEAD alone can do. Includes
// nlohmann-json.
#include <algorithm>
#include <bit>
#include <chrono>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <ostream>

#include "engine/cli/bench_text.hh"
#include "engine/cli/commands.hh"
#include "engine/cli/daemon_client.hh"
#include "engine/cli/table_text.hh"
#include "engine/cli/workplace.hh"
#include "engine/lab/pair.hh"
#include "engine/run/inner_bench.hh"

namespace weft::cli {

namespace {

using nlohmann::json;
using Text = tl::expected<std::string, std::string>;
// Method, target, body.
using Ask = std::function<Text(const char*, const std::string&, const std::string&)>;
constexpr std::chrono::milliseconds kLook{50};

template <typename T> T number(const json& from, const char* key) { return from.at(key).get<T>(); }

// Counters of one end now.
BenchEnd end_of(const json& meter) {
  BenchEnd now{.seconds = number<double>(meter, "now_us") / 1e6};
  for (const json& path : meter.at("paths")) {
    now.packets_in += number<std::uint64_t>(path, "packets_in");
    now.packets_out += number<std::uint64_t>(path, "packets_out");
    now.packets_lost += number<std::uint64_t>(path, "packets_lost");
    now.again += number<std::uint64_t>(path, "retransmitted_bytes");
    now.duplicate += number<std::uint64_t>(path, "duplicate_bytes");
  }
  for (const json& core : meter.at("cores"))
    for (std::size_t i = 0; i < share::kStages; ++i)
      now.cycles[i] += number<std::uint64_t>(core.at("cycles"), share::kStageNames[i]);
  return now;
}

// Both ends looked at while it runs: first and last.
class Watch {
 public:
  Watch(const BenchOptions& options, const Io& io, lab::StopSignal& stop, Ask receiver, Ask sender)
      : options_(options), io_(io), stop_(stop), receiver_(std::move(receiver)), sender_(std::move(sender)) {}
  // `device`: of the peer that gives the data. Errors: a sentence.
  [[nodiscard]] tl::expected<BenchSeen, std::string> measure(const std::string& device, BenchSeen seen);

 private:
  tl::expected<void, std::string> look(const json& bench, BenchSeen& seen);
  const BenchOptions& options_;
  const Io& io_;
  lab::StopSignal& stop_;
  Ask receiver_, sender_;
  std::vector<BenchEnd> receiver_seen_, sender_seen_;
};

// Each whole second: what came in it, and the counters.
tl::expected<void, std::string> Watch::look(const json& bench, BenchSeen& seen) {
  const double running_s = number<double>(bench, "running_us") / 1e6;
  const double due_s = receiver_seen_.empty() ? 0 : static_cast<double>(receiver_seen_.size());
  if (running_s < due_s) return {};
  for (const auto& [ask, list] : {std::pair(&receiver_, &receiver_seen_), std::pair(&sender_, &sender_seen_)}) {
    if (!*ask) continue;
    const Text meter = (*ask)("GET", "/rest/weft/meter", "");
    if (!meter) return tl::unexpected(meter.error());
    list->push_back(end_of(json::parse(*meter)));
  }
  const BenchSeen::Interval now{running_s, number<std::uint64_t>(bench, "bytes")};
  if (receiver_seen_.size() > 1) {
    const BenchSeen::Interval before = seen.intervals.empty() ? BenchSeen::Interval{} : seen.intervals.back();
    if (options_.json != "-") io_.out << bench_interval_text(before, now) << std::flush;
    seen.intervals.push_back(now);
  }
  return {};
}

tl::expected<BenchSeen, std::string> Watch::measure(const std::string& device, BenchSeen seen) {
  const json wish{{"device", device}, {"from", options_.from}, {"to", options_.to}, {"verify", options_.verify},
                  {"seconds", options_.seconds}, {"block_bytes", options_.block_kib << 10}};
  if (const Text begun = receiver_("POST", "/rest/weft/bench", wish.dump()); !begun) return tl::unexpected(begun.error());
  json bench;
  for (std::string state; state != "done" && state != "failed";) {
    if (stop_.wait(kLook)) {
      (void)receiver_("DELETE", "/rest/weft/bench", "");
      return tl::unexpected(std::string("interrupted"));
    }
    const Text answer = receiver_("GET", "/rest/weft/bench", "");
    if (!answer) return tl::unexpected(answer.error());
    bench = json::parse(*answer);
    state = bench.at("state").get<std::string>();
    if (state != "running") continue;
    if (const auto looked = look(bench, seen); !looked) return tl::unexpected(looked.error());
  }
  if (!bench.at("error").is_null()) return tl::unexpected(bench.at("error").get<std::string>());
  seen.seconds = number<double>(bench, "running_us") / 1e6;
  seen.bytes = number<std::uint64_t>(bench, "bytes");
  seen.synced_s = number<double>(bench, "synced_us") / 1e6;
  seen.block_bytes = number<std::uint32_t>(bench, "block_bytes");
  if (const json& times = bench.at("block_times"); !times.is_null())
    seen.times = {.p50 = number<std::uint64_t>(times, "p50_us"), .p90 = number<std::uint64_t>(times, "p90_us"),
                  .p99 = number<std::uint64_t>(times, "p99_us"), .p999 = number<std::uint64_t>(times, "p999_us"),
                  .longest = number<std::uint64_t>(times, "longest_us")};
  if (receiver_seen_.size() > 1) seen.receiver = receiver_seen_.back() - receiver_seen_.front();
  if (sender_seen_.size() > 1) seen.sender = sender_seen_.back() - sender_seen_.front();
  return seen;
}

std::string title_of(const BenchOptions& options) {
  std::string title = options.from + " to " + options.to;
  if (options.to == "disk") return title + ", verified and written";
  return title + (options.verify ? ", verified" : ", not hashed");
}

// Of the running daemon.
tl::expected<BenchSeen, std::string> to_device(const BenchOptions& options, const Io& io) {
  auto daemon = DaemonClient::of_home(options.home);
  if (!daemon) return tl::unexpected(daemon.error().sentence);
  const Ask ask = [&](const char* method, const std::string& target, const std::string& body) -> Text {
    auto answer = daemon->ask(method, target, body);
    if (!answer) return tl::unexpected(answer.error().sentence);
    return std::move(*answer);
  };
  const Text status = ask("GET", "/rest/weft/status", "");
  if (!status) return tl::unexpected(status.error());
  const json about = json::parse(*status);
  std::string device;
  for (const json& one : about.at("devices")) {
    const auto id = one.at("device").get<std::string>();
    if (id == options.device || one.at("name").get<std::string>() == options.device) device = id;
  }
  if (device.empty())
    return tl::unexpected(safe_text(options.device) + ": the daemon knows no such device; `weft status` shows which there are");
  BenchSeen seen;
  seen.title = title_of(options) + ", from " + options.device;
  seen.cores = static_cast<std::uint32_t>(about.at("cores").size());
  if (options.json != "-") io.out << seen.title << "\n\n" << std::flush;
  lab::StopSignal stop;
  return Watch(options, io, stop, ask, nullptr).measure(device, std::move(seen));
}

lab::Scenario scenario_of(const BenchOptions& options) {
  lab::Scenario scenario;
  scenario.cores = options.cores;
  scenario.impair = false;   // its stage would be in the way
  scenario.bench = true;
  for (std::uint32_t i = 0; i < options.paths; ++i)
    scenario.links.push_back({.name = "path" + std::to_string(i + 1), .shape = {}, .mtu = options.mtu, .a = {}, .b = {}});
  return scenario;
}

// Two wefts of our own: a gives, b receives.
tl::expected<BenchSeen, std::string> between_two(const BenchOptions& options, const Io& io) {
  lab::StopSignal stop;
  HttpRest rest;
  const auto place = Workplace::make(options.directory, false);
  if (!place) return tl::unexpected(place.error());
  const lab::Scenario scenario = scenario_of(options);
  auto pair = lab::Pair::start(scenario, rest, stop, place->path());
  if (!pair) return tl::unexpected(pair.error());
  lab::Pair::End &a = (*pair)->end(lab::Which::kA), &b = (*pair)->end(lab::Which::kB);
  const auto all_up = [&]() -> lab::ConfigResult<bool> {
    const auto meter = b.side->meter(0, a.about.device);
    if (!meter) return tl::unexpected(meter.error());
    return std::ranges::count_if(meter->paths, &lab::Meter::Path::usable) >= static_cast<std::ptrdiff_t>(options.paths);
  };
  if (const auto up = (*pair)->wait_until(20, "all paths carry data", all_up); !up) return tl::unexpected(up.error());
  const auto ask_of = [&](lab::Pair::End& end) -> Ask {
    return [&end, &pair](const char* method, const std::string& target, const std::string& body) -> Text {
      if (const auto alive = (*pair)->alive(); !alive) return tl::unexpected(alive.error());
      return end.side->ask(method, target, body);
    };
  };
  BenchSeen seen;
  seen.title = title_of(options) + ", between two processes over " + std::to_string(options.paths) + " memif paths of MTU " +
               std::to_string(options.mtu) + ", " + std::to_string(options.cores) + " data core(s) each";
  seen.cores = options.cores;
  if (options.json != "-") io.out << seen.title << "\n\n" << std::flush;
  return Watch(options, io, stop, ask_of(b), ask_of(a)).measure(a.about.device, std::move(seen));
}

// Both ends on this thread.
tl::expected<BenchSeen, std::string> in_one_process(const BenchOptions& options, const Io& io) {
  if (!std::has_single_bit(options.block_kib)) return tl::unexpected(std::string("--block: a power of two is wanted"));
  BenchSeen seen;
  seen.one_thread = true;
  seen.block_bytes = options.block_kib << 10;
  seen.title = title_of(options) + ", both ends on one thread, " + std::to_string(options.paths) + " paths of MTU " +
               std::to_string(options.mtu) + " in memory";
  if (options.json != "-") io.out << seen.title << "\n\n" << std::flush;
  const auto result = run::inner_bench({.paths = options.paths, .mtu = options.mtu, .seconds = options.seconds,
                                        .block_bytes = seen.block_bytes, .verify = options.verify});
  if (!result) return tl::unexpected(result.error());
  seen.seconds = result->seconds;
  seen.bytes = result->bytes;
  seen.receiver = result->receiver;
  seen.sender = result->sender;
  return seen;
}

int write_out(const BenchOptions& options, const Io& io, const std::string& text, const std::string& as_json) {
  if (options.json != "-") io.out << text;
  if (options.json == "-") io.out << as_json;
  else if (!options.json.empty()) {
    std::ofstream out(options.json, std::ios::binary);
    out << as_json;
    if (!out.flush()) return refuse(io, kFailed, options.json + ": cannot be written; name another file");
  }
  return kDone;
}

}  // namespace

int bench_command(const BenchOptions& options, const Io& io) {
  if (options.raw) {
    const auto place = Workplace::make(options.directory, false);
    if (!place) return refuse(io, kFailed, place.error());
    const run::RawWish wish{.paths = options.paths, .mtu = options.mtu, .seconds = options.seconds, .directory = place->path()};
    const auto raw = run::raw_bench(wish);
    if (!raw) return refuse(io, kFailed, raw.error());
    return write_out(options, io, raw_text(wish, *raw), raw_json(wish, *raw));
  }
  try {
    const auto seen = options.one_process        ? in_one_process(options, io)
                      : options.device.empty() ? between_two(options, io)
                                               : to_device(options, io);
    if (!seen) return refuse(io, kFailed, seen.error());
    return write_out(options, io, bench_text(*seen), bench_json(*seen));
  } catch (const json::exception&) {
    return refuse(io, kFailed, "the daemon's answer is not understood; is it another version?");
  }
}

}  // namespace weft::cli
