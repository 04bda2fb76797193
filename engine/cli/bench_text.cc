// Includes nlohmann-json.
#include "engine/cli/bench_text.hh"

#include <fmt/format.h>

#include "engine/api/json_text.hh"
#include "engine/cli/table_text.hh"

namespace weft::cli {

namespace {

using api::Json;
using share::Stage;

std::string rates(std::uint64_t bytes, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
  return fmt::format("{:8.1f} MB/s  {:7.2f} Gbit/s", rate / 1e6, rate * 8 / 1e9);
}

std::uint64_t all_cycles(const share::StageCycles& cycles) {
  std::uint64_t sum = 0;
  for (const std::uint64_t one : cycles) sum += one;
  return sum;
}

// One end's column of the table.
struct Column {
  std::string name;
  share::StageCycles cycles{};
  std::uint64_t packets = 0;
  double seconds = 0;

  [[nodiscard]] double idle_share() const {
    const double all = static_cast<double>(all_cycles(cycles));
    return all > 0 ? static_cast<double>(cycles[static_cast<std::size_t>(Stage::kIdle)]) / all : 0;
  }
  [[nodiscard]] double per_packet(std::size_t stage) const {
    return packets == 0 ? 0 : static_cast<double>(cycles[stage]) / static_cast<double>(packets);
  }
  [[nodiscard]] double busy_per_packet() const {
    double sum = 0;
    for (std::size_t i = 0; i < share::kStages; ++i)
      if (i != static_cast<std::size_t>(Stage::kIdle)) sum += per_packet(i);
    return sum;
  }
  // All of a core's time is in the stages, so cycles over seconds is the counter's rate, times the cores.
  [[nodiscard]] double ns_per_packet(std::uint32_t cores) const {
    const double all = static_cast<double>(all_cycles(cycles));
    return all > 0 ? busy_per_packet() * seconds * 1e9 * cores / all : 0;
  }
};

Column column_of(const char* name, const BenchEnd& end) {
  return {.name = name, .cycles = end.cycles, .packets = end.packets(), .seconds = end.seconds};
}
Column column_of(const char* name, const run::RawEnd& end) {
  return {.name = name, .cycles = end.stages, .packets = end.packets, .seconds = end.seconds};
}

std::string stages_text(const std::vector<Column>& columns, std::uint32_t cores, const char* idle = "idle") {
  std::vector<std::vector<std::string>> rows{{"cycles per packet"}};
  for (const Column& column : columns) rows[0].push_back(column.name);
  const auto row = [&](std::string name, auto text_of) {
    rows.push_back({std::move(name)});
    for (const Column& column : columns) rows.back().push_back(text_of(column));
  };
  for (std::size_t i = 0; i < share::kStages; ++i)
    if (i != static_cast<std::size_t>(Stage::kIdle))
      row(share::kStageNames[i], [&](const Column& c) { return fmt::format("{:.0f}", c.per_packet(i)); });
  row("together", [](const Column& c) { return fmt::format("{:.0f}", c.busy_per_packet()); });
  row("in nanoseconds", [&](const Column& c) { return fmt::format("{:.0f}", c.ns_per_packet(cores)); });
  row(idle, [](const Column& c) { return fmt::format("{:.1f} %", c.idle_share() * 100); });
  row("packets/s", [](const Column& c) {
    return fmt::format("{:.2f} M", c.seconds > 0 ? static_cast<double>(c.packets) / c.seconds / 1e6 : 0);
  });
  return table_text(rows);
}

Json stages_json(const Column& column, std::uint32_t cores) {
  Json stages = Json::object();
  for (std::size_t i = 0; i < share::kStages; ++i)
    if (i != static_cast<std::size_t>(Stage::kIdle)) stages[share::kStageNames[i]] = column.per_packet(i);
  return Json{{"packets", column.packets}, {"seconds", column.seconds}, {"cycles_per_packet", stages},
              {"busy_cycles_per_packet", column.busy_per_packet()}, {"busy_ns_per_packet", column.ns_per_packet(cores)},
              {"idle_share", column.idle_share()}};
}

std::vector<Column> columns_of(const BenchSeen& seen) {
  std::vector<Column> columns;
  if (seen.sender) columns.push_back(column_of("sender", *seen.sender));
  columns.push_back(column_of("receiver", seen.receiver));
  return columns;
}

}  // namespace

std::string bench_interval_text(const BenchSeen::Interval& before, const BenchSeen::Interval& now) {
  return fmt::format("  {:6.1f} s  {}\n", now.to_s, rates(now.bytes - before.bytes, now.to_s - before.to_s));
}

std::string bench_text(const BenchSeen& seen) {
  std::string out = fmt::format("  together  {}  in {:.1f} s, {}\n", rates(seen.bytes, seen.seconds), seen.seconds,
                                bytes_text(seen.bytes));
  if (seen.synced_s > 0)
    out += fmt::format("  synced    {}  (fsync at the end: {:.2f} s)\n", rates(seen.bytes, seen.seconds + seen.synced_s),
                       seen.synced_s);
  if (seen.times) {
    const auto text = [](std::uint64_t us) { return micros_text(static_cast<std::int64_t>(us)); };
    out += fmt::format("\n  A block of {} took {} (median), {} (90 %), {} (99 %), {} (99.9 %), {} (longest).\n",
                       bytes_text(seen.block_bytes), text(seen.times->p50), text(seen.times->p90), text(seen.times->p99),
                       text(seen.times->p999), text(seen.times->longest));
  }
  if (seen.sender)
    out += fmt::format("  {} of {} packets lost; {} sent again, {} received twice.\n", seen.sender->packets_lost,
                       seen.sender->packets_out, bytes_text(seen.sender->again), bytes_text(seen.receiver.duplicate));
  else
    out += fmt::format("  {} received twice.\n", bytes_text(seen.receiver.duplicate));
  return out + "\n" + stages_text(columns_of(seen), seen.cores, seen.one_thread ? "the other's turn" : "idle");
}

std::string bench_json(const BenchSeen& seen) {
  Json intervals = Json::array();
  for (const BenchSeen::Interval& one : seen.intervals) intervals.push_back({{"to_s", one.to_s}, {"bytes", one.bytes}});
  Json json{{"title", seen.title}, {"seconds", seen.seconds}, {"bytes", seen.bytes},
            {"bytes_per_second", seen.seconds > 0 ? static_cast<double>(seen.bytes) / seen.seconds : 0},
            {"synced_s", seen.synced_s}, {"block_bytes", seen.block_bytes}, {"intervals", intervals},
            {"received_twice_bytes", seen.receiver.duplicate}};
  if (seen.times)
    json["block_times_us"] = {{"p50", seen.times->p50}, {"p90", seen.times->p90}, {"p99", seen.times->p99},
                              {"p999", seen.times->p999}, {"longest", seen.times->longest}};
  if (seen.sender) {
    json["packets_lost"] = seen.sender->packets_lost;
    json["sent_again_bytes"] = seen.sender->again;
  }
  for (const Column& column : columns_of(seen)) {
    json[column.name] = stages_json(column, seen.cores);
    if (seen.one_thread) json[column.name].erase("idle_share");
  }
  return api::dump(json) + "\n";
}

std::string raw_text(const run::RawWish& wish, const run::RawResult& raw) {
  return fmt::format("The floor: packets sealed, sent, received and opened over {} memif ports of MTU {}; nothing else\n\n"
                     "  together  {}  in {:.1f} s; {} packets did not open\n\n{}",
                     wish.paths, wish.mtu, rates(raw.receiver.bytes, raw.receiver.seconds), raw.receiver.seconds,
                     raw.receiver.refused,
                     stages_text({column_of("sender", raw.sender), column_of("receiver", raw.receiver)}, 1));
}

std::string raw_json(const run::RawWish& wish, const run::RawResult& raw) {
  return api::dump(Json{{"raw", true}, {"paths", wish.paths}, {"mtu", wish.mtu}, 
                        {"seconds", raw.receiver.seconds}, {"bytes", raw.receiver.bytes},
                        {"bytes_per_second", static_cast<double>(raw.receiver.bytes) / raw.receiver.seconds},
                        {"sender", stages_json(column_of("sender", raw.sender), 1)},
                        {"receiver", stages_json(column_of("receiver", raw.receiver), 1)}}) + "\n";
}

}  // namespace weft::cli
