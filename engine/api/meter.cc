// GET /rest/weft/meter?since=N: what someone who measures asks many times a second, and nothing that costs more than
// adding counters up. Times are microseconds of the daemon's steady clock, `now_us` among them.
#include <charconv>

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
              {"retransmitted_bytes", sum.chunk_bytes_again},
              {"duplicate_bytes", sum.chunk_bytes_duplicate}};
}

}  // namespace

Response get_meter(const Context& context, const Call& call) {
  std::uint64_t since = 0;
  if (const std::string_view text = call.target.value("since"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), since);
    if (error != std::errc{} || end != text.data() + text.size())
      return text_response(400, "since: the number of a stall is wanted");
  }
  const base::Instant now = context.source.now();
  const run::TransferTotals totals = context.source.totals();
  const model::StallLog& log = context.source.stalls();
  Json paths = Json::array(), stalls = Json::array();
  for (const run::PathStatus& path : context.source.paths()) paths.push_back(path_json(path, now));
  for (const model::StallLog::Wait& wait : log.after(since))
    stalls.push_back(
        Json{{"number", wait.number}, {"began_us", wait.began_ns / 1000}, {"lasted_us", wait.lasted_ns / 1000}});
  return answer_json(Json{{"now_us", now.ns / 1000},
                          {"bytes_verified", totals.bytes_verified},
                          {"bytes_via_link", totals.bytes_via_link},
                          {"paths", paths},
                          {"last_block_us", log.last_block_ns() == 0 ? Json() : Json(log.last_block_ns() / 1000)},
                          {"stalls", stalls}});
}

}  // namespace weft::api
