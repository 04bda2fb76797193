#include "engine/api/metrics.hh"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>

#include "bep/proto/device_id.hh"
#include "engine/api/handlers.hh"
#include "engine/api/metric_book.hh"
#include "engine/api/path_summary.hh"
#include "engine/api/text.hh"
#include "engine/nic/drop.hh"

namespace weft::api {
namespace {

// Long enough to tell devices apart, short enough to read: Syncthing's own short form.
std::string short_name(const base::DeviceId& device) { return proto::short_id_text(proto::short_id(device)); }

double seconds_of(base::Duration duration) { return static_cast<double>(duration.ns) / 1e9; }

constexpr const char* kTrendHelp = "Early warning: 0 steady, from 1 on it warns; at most 2.";

void add_device(MetricBook& book, const run::DeviceStatus& device) {
  const std::string id = short_name(device.device);
  const Labels who = {{"device", id}, {"name", device.name}};
  book.gauge("weft_links", "Links that there are to the device.", who, device.links.size());
  book.counter("weft_device_connects_total", "Times that the device came; each after the first is a reconnection.", who,
               device.times_connected);
  for (std::size_t i = 0; i < device.links.size(); ++i) {
    const run::LinkStatus& link = device.links[i];
    const std::string place = std::to_string(i);   // 0: the primary
    const Labels which = {{"device", id}, {"name", device.name}, {"link", place}};
    book.gauge("weft_link_score", "Health of the link, 0 to 100, 100 best.", which, link.verdict.score);
    book.gauge("weft_link_degrading", "1: it gets worse and has not failed yet.", which, link.verdict.degrading ? 1 : 0);
    book.gauge("weft_link_trend_ratio", kTrendHelp, which, link.verdict.trend_permille / 1e3);
    book.gauge("weft_link_rtt_seconds", "Smoothed RTT of the kernel's TCP, 0: unknown.", which, seconds_of(link.tcp.rtt));
    book.gauge("weft_link_request_seconds", "From a request to its whole answer, smoothed, 0: there was none.", which,
               seconds_of(link.answer_time));
    book.gauge("weft_link_rate_bytes_per_second", "Of answers while the link was busy, 0: not measured.", which, link.rate_Bps);
    book.gauge("weft_link_suspect", "1: it is silent although something is waited for.", which, link.suspect ? 1 : 0);
    book.gauge("weft_link_jitter_seconds", "Its mean deviation.", which, seconds_of(link.tcp.rttvar));
    book.gauge("weft_link_loss_ratio", "Of the bytes sent lately, those that TCP sent again.", which,
               link.verdict.loss_permille / 1e3);
    book.gauge("weft_link_keep_alive_seconds", "Of silence before the link is pinged.", which,
               seconds_of(link.verdict.keep_alive));
  }
}

void add_daemon(MetricBook& book, const Context& context) {
  const run::SystemStatus status = context.source.system_status();
  book.gauge("weft_build_info", "Always 1; the version is a label.", {{"version", version()}}, 1);
  book.gauge("weft_uptime_seconds", "Since the daemon started.", {}, status.uptime_s);
  const char* const kBytes = "BEP bytes of all links since start.";
  book.counter("weft_link_bytes_total", kBytes, {{"direction", "in"}}, status.link_totals.bytes_in);
  book.counter("weft_link_bytes_total", kBytes, {{"direction", "out"}}, status.link_totals.bytes_out);
  const char* const kDials = "Addresses dialled since start, by what became of it.";
  book.counter("weft_link_dials_total", kDials, {{"result", "ready"}}, status.dial_counters.ready);
  book.counter("weft_link_dials_total", kDials, {{"result", "failed"}}, status.dial_counters.failed);
  const net::HandshakeCounters& made = status.handshakes;
  const char* const kMade = "TLS handshakes of links that came up, by whether an earlier session went on.";
  for (const auto& [kind, handshakes] : {std::pair{"full", made.full}, std::pair{"resumed", made.resumed}}) {
    book.counter("weft_link_handshakes_total", kMade, {{"kind", kind}}, handshakes.count);
    book.counter("weft_link_handshake_seconds_total", "How long they took together.", {{"kind", kind}},
                 seconds_of(handshakes.took));
  }
  for (const net::ListenerStatus& listener : status.listeners)
    book.gauge("weft_listener_port", "The TCP port in use, 0: it does not listen.", {{"address", listener.configured}},
               listener.port);
  for (const run::DeviceStatus& device : context.source.devices()) add_device(book, device);
}

void add_migrations(MetricBook& book, const std::string& device, const run::SteeringShown& steering) {
  const migrate::MigrationCounters& counters = steering.counters;
  const char* const kMigrations = "Migrations of the session's traffic between paths that ended, by how.";
  book.counter("weft_migrations_total", kMigrations, {{"device", device}, {"result", "completed"}}, counters.completed);
  book.counter("weft_migrations_total", kMigrations, {{"device", device}, {"result", "rolled_back"}}, counters.rolled_back);
  book.counter("weft_migrations_total", kMigrations, {{"device", device}, {"result", "superseded"}},
               counters.failed - counters.rolled_back);
  book.gauge("weft_migrating", "1 while one is under way.", {{"device", device}},
             steering.state == migrate::MigrationState::kMigrating ? 1 : 0);
  std::array<double, migrate::MigrationCounters::kBounds.size()> bounds{};
  std::ranges::transform(migrate::MigrationCounters::kBounds, bounds.begin(), seconds_of);
  book.histogram("weft_migration_seconds", "How long completed ones took, the trial of a second included.", {{"device", device}},
                 bounds, counters.by_duration, seconds_of(counters.took));
}

void add_session(MetricBook& book, const run::SessionStatus& session) {
  const std::string device = short_name(session.device);
  const run::SessionCounters& counters = session.counters;
  book.counter("weft_path_falls_total", "Paths in use that died.", {{"device", device}}, counters.falls);
  book.counter("weft_path_returns_total", "Paths that answered again after a fall.", {{"device", device}},
               counters.returns);
  const char* const kFailovers = "Falls of paths by what took over: other paths, or the link when none was left.";
  book.counter("weft_failovers_total", kFailovers, {{"device", device}, {"to", "path"}}, counters.failovers);
  book.counter("weft_failovers_total", kFailovers, {{"device", device}, {"to", "link"}}, counters.takeovers);
  if (session.steering) add_migrations(book, device, *session.steering);
}

void add_pool(MetricBook& book, const Context& context) {
  const run::PoolCounters pool = context.source.pool();
  const char* const kSessions = "Datapath sessions: of devices that are here, and parked ones of devices that are away.";
  book.gauge("weft_pool_sessions", kSessions, {{"state", "present"}}, pool.present);
  book.gauge("weft_pool_sessions", kSessions, {{"state", "parked"}}, pool.parked);
  book.gauge("weft_pool_places", "As many as there may be.", {}, pool.places);
  book.gauge("weft_pool_parked_bytes", "Memory that parked sessions hold, near enough.", {}, pool.bytes);
  const char* const kExhausted = "Times the pool was full: the oldest parked session was given up, or a device has to wait.";
  book.counter("weft_pool_exhausted_total", kExhausted, {{"result", "given_up"}}, pool.given_up);
  book.counter("weft_pool_exhausted_total", kExhausted, {{"result", "refused"}}, pool.refused);
  const char* const kSetUps = "Sessions set up with a link: begun anew, or found where they were (hits of the pool).";
  const char* const kTook = "From the link to the first usable path, together.";
  for (const auto& [kind, set_ups] : {std::pair{"new", pool.begun}, std::pair{"resumed", pool.resumed}}) {
    book.counter("weft_session_setups_total", kSetUps, {{"kind", kind}}, set_ups.count);
    book.counter("weft_session_setup_seconds_total", kTook, {{"kind", kind}}, seconds_of(set_ups.took));
  }
}

void add_transfers(MetricBook& book, const run::TransferTotals& totals) {
  const char* const kName = "weft_transfer_bytes_total";
  const char* const kHelp = "Bytes of files: verified by the way they came, reused from this disk, served to peers.";
  book.counter(kName, kHelp, {{"way", "link"}}, totals.bytes_via_link);
  book.counter(kName, kHelp, {{"way", "paths"}}, totals.bytes_via_paths);
  book.counter(kName, kHelp, {{"way", "reused"}}, totals.bytes_reused);
  book.counter(kName, kHelp, {{"way", "served"}}, totals.bytes_served);
  book.counter("weft_transfer_duplicate_bytes_total", "Chunk bytes that came a second time.", {},
               totals.bytes_duplicate);
  book.counter("weft_transfer_retransmitted_bytes_total", "Chunk bytes sent a second time.", {}, totals.bytes_again);
  book.counter("weft_transfer_moved_bytes_total",
               "Chunk bytes sent again because the path that had them fell silent or was left.", {},
               totals.bytes_moved);
  book.counter("weft_transfer_redundant_bytes_total", "Chunk bytes of second copies sent on purpose.", {},
               totals.bytes_redundant);
  book.gauge("weft_transfer_longest_stall_seconds", "Longest wait for a block while a transfer could go on.", {},
             static_cast<double>(totals.stall_longest_ms) / 1e3);
}

void add_path(MetricBook& book, const run::PathStatus& path, base::Instant now) {
  const PathSummary sum = summarize(path, now);
  const std::string device = short_name(path.device), remote = endpoint(path.remote, path.remote_udp);
  const Labels who = {{"device", device}, {"port", path.port}, {"remote", remote}};
  book.gauge("weft_path_state", "Always 1; the state is a label.",
             {{"device", device}, {"port", path.port}, {"remote", remote}, {"state", word_of(path.entry.state)},
              {"role", word_of(path.entry.role)}}, 1);
  book.gauge("weft_path_up", "1 while the path may carry data.", who,
             share::is_in_use(path.entry.state) ? 1 : 0);
  book.gauge("weft_path_score", "Health of the path, 0 to 100, 100 best.", who, path.entry.score);
  book.gauge("weft_path_degrading", "1: it gets worse and has not failed yet.", who, path.verdict.degrading ? 1 : 0);
  book.gauge("weft_path_trend_ratio", kTrendHelp, who, path.verdict.trend_permille / 1e3);
  book.counter("weft_path_probes_total", "Challenges that health asked for, as long as the path exists.", who, path.probes);
  book.gauge("weft_path_rtt_seconds", "Smoothed RTT of the path's quickest lane, 0: unknown.", who,
             seconds_of(sum.srtt));
  book.gauge("weft_path_rate_bytes_per_second", "Delivery rate, all lanes.", who, sum.rate_Bps);
  book.counter("weft_path_packets_lost_total", "Packets lost, without those that came after all.", who,
               sum.packets_lost);
  book.counter("weft_path_retransmitted_bytes_total", "Chunk bytes sent a second time.", who, sum.chunk_bytes_again);
  book.counter("weft_path_probe_bytes_total", "UDP payload of challenges and responses that we sent.", who, sum.probe_bytes_out);
  book.counter("weft_path_redundant_bytes_total", "Chunk bytes of second copies sent on purpose.", who,
               sum.chunk_bytes_redundant);
  const auto both = [&](const char* name, const char* help, std::uint64_t in, std::uint64_t out) {
    book.counter(name, help, {{"device", device}, {"port", path.port}, {"remote", remote}, {"direction", "in"}}, in);
    book.counter(name, help, {{"device", device}, {"port", path.port}, {"remote", remote}, {"direction", "out"}}, out);
  };
  both("weft_path_bytes_total", "UDP payload bytes.", sum.bytes_in, sum.bytes_out);
  both("weft_path_chunk_bytes_total", "Bytes of files.", sum.chunk_bytes_in, sum.chunk_bytes_out);
  for (const auto& [core, lane] : path.lanes) {
    const std::string number = std::to_string(base::to_index(core));
    const Labels lane_of = {{"device", device}, {"port", path.port}, {"remote", remote}, {"core", number}};
    book.gauge("weft_lane_rtt_seconds", "Smoothed RTT of the lane.", lane_of, seconds_of(lane.srtt));
    book.gauge("weft_lane_cwnd_bytes", "Congestion window.", lane_of, lane.cwnd_bytes);
    book.gauge("weft_lane_in_flight_bytes", "Sent and not acknowledged.", lane_of, lane.in_flight_bytes);
    book.gauge("weft_lane_rate_bytes_per_second", "Delivery rate.", lane_of, lane.rate_Bps);
  }
}

void add_datapath(MetricBook& book, const run::DatapathStatus& datapath) {
  book.counter("weft_monitor_seconds_total", "Of the control core: health and migration of all paths.", {},
               seconds_of(datapath.monitored));
  const char* const kDrops = "weft_drops_total";
  const char* const kHelp = "What was received and dropped, by reason.";
  for (const run::PortStatus& port : datapath.ports) {
    book.gauge("weft_port_up", "1 while the port's link is up.", {{"port", port.name}}, port.report.link_up ? 1 : 0);
    const nic::UdpPortStats& udp = port.report.udp;
    const auto both = [&](const char* name, const char* help, std::uint64_t in, std::uint64_t out) {
      book.counter(name, help, {{"port", port.name}, {"direction", "in"}}, in);
      book.counter(name, help, {{"port", port.name}, {"direction", "out"}}, out);
    };
    both("weft_port_packets_total", "Datagrams of the datapath.", udp.packets_in, udp.packets_out);
    both("weft_port_bytes_total", "Their UDP payload.", udp.bytes_in, udp.bytes_out);
    book.counter("weft_port_missed_total", "Frames the device dropped for want of polling or of buffers.",
                 {{"port", port.name}}, port.report.missed + port.report.no_mbuf);
    for (std::size_t i = 0; i < nic::kNicDrops; ++i)
      book.counter(kDrops, kHelp,
                   {{"at", "port"}, {"where", port.name}, {"reason", nic::name_of(static_cast<nic::NicDrop>(i))}},
                   port.report.udp.drops[i]);
  }
  for (const run::CoreStatus& core : datapath.cores) {
    const std::string number = std::to_string(base::to_index(core.core));
    book.gauge("weft_core_slots_free", "Block buffers that nobody holds.", {{"core", number}}, core.slots_free);
    book.counter("weft_core_turns_total", "Turns of the core's loop.", {{"core", number}}, core.turns);
    book.counter("weft_core_turns_idle_total", "Turns that found nothing to do.", {{"core", number}}, core.turns_idle);
    for (std::size_t i = 0; i < core.drops.size(); ++i)
      book.counter(kDrops, kHelp,
                   {{"at", "core"}, {"where", number}, {"reason", share::name_of(static_cast<share::Drop>(i))}},
                   core.drops[i]);
  }
}

void add_refusals(MetricBook& book, const run::RefusalStatus& refusals) {
  for (std::size_t i = 0; i < refusals.links.size(); ++i)
    book.counter("weft_links_closed_total", "Links that ended, by reason.",
                 {{"reason", net::name_of(static_cast<net::CloseReason>(i))}}, refusals.links[i]);
  for (std::size_t i = 1; i < proto::kReasonCount; ++i)
    book.counter("weft_messages_refused_total", "What peers said that was refused, by reason.",
                 {{"reason", proto::name_of(static_cast<proto::Reason>(i))}}, refusals.messages.counts[i]);
}

void add_folder(MetricBook& book, const std::string& id, const model::FolderStatus& status) {
  const std::string state = status.state == model::FolderState::kPaused ? "paused" : model::name_of(status.state);
  book.gauge("weft_folder_state", "Always 1; the state is a label.", {{"folder", id}, {"state", state}}, 1);
  book.gauge("weft_folder_errors", "Items that the last pull could not bring.", {{"folder", id}}, status.pull_errors);
  const auto scope = [&](const char* name, const model::Counts& counts) {
    const char* const kItems = "Items of the folder by scope and type.";
    book.gauge("weft_folder_items", kItems, {{"folder", id}, {"scope", name}, {"type", "files"}}, counts.files);
    book.gauge("weft_folder_items", kItems, {{"folder", id}, {"scope", name}, {"type", "directories"}},
               counts.directories);
    book.gauge("weft_folder_items", kItems, {{"folder", id}, {"scope", name}, {"type", "symlinks"}}, counts.symlinks);
    book.gauge("weft_folder_items", kItems, {{"folder", id}, {"scope", name}, {"type", "deleted"}}, counts.deleted);
    book.gauge("weft_folder_bytes", "Bytes of the folder's files by scope.", {{"folder", id}, {"scope", name}},
               counts.bytes);
  };
  scope("global", status.counts.global);
  scope("local", status.counts.local);
  scope("need", status.counts.need);
}

}  // namespace

std::string metrics_text(const Context& context) {
  MetricBook book;
  add_daemon(book, context);
  add_pool(book, context);
  add_transfers(book, context.source.totals());
  const base::Instant now = context.source.now();
  for (const run::SessionStatus& session : context.source.sessions()) add_session(book, session);
  for (const run::PathStatus& path : context.source.paths()) add_path(book, path, now);
  add_datapath(book, context.source.datapath());
  add_refusals(book, context.source.refusals());
  for (const model::FolderConfig& folder : context.source.config().folders)
    if (const auto status = context.source.folder_status(folder.id)) add_folder(book, folder.id, *status);
  return prometheus::TextSerializer().Serialize(book.families());
}

Response get_metrics(const Context& context, const Call&) {
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_text(context);
  return response;
}

}  // namespace weft::api
