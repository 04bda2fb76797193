// /rest/weft: what Syncthing has no word for. The fields are described in README.md; names carry their units.
#include "bep/proto/device_id.hh"
#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"
#include "engine/api/path_summary.hh"
#include "engine/api/text.hh"
#include "engine/nic/drop.hh"

namespace weft::api {
namespace {

Json lane_json(const run::LaneStatus& status) {
  const share::LaneReport& lane = status.report;
  return Json{{"core", base::to_index(status.core)},
              {"validated", lane.validated},
              {"rtt_us", lane.srtt.us()},
              {"rttvar_us", lane.rttvar.us()},
              {"rtt_min_us", lane.rtt_min.us()},
              {"rate_Bps", lane.rate_Bps},
              {"cwnd_bytes", lane.cwnd_bytes},
              {"in_flight_bytes", lane.in_flight_bytes},
              {"pto_count", lane.pto_count},
              {"packet_bytes", lane.packet_bytes},
              {"key_epoch", lane.key_epoch},
              {"packets_in", lane.packets_in},
              {"packets_out", lane.packets_out},
              {"packets_lost", lane.packets_lost},
              {"packets_spurious", lane.packets_spurious},
              {"bytes_in", lane.bytes_in},
              {"bytes_out", lane.bytes_out}};
}

Json path_json(const run::PathStatus& path, base::Instant now) {
  const PathSummary sum = summarize(path, now);
  Json lanes = Json::array();
  for (const run::LaneStatus& lane : path.lanes) lanes.push_back(lane_json(lane));
  return Json{{"device", proto::to_text(path.device)},
              {"session", base::to_index(path.session)},
              {"path", base::to_index(path.path)},
              {"port", path.port},
              {"remote_port", path.remote_port},
              {"local", endpoint(path.local, path.local_udp)},
              {"remote", endpoint(path.remote, path.remote_udp)},
              {"role", word_of(path.entry.role)},
              {"state", word_of(path.entry.state)},
              {"port_up", path.port_up},
              {"validated", sum.validated},
              {"score", path.entry.score},
              {"score_reason", score_text(path.verdict.score_reason, path.verdict.measure)},
              {"degrading", path.verdict.degrading},
              {"weight", path.entry.weight},
              {"rtt_us", sum.srtt.us()},
              {"rttvar_us", sum.rttvar.us()},
              {"rtt_min_us", sum.rtt_min.us()},
              {"rate_Bps", sum.rate_Bps},
              {"loss_permille", path.verdict.loss_permille},
              {"silent_ms", sum.silent_ms < 0 ? Json() : Json(sum.silent_ms)},
              {"packets_in", sum.packets_in},
              {"packets_out", sum.packets_out},
              {"packets_lost", sum.packets_lost},
              {"bytes_in", sum.bytes_in},
              {"bytes_out", sum.bytes_out},
              {"chunk_bytes_in", sum.chunk_bytes_in},
              {"chunk_bytes_out", sum.chunk_bytes_out},
              {"retransmitted_bytes", sum.chunk_bytes_again},
              {"redundant_bytes", sum.chunk_bytes_redundant},
              {"duplicate_bytes", sum.chunk_bytes_duplicate},
              {"lanes", lanes}};
}

Json totals_json(const run::TransferTotals& totals) {
  return Json{{"bytes_verified", totals.bytes_verified},
              {"bytes_via_link", totals.bytes_via_link},
              {"bytes_via_paths", totals.bytes_via_paths},
              {"bytes_reused", totals.bytes_reused},
              {"bytes_served", totals.bytes_served},
              {"duplicate_bytes", totals.bytes_duplicate},
              {"retransmitted_bytes", totals.bytes_again},
              {"redundant_bytes", totals.bytes_redundant},
              {"moved_bytes", totals.bytes_moved},
              {"longest_stall_ms", totals.stall_longest_ms}};
}

Json core_json(const run::CoreStatus& core) {
  return Json{{"core", base::to_index(core.core)},
              {"turns", core.turns},
              {"turns_idle", core.turns_idle},
              {"handed_over", core.handed_over},
              {"slots_free", core.slots_free},
              {"slots_total", core.slots_total}};
}

Json impairment_json(const nic::Impairment& impairment) {
  const char* const direction = impairment.direction == nic::Direction::kBoth ? "both"
                                : impairment.direction == nic::Direction::kTx ? "tx"
                                                                              : "rx";
  return Json{{"blackhole", impairment.blackhole},
              {"link_down", impairment.link_down},
              {"drop_rate", static_cast<double>(impairment.drop_ppm) / 1e6},
              {"delay_us", impairment.delay_us},
              {"jitter_us", impairment.jitter_us},
              {"rate_Bps", impairment.rate_Bps},
              {"queue_us", impairment.queue_us},
              {"direction", direction}};
}

// The exception path; null without one. In and out as the port sees them.
Json host_json(const run::PortStatus& port) {
  if (port.exception.empty()) return {};
  const nic::HostPathStats& host = port.report.host;
  return Json{{"interface", port.exception},
              {"frames_in", host.to_host},
              {"frames_out", host.from_host},
              {"failed_in", host.to_host_failed},
              {"dropped_out", host.from_host_dropped}};
}

Json port_json(const run::PortStatus& port) {
  const nic::PortReport& report = port.report;
  return Json{{"name", port.name},
              {"device", port.device},
              {"udp_port", port.udp_port},
              {"role", word_of(port.role)},
              {"vlan", port.vlan == 0 ? Json() : Json(port.vlan)},
              {"host", host_json(port)},
              {"error", null_if_empty(port.error)},
              {"leaving", port.leaving},
              {"link_up", report.link_up},
              {"speed_Bps", report.speed_Bps},
              {"packets_in", report.udp.packets_in},
              {"packets_out", report.udp.packets_out},
              {"bytes_in", report.udp.bytes_in},
              {"bytes_out", report.udp.bytes_out},
              {"tx_refused", report.udp.tx_refused},
              {"no_buffer", report.udp.no_buffer},
              {"address_clashes", report.udp.drops[static_cast<std::size_t>(nic::NicDrop::kAddressClash)]},
              {"missed", report.missed},
              {"no_mbuf", report.no_mbuf},
              {"errors_in", report.errors_in},
              {"errors_out", report.errors_out},
              {"impairment", impairment_json(port.impairment)}};
}

// Every reason, also those that never happened: a client sees at once which exist.
Json drops_json(const run::DatapathStatus& datapath) {
  Json packets = Json::object();
  for (std::size_t i = 0; i < static_cast<std::size_t>(share::Drop::kCount); ++i) {
    std::uint64_t sum = 0;
    for (const run::CoreStatus& core : datapath.cores) sum += core.drops[i];
    packets[share::name_of(static_cast<share::Drop>(i))] = sum;
  }
  Json frames = Json::object();
  for (std::size_t i = 0; i < nic::kNicDrops; ++i) {
    std::uint64_t sum = 0;
    for (const run::PortStatus& port : datapath.ports) sum += port.report.udp.drops[i];
    frames[nic::name_of(static_cast<nic::NicDrop>(i))] = sum;
  }
  return Json{{"packets", packets}, {"frames", frames}};
}

Json refusals_json(const run::RefusalStatus& refusals) {
  Json links = Json::object(), messages = Json::object();
  for (std::size_t i = 0; i < refusals.links.size(); ++i)
    links[net::name_of(static_cast<net::CloseReason>(i))] = refusals.links[i];
  for (std::size_t i = 1; i < proto::kReasonCount; ++i)
    messages[proto::name_of(static_cast<proto::Reason>(i))] = refusals.messages.counts[i];
  return Json{{"links_closed", links}, {"messages", messages}};
}

Json folder_json(const Context& context, const model::FolderConfig& folder) {
  Json json{{"id", folder.id}, {"label", folder.label}, {"type", model::name_of(folder.type)},
            {"path", folder.path.string()}, {"paused", folder.paused}};
  const auto status = context.source.folder_status(folder.id);
  json["state"] = status ? model::name_of(status->state) : "error";
  json["error"] = status ? status->error : status.error().text;
  json["pull_errors"] = status ? status->pull_errors : 0;
  const auto ours = context.source.completion(folder.id, context.self);
  json["completion"] = ours ? model::percent(*ours) : 0.0;
  json["global_bytes"] = ours ? ours->global_bytes : 0;
  json["need_bytes"] = ours ? ours->need_bytes : 0;
  json["need_items"] = ours ? ours->need_items + ours->need_deletes : 0;
  Json devices = Json::array();
  for (const base::DeviceId& device : folder.devices) {
    if (device == context.self) continue;
    const auto theirs = context.source.completion(folder.id, device);
    devices.push_back(Json{{"device", proto::to_text(device)},
                           {"completion", theirs ? model::percent(*theirs) : 0.0},
                           {"need_bytes", theirs ? theirs->need_bytes : 0}});
  }
  json["devices"] = devices;
  return json;
}

Json device_json(const run::DeviceStatus& device) {
  const run::LinkStatus none, &primary = device.connected() ? device.links.front() : none;
  return Json{{"device", proto::to_text(device.device)}, {"name", device.name}, {"paused", device.paused},
              {"connected", device.connected()}, {"weft", device.weft}, {"links", device.links.size()},
              {"address", primary.address}, {"rtt_us", primary.tcp.rtt.us()}};
}

Json pending_json(const net::PendingDevice& pending) {
  return Json{{"device", proto::to_text(pending.id)}, {"name", pending.name}, {"address", pending.address},
              {"when", rfc3339(pending.when_unix_ms)}};
}

const char* word_of_way(model::Way way) {
  switch (way) {
    case model::Way::kNone: return "none";
    case model::Way::kLink: return "link";
    case model::Way::kFabric: return "paths";
  }
  return "none";
}

Json transfer_json(const model::TransferInfo& transfer) {
  return Json{{"folder", transfer.folder},
              {"name", transfer.name},
              {"way", word_of_way(transfer.way)},
              {"bytes_total", transfer.bytes_total},
              {"bytes_done", transfer.bytes_done},
              {"block_bytes", transfer.block_bytes},
              {"blocks_total", transfer.blocks_total},
              {"blocks_done", transfer.blocks_done},
              {"blocks_asked", transfer.blocks_asked},
              {"next_block", transfer.next_block ? Json(*transfer.next_block) : Json()},
              {"running_ms", transfer.running.ms()},
              {"silent_ms", transfer.silent.ms()},
              {"rate_Bps", transfer.rate_Bps}};
}

}  // namespace

Response get_paths(const Context& context, const Call&) {
  const base::Instant now = context.source.now();
  return answer_json(Json{
      {"at", rfc3339(unix_ms_now())},
      {"paths", array_of(context.source.paths(), [&](const auto& path) { return path_json(path, now); })}});
}

Response get_weft_status(const Context& context, const Call&) {
  const run::DatapathStatus datapath = context.source.datapath();
  const run::SystemStatus system = context.source.system_status();
  const Json datapath_json{{"running", datapath.running},
                           {"aead", datapath.aead},
                           {"memory", datapath.memory_kind},
                           {"disk_fallback", null_if_empty(datapath.disk_fallback)},
                           {"policy", share::name_of(datapath.policy)},
                           {"cpu_ns", datapath.cpu_ns}};
  return answer_json(
      Json{{"at", rfc3339(unix_ms_now())},
           {"my_id", proto::to_text(context.self)},
           {"uptime_s", system.uptime_s},
           {"totals", totals_json(context.source.totals())},
           {"datapath", datapath_json},
           {"cores", array_of(datapath.cores, core_json)},
           {"ports", array_of(datapath.ports, port_json)},
           {"impair_allowed", context.source.impair_allowed()},
           {"drops", drops_json(datapath)},
           {"refusals", refusals_json(context.source.refusals())},
           {"devices", array_of(context.source.devices(), device_json)},
           {"pending_devices", array_of(system.pending, pending_json)},
           {"folders", array_of(context.source.config().folders,
                                [&](const auto& folder) { return folder_json(context, folder); })},
           {"transfers", array_of(context.source.transfers(), transfer_json)},
           {"notices", context.source.config().notices}});
}

}  // namespace weft::api
