#include "engine/lab/report_json.hh"

#include "engine/api/json_text.hh"

namespace weft::lab {
namespace {

using api::Json;

Json figures_json(const Figures& f, const std::vector<std::string>& links) {
  Json by_link = Json::object(), up = Json::object(), back = Json::array();
  for (std::size_t i = 0; i < links.size(); ++i) {
    by_link[links[i]] = f.by_link[i];
    up[links[i]] = f.up_s[i];
  }
  for (const BackInUse& one : f.back)
    back.push_back(Json{{"link", links[one.link]},
                        {"healed_s", one.healed_s - f.first_s},
                        {"after_s", one.after_s ? Json(*one.after_s) : Json()}});
  return Json{{"seconds", f.seconds},
              {"goodput_mbit", f.goodput_Bps * 8 / 1e6},
              {"goodput_from_s", f.from_s},
              {"goodput_to_s", f.to_s},
              {"paths_mbit", f.paths_Bps * 8 / 1e6},
              {"whole_mbit", f.whole_Bps * 8 / 1e6},
              {"longest_wait_ms", f.stall_s * 1e3},
              {"longest_wait_at_s", f.stall_at_s},
              {"longest_wait_after_event_ms", f.event_stall_s * 1e3},
              {"payload_bytes", f.payload},
              {"bytes_by_link", by_link},
              {"bytes_over_tls", f.via_link},
              {"duplicate_bytes", f.duplicate},
              {"retransmitted_bytes", f.retransmitted},
              {"flaps", f.flaps},
              {"up_s", up},
              {"back_in_use", back}};
}

Json run_json(const RunReport& run, const std::vector<std::string>& links) {
  Json verdicts = Json::array();
  for (const Verdict& v : run.verdicts)
    verdicts.push_back(Json{{"expectation", v.what}, {"held", v.held}, {"seen", v.seen}, {"wanted", v.wanted},
                            {"margin", v.margin}, {"sentence", v.sentence}});
  return Json{{"name", run.name},
              {"links", run.links},
              {"held", run.held()},
              {"wall_s", run.wall_s},
              {"error", api::null_if_empty(run.error)},
              {"figures", run.error.empty() ? figures_json(run.figures, links) : Json()},
              {"events", run.story},
              {"expectations", verdicts}};
}

}  // namespace

std::string report_json(std::span<const Report> reports) {
  Json all = Json::array();
  for (const Report& report : reports) {
    Json runs = Json::array(), links = Json::object();
    for (const RunReport& run : report.runs) runs.push_back(run_json(run, report.links));
    for (std::size_t i = 0; i < report.links.size(); ++i) links[report.links[i]] = report.described[i];
    all.push_back(Json{{"file", report.file},
                       {"title", report.title},
                       {"seed", report.seed},
                       {"when", report.when},
                       {"wall_s", report.wall_s},
                       {"held", report.held()},
                       {"error", api::null_if_empty(report.error)},
                       {"interrupted", report.interrupted},
                       {"links", links},
                       {"runs", runs}});
  }
  return api::dump(Json{{"reports", all}}) + "\n";
}

}  // namespace weft::lab
