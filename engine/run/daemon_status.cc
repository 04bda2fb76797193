// What the daemon shows: values gathered from links, model and datapath.
#include "engine/run/daemon.hh"

#include <algorithm>

namespace weft::run {

SystemStatus Daemon::system_status() const {
  SystemStatus s;
  s.self = setup_.identity.id();
  s.started_unix_ms = started_unix_ms_;
  s.uptime_s = static_cast<std::uint64_t>((now() - started_).ns / 1'000'000'000);
  s.listeners = links_->listeners();
  s.dials = links_->dial_status();
  s.pending = links_->pending();
  s.dial_counters = links_->dials();
  s.handshakes = links_->handshakes();
  s.link_totals = links_->totals();
  return s;
}

LinkStatus Daemon::link_status(net::Link& link) const {
  const std::int64_t unix_now_ms = started_unix_ms_ + (now() - started_).ms();
  LinkStatus s;
  s.started_unix_ms = unix_now_ms - (now() - link.ready_since()).ms();
  s.bytes_in = link.bytes_in();
  s.bytes_out = link.bytes_out();
  s.local = link.local();
  s.address = link.remote();
  s.type = link.type();
  s.crypto = link.crypto();
  if (const auto figures = link.tcp_figures()) s.tcp = *figures;
  s.verdict = link_watch_->verdict_of(link);
  s.suspect = link.suspect();
  const model::Peer* const peer = model_->peer(link.device());
  if (const model::LinkMeter* const meter = peer == nullptr ? nullptr : peer->meter_of(link)) {
    s.answer_time = meter->answer_time();
    s.rate_Bps = meter->rate_Bps();
  }
  return s;
}

std::vector<DeviceStatus> Daemon::devices() const {
  std::vector<DeviceStatus> out;
  for (const model::DeviceConfig& device : setup_.config.devices) {
    if (device.id == setup_.identity.id()) continue;
    DeviceStatus s;
    s.device = device.id;
    s.name = device.name;
    s.paused = device.paused;
    s.times_connected = links_->times_connected(device.id);
    const model::Peer* const peer = model_->peer(device.id);
    net::Link* const primary = peer == nullptr ? nullptr : peer->primary();
    std::vector<net::Link*> links = links_->links_of(device.id);
    std::ranges::stable_partition(links, [&](const net::Link* link) { return link == primary; });
    for (net::Link* const link : links) {
      s.weft = link->peer_is_weft();
      s.client_name = link->hello().client_name;
      s.client_version = link->hello().client_version;
      if (s.name.empty()) s.name = link->hello().device_name;
      s.links.push_back(link_status(*link));
    }
    out.push_back(std::move(s));
  }
  return out;
}

base::Result<model::FolderStatus> Daemon::folder_status(std::string_view folder) const {
  return model_->folder_status(folder);
}

base::Result<model::Completion> Daemon::completion(std::string_view folder, const base::DeviceId& device) const {
  return model_->completion(folder, device);
}

TransferTotals Daemon::totals() const {
  const model::TransferTotals& from = model_->totals();
  TransferTotals t;
  t.bytes_via_link = from.bytes_via_link;
  t.bytes_via_paths = from.bytes_via_fabric;
  t.bytes_verified = from.bytes_via_link + from.bytes_via_fabric;
  t.bytes_reused = from.bytes_reused;
  t.stall_longest_ms = model_->stalls().longest_ns() / 1'000'000;
  for (const auto& session : datapath_->sessions()) {
    t.bytes_served += session.totals.bytes_served;
    t.bytes_moved += session.totals.bytes_moved;
    for (const PathShown& path : session.paths)
      for (const share::LaneReport& lane : path.lanes) {
        t.bytes_duplicate += lane.chunk_bytes_duplicate;
        t.bytes_again += lane.chunk_bytes_again;
        t.bytes_redundant += lane.chunk_bytes_redundant;
      }
  }
  return t;
}

std::vector<PathStatus> Daemon::paths() const {
  std::vector<PathStatus> out;
  for (const auto& session : datapath_->sessions())
    for (const PathShown& path : session.paths) {
      PathStatus s;
      s.device = session.peer;
      s.path = path.id;
      s.port = path.local_name;
      s.remote_port = path.remote_name;
      s.local = path.local;
      s.remote = path.remote;
      s.local_udp = path.local_udp;
      s.remote_udp = path.remote_udp;
      s.entry = path.entry;
      s.verdict = path.verdict;
      s.activity = path.activity;
      s.port_up = path.port_up;
      s.probes = path.probes;
      for (std::size_t core = 0; core < path.lanes.size(); ++core) {
        s.session = path.lanes[core].session;
        s.lanes.push_back({base::CoreId{static_cast<std::uint8_t>(core)}, path.lanes[core]});
      }
      out.push_back(std::move(s));
    }
  return out;
}

std::vector<SessionStatus> Daemon::sessions() const {
  std::vector<SessionStatus> out;
  for (const auto& session : datapath_->sessions())
    out.push_back({session.peer, session.counters, datapath_->steering(session.peer)});
  return out;
}

DatapathStatus Daemon::datapath() const {
  DatapathStatus d;
  d.policy = datapath_->policy();
  if (engine_ == nullptr) return d;
  d.running = true;
  d.aead = engine_->aead_name();
  d.memory_kind = engine_->memory_kind();
  d.disk_fallback = engine_->disk_fallback();
  d.cpu_ns = engine_->cpu_ns();
  d.monitored = datapath_->monitored();
  for (std::uint32_t i = 0; i < engine_->cores(); ++i) {
    const share::CoreReport& report = engine_->channel(i).report();
    d.cores.push_back({.core = base::CoreId{static_cast<std::uint8_t>(i)}, .turns = report.turns,
                       .turns_idle = report.turns_idle, .handed_over = report.handed_over,
                       .slots_free = report.slots_free, .slots_total = setup_.weft.engine.slots,
                       .stages = report.stages, .drops = report.drops});
  }
  for (std::uint32_t i = 0; i < base::kPortsMax; ++i) {
    nic::Port* const port = engine_->port(i);
    if (port == nullptr) continue;
    d.ports.push_back({.name = port->config().name, .device = port->config().device,
                       .udp_port = port->config().udp_port, .role = port->config().role,
                       .vlan = port->config().vlan, .exception = port->config().exception, .report = port->report(),
                       .impairment = port->impairment(), .leaving = engine_->leaving(i), .error = {}});
  }
  for (const Engine::ClosedPort& port : engine_->closed_ports())
    d.ports.push_back({.name = port.config.name, .device = port.config.device, .udp_port = port.config.udp_port,
                       .role = port.config.role, .vlan = 0, .exception = {}, .report = {}, .impairment = {},
                       .leaving = false, .error = port.why});
  return d;
}

RefusalStatus Daemon::refusals() const {
  RefusalStatus r;
  r.links = links_->counters();
  r.messages = links_->protocol_counters();
  return r;
}

}  // namespace weft::run
