#include "tests/unit/api/fake_daemon.hh"

namespace weft::api::test {

base::DeviceId device_of(std::uint8_t filling) {
  base::DeviceId id;
  id.fill(std::byte{filling});
  return id;
}

namespace {

run::LaneStatus lane(std::uint8_t core, std::int64_t srtt_us, std::uint64_t rate) {
  run::LaneStatus out;
  out.core = base::CoreId{core};
  out.report.validated = true;
  out.report.srtt = base::microseconds(srtt_us);
  out.report.rttvar = base::microseconds(srtt_us / 4);
  out.report.rate_Bps = rate;
  out.report.packets_out = 1000;
  out.report.packets_lost = 12;
  out.report.packets_spurious = 2;
  out.report.packets_in = 500;
  out.report.bytes_out = 1'000'000;
  out.report.bytes_in = 50'000;
  out.report.chunk_bytes_again = 700;
  out.report.chunk_bytes_redundant = 100;
  out.report.last_received = base::Instant{4'900'000'000};
  return out;
}

run::PathStatus path() {
  run::PathStatus out;
  out.device = kPeer;
  out.path = base::PathId{9};
  out.port = "left";
  out.remote_port = "links";
  out.local.bytes = {10, 1, 0, 1};
  out.remote.bytes = {10, 1, 0, 2};
  out.local_udp = 22100;
  out.remote_udp = 22200;
  out.entry.state = share::PathState::kActive;
  out.entry.score = 97;
  out.verdict = {.score = 97, .loss_permille = 10, .trend_permille = 500, .interval = base::milliseconds(2500)};
  out.probes = 12;
  out.activity = health::Activity::kInactive;
  out.lanes = {lane(0, 400, 1000), lane(1, 200, 500)};
  return out;
}

}  // namespace

FakeDaemon::FakeDaemon() {
  config_value.devices = {{.id = kSelf, .name = "self"}, {.id = kPeer, .name = "peer"}, {.id = kAway, .name = "away"}};
  config_value.folders = {{.id = "docs", .label = "Documents", .path = "/data/docs", .devices = {kSelf, kPeer}},
                          {.id = "paused one", .path = "/data/p", .devices = {kSelf}, .paused = true}};
  system_value.self = kSelf;
  system_value.started_unix_ms = 1'700'000'000'123;
  system_value.uptime_s = 61;
  system_value.listeners = {{.configured = "tcp://0.0.0.0:22000", .actual = "tcp://0.0.0.0:22000", .port = 22000},
                            {.configured = "tcp://0.0.0.0:1", .error = "permission denied"}};
  system_value.dials = {{.device = kAway, .address = "tcp://192.0.2.1:22000", .when_unix_ms = 1'700'000'001'000,
                         .error = "connection refused"}};
  system_value.dial_counters = {.ready = 7, .failed = 9};
  system_value.link_totals = {.bytes_in = 77, .bytes_out = 88};
  docs.state = model::FolderState::kSyncing;
  docs.state_changed_s = 1'700'000'002;
  docs.sequence = 42;
  docs.counts.global = {.files = 10, .directories = 3, .symlinks = 1, .deleted = 2, .bytes = 4000};
  docs.counts.local = {.files = 7, .directories = 3, .symlinks = 1, .deleted = 1, .bytes = 3000};
  docs.counts.need = {.files = 3, .directories = 0, .symlinks = 0, .deleted = 1, .bytes = 1000};
  docs.pull_errors = 1;
  docs.item_errors = {{.name = "bad\xFFname", .text = "no space left on device"}};
  paths_value = {path()};
  datapath_value.running = true;
  datapath_value.aead = "openssl";
  datapath_value.cores.resize(2);
  datapath_value.cores[1].core = base::CoreId{1};
  datapath_value.cores[0].drops[static_cast<std::size_t>(share::Drop::kTag)] = 3;
  datapath_value.cores[1].drops[static_cast<std::size_t>(share::Drop::kTag)] = 4;
  datapath_value.ports = {{.name = "left", .device = "net_memif0"}, {.name = "right", .device = "net_memif1"}};
  datapath_value.ports[0].report.link_up = true;
  datapath_value.ports[0].report.udp.packets_out = 30;
  datapath_value.ports[0].report.missed = 2;
  datapath_value.ports[0].report.no_mbuf = 3;
  for (const std::int64_t ms : {4'000, 4'034, 4'035, 4'900}) stalls_value.on_block(ms * 1'000'000);
  gaps_value.add(4'000'000'000, 7'000'000, 5'000'000);
}

void FakeDaemon::note(std::string order) {
  const std::lock_guard lock(mutex_);
  orders_.push_back(std::move(order));
}
std::vector<std::string> FakeDaemon::orders() {
  const std::lock_guard lock(mutex_);
  return orders_;
}
nic::Impairment FakeDaemon::last_impairment() {
  const std::lock_guard lock(mutex_);
  return impairment_;
}

std::vector<run::DeviceStatus> FakeDaemon::devices() const {
  run::LinkStatus link;
  link.started_unix_ms = 1'700'000'003'000;
  link.bytes_in = 5;
  link.bytes_out = 6;
  link.local = "10.0.0.1:40000";
  link.address = "10.0.0.2:22000";
  link.type = "tcp-client";
  link.crypto = "TLS1.3-TLS_AES_128_GCM_SHA256";
  link.tcp = {.rtt = base::microseconds(2500), .rttvar = base::microseconds(300), .rtt_min = base::microseconds(500),
              .heard_ago = base::seconds(3)};
  link.verdict = {.score = 61, .reason = share::PathReason::kLatency, .measure = 500, .loss_permille = 4, .degrading = true,
                  .trend_permille = 1250, .keep_alive = base::seconds(60)};
  run::LinkStatus second = link;
  second.local = "10.0.1.1:40000";
  second.verdict = {.score = 99, .keep_alive = base::seconds(120)};
  run::DeviceStatus peer;
  peer.device = kPeer;
  peer.name = "peer";
  peer.times_connected = 4;
  peer.weft = true;
  peer.client_name = "syncthing";
  peer.client_version = "v1.19.2";
  peer.links = {link, second};
  run::DeviceStatus away;
  away.device = kAway;
  away.name = "away";
  return {peer, away};
}

base::Result<model::FolderStatus> FakeDaemon::folder_status(std::string_view folder) const {
  if (folder == "docs") return docs;
  if (folder == "paused one") return model::FolderStatus{.state = model::FolderState::kPaused};
  return base::fail(base::Errc::kNotFound, "no such folder");
}

base::Result<model::Completion> FakeDaemon::completion(std::string_view folder, const base::DeviceId& device) const {
  if (folder == "paused one") return model::Completion{};
  if (folder != "docs") return base::fail(base::Errc::kNotFound, "no such folder");
  if (device == kSelf)
    return model::Completion{.global_bytes = 4000, .global_items = 14, .need_bytes = 1000, .need_items = 3,
                             .need_deletes = 1, .sequence = 42};
  return model::Completion{.global_bytes = 4000, .global_items = 14, .sequence = 17};
}

std::vector<model::TransferInfo> FakeDaemon::transfers() const {
  return {{.folder = "docs", .name = "big.bin", .way = model::Way::kFabric, .bytes_total = 900, .bytes_done = 300,
           .block_bytes = 100, .blocks_total = 9, .blocks_done = 3, .blocks_asked = 2, .next_block = 5,
           .running = base::milliseconds(1500), .silent = base::milliseconds(20), .rate_Bps = 200}};
}

run::TransferTotals FakeDaemon::totals() const {
  run::TransferTotals totals;
  totals.bytes_verified = 3000;
  totals.bytes_via_paths = 2900;
  totals.bytes_via_link = 100;
  totals.stall_longest_ms = 34;
  return totals;
}

run::RefusalStatus FakeDaemon::refusals() const {
  run::RefusalStatus out;
  out.links[static_cast<std::size_t>(net::CloseReason::kUnknownDevice)] = 9;
  return out;
}

base::Status FakeDaemon::scan(std::string_view folder) {
  if (folder == "docs") {
    note("scan docs");
    return {};
  }
  if (folder == "paused one") return base::fail(base::Errc::kUnavailable, "folder is paused");
  return base::fail(base::Errc::kNotFound, "no such folder");
}

base::Status FakeDaemon::set_policy(share::Policy policy) {
  if (!datapath_value.running) return base::fail(base::Errc::kUnavailable, "no [[port]] in weft.toml");
  datapath_value.policy = policy;
  note(std::string("policy ") + share::name_of(policy));
  return {};
}

migrate::PathError FakeDaemon::wish(const char* what, const run::PathName& path) {
  if (path.path == "two" && !path.device) return PathError::kAmbiguous;
  if (path.path != "left:links" && path.path != "slow" && path.path != "two") return PathError::kUnknownPath;
  note(std::string(what) + " " + path.path);
  return PathError::kNone;
}

migrate::PathError FakeDaemon::move(const run::PathName& from, const run::PathName& to) {
  const PathError error = wish("from", from);
  return error == PathError::kNone ? wish("to", to) : error;
}

migrate::PathError FakeDaemon::unpin(const std::optional<base::DeviceId>& device) {
  note(device ? "unpin one" : "unpin all");
  return device ? PathError::kNotSupported : PathError::kNone;
}

void FakeDaemon::probe(const run::PathName& path, base::Duration deadline, Probed done) {
  if (const PathError error = wish("probe", path); error != PathError::kNone) return done(error, {});
  if (path.path == "slow") return deadline < base::seconds(1) ? done(PathError::kDeadlineExceeded, {}) : void();
  done(PathError::kNone, base::microseconds(730));
}

base::Status FakeDaemon::add_port(std::string_view lines, std::string& why) {
  if (!datapath_value.running) return base::fail(base::Errc::kUnavailable, "no [[port]] in weft.toml");
  model::PortConfig left{.name = "left", .device = "net_memif0,id=0", .v4 = model::IpPrefix{{.bytes = {10, 1, 0, 1}}, 24}};
  const auto port = model::parse_port(lines, 2, {left});
  if (!port) {
    why = port.error();
    return base::fail(base::Errc::kInvalidConfig, "the port cannot be as it is described");
  }
  if (port->device == "net_tap9") {
    why = "port '" + port->name + "': no memory for its packet buffers";
    return base::fail(base::Errc::kUnavailable, "port could not be opened");
  }
  note("add " + port->name);
  const std::lock_guard lock(mutex_);
  port_ = *port;
  return {};
}

model::PortConfig FakeDaemon::last_port() {
  const std::lock_guard lock(mutex_);
  return port_;
}

base::Status FakeDaemon::reopen_port(std::string_view name, std::string&) {
  if (name != "broken") return base::fail(base::Errc::kNotFound, "no such port");
  note("reopen broken");
  return {};
}

base::Status FakeDaemon::remove_port(std::string_view name) {
  if (name == "going") return base::fail(base::Errc::kUnavailable, "the port is being removed already");
  if (name != "left" && name != "right") return base::fail(base::Errc::kNotFound, "no such port");
  note("remove " + std::string(name));
  return {};
}

base::Status FakeDaemon::impair(std::string_view port, const nic::Impairment& impairment) {
  if (port != "left" && port != "right") return base::fail(base::Errc::kNotFound, "no such port");
  if (!impair_answer) return impair_answer;
  note("impair " + std::string(port));
  const std::lock_guard lock(mutex_);
  impairment_ = impairment;
  return {};
}

}  // namespace weft::api::test
