// GET /rest/weft/meter?since=N&gaps_since=N: what someone who measures asks many times a second, and nothing that costs more than
// adding counters up. Times are microseconds of the daemon's steady clock, `now_us` among them.
#include "bep/proto/device_id.hh"
#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"
#include "engine/api/path_summary.hh"
#include "engine/api/text.hh"

namespace weft::api {
namespace {

Json path_json(const run::PathStatus& path, base::Instant now) {
  const PathSummary sum = summarize(path, now);
  return Json{{"device", proto::to_text(path.device)},
              {"port", path.port},
              {"remote_port", path.remote_port},
              {"state", word_of(path.entry.state)},
              {"chunk_bytes_in", sum.chunk_bytes_in},
              {"chunk_bytes_out", sum.chunk_bytes_out},
              {"packets_in", sum.packets_in},
              {"packets_out", sum.packets_out},
              {"packets_lost", sum.packets_lost},
              {"retransmitted_bytes", sum.chunk_bytes_again},
              {"duplicate_bytes", sum.chunk_bytes_duplicate}};
}

Json wait_json(const model::Wait& wait) {
  return Json{{"number", wait.number},
              {"began_us", wait.began_ns / 1000},
              {"lasted_us", wait.lasted_ns / 1000}};
}

Json gap_json(const model::Wait& gap) {
  Json json = wait_json(gap);
  json["away_us"] = gap.away_ns / 1000;
  return json;
}

// Where its time went: cycles of the time-stamp counter since start, all of them.
Json core_json(const run::CoreStatus& core) {
  Json cycles = Json::object();
  for (std::size_t i = 0; i < share::kStages; ++i) cycles[share::kStageNames[i]] = core.stages[i];
  return Json{{"turns", core.turns}, {"turns_idle", core.turns_idle}, {"cycles", cycles}};
}

}  // namespace

Response get_meter(const Context& context, const Call& call) {
  std::uint64_t since = 0, gaps_since = 0;
  if (!read_number(call.target, "since", since) || !read_number(call.target, "gaps_since", gaps_since))
    return text_response(400, "since, gaps_since: the number of a stall or a gap is wanted");
  const base::Instant now = context.source.now();
  const run::TransferTotals totals = context.source.totals();
  const model::StallLog& log = context.source.stalls();
  const auto to_json = [now](const run::PathStatus& path) { return path_json(path, now); };
  return answer_json(Json{{"now_us", now.ns / 1000},
                          {"bytes_verified", totals.bytes_verified},
                          {"bytes_via_link", totals.bytes_via_link},
                          {"paths", array_of(context.source.paths(), to_json)},
                          {"cores", array_of(context.source.datapath().cores, core_json)},
                          {"last_block_us", log.last_block_ns() == 0 ? Json() : Json(log.last_block_ns() / 1000)},
                          {"stalls", array_of(log.waits().after(since), wait_json)},
                          {"gaps", array_of(context.source.gaps().after(gaps_since), gap_json)}});
}

}  // namespace weft::api
