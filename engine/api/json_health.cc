// GET /rest/weft/health: how good every path and link is now, and why. The fields are described in README.md.
#include "bep/proto/device_id.hh"
#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"
#include "engine/api/path_summary.hh"
#include "engine/api/text.hh"

namespace weft::api {
namespace {

Json milliseconds(base::Duration time) { return static_cast<double>(time.us()) / 1000; }
Json measured(base::Duration time) { return time.ns > 0 ? milliseconds(time) : Json(); }
// Whole seconds say enough of an interval, but the shortest are parts of one.
Json seconds(base::Duration time) { return time.ns > 0 ? Json(static_cast<double>(time.ms()) / 1000) : Json(); }

Json path_json(const run::PathStatus& path, base::Instant now, std::int64_t unix_now_ms) {
  const PathSummary sum = summarize(path, now);
  return Json{{"device", proto::to_text(path.device)},
              {"connectionType", "weft-path"},
              {"path", base::to_index(path.path)},
              {"port", path.port},
              {"remote_port", path.remote_port},
              {"state", word_of(path.entry.state)},
              {"activity", health::name_of(path.activity)},
              {"healthScore", path.verdict.score},
              {"reason", score_text(path.verdict.score_reason, path.verdict.measure)},
              {"degrading", path.verdict.degrading},
              {"latency", measured(sum.srtt)},
              {"latencyFloor", measured(sum.rtt_min)},
              {"jitter", sum.srtt.ns > 0 ? milliseconds(sum.rttvar) : Json()},
              {"packetLoss", path.verdict.loss_permille / 10.0},
              {"lastCheck", rfc3339(sum.silent_ms < 0 ? 0 : unix_now_ms - sum.silent_ms)},
              {"keepAliveS", seconds(path.verdict.interval)}};
}

const char* state_of(const run::DeviceStatus& device, const run::LinkStatus& link) {
  return device.paused ? "paused" : !device.connected() ? "disconnected" : link.suspect ? "suspect" : "connected";
}

// `link` is an empty one where there is none.
Json link_json(const run::DeviceStatus& device, const run::LinkStatus& link, bool primary, std::int64_t unix_now_ms) {
  const net::TcpFigures& tcp = link.tcp;
  const bool known = tcp.rtt.ns > 0;
  const health::LinkVerdict& verdict = link.verdict;
  return Json{{"device", proto::to_text(device.device)},
              {"connectionType", link.type},
              {"local", link.local},
              {"address", link.address},
              {"primary", primary},
              {"state", state_of(device, link)},
              {"healthScore", verdict.score},
              {"reason", device.connected() ? score_text(verdict.reason, verdict.measure) : "no link"},
              {"degrading", verdict.degrading},
              {"latency", measured(tcp.rtt)},
              {"latencyFloor", measured(tcp.rtt_min)},
              {"jitter", known ? milliseconds(tcp.rttvar) : Json()},
              {"requestLatency", measured(link.answer_time)},
              {"rate_Bps", link.rate_Bps > 0 ? Json(link.rate_Bps) : Json()},
              {"packetLoss", known ? Json(verdict.loss_permille / 10.0) : Json()},
              {"lastCheck", rfc3339(known ? unix_now_ms - tcp.heard_ago.ms() : 0)},
              {"keepAliveS", seconds(verdict.keep_alive)}};
}

}  // namespace

Response get_health_report(const Context& context, const Call&) {
  const base::Instant now = context.source.now();
  const std::int64_t unix_now_ms = unix_ms_now();
  Json paths = Json::array(), links = Json::array();
  for (const run::PathStatus& path : context.source.paths()) paths.push_back(path_json(path, now, unix_now_ms));
  for (const run::DeviceStatus& device : context.source.devices()) {
    if (!device.connected()) links.push_back(link_json(device, {}, false, unix_now_ms));
    for (const run::LinkStatus& link : device.links)
      links.push_back(link_json(device, link, &link == &device.links.front(), unix_now_ms));
  }
  return answer_json(Json{{"at", rfc3339(unix_now_ms)}, {"paths", paths}, {"links", links}});
}

}  // namespace weft::api
