#include "engine/run/weft_session.hh"

#include <openssl/crypto.h>

#include <algorithm>

#include "bep/proto/device_id.hh"
#include "engine/base/log.hh"
#include "engine/nic/rss.hh"
#include "engine/run/chunk_map.hh"
#include "engine/wire/frame.hh"
#include "engine/wire/keys.hh"

namespace weft::run {

using base::LogLevel;
using share::Command;

namespace {

constexpr std::string_view kIdLabel = "EXPERIMENTAL weft session id 1";
constexpr std::uint32_t kIpUdpV4 = 28, kIpUdpV6 = 48;

std::uint32_t payload_of_mtu(std::uint32_t mtu, bool v6) { return mtu - (v6 ? kIpUdpV6 : kIpUdpV4); }

// The chunk of which as many as fit a packet of this size fill it, evened out so that a full slot has no short tail.
std::uint32_t chunk_bytes_for(std::uint32_t payload) {
  const std::uint32_t most = payload - kChunkPacketOverhead;
  const std::uint32_t per_packet = most / base::kChunkBytesWanted;
  for (std::uint32_t packets = chunk_count(base::kSlotBytes, most);; ++packets) {
    const std::uint32_t chunk = chunk_count(base::kSlotBytes, packets * per_packet);   // rounded up
    if (chunk * per_packet <= most) return chunk;
  }
}

}  // namespace

WeftSession::WeftSession(DataSide& engine, SessionHost& host, base::SessionId slot, const base::DeviceId& self,
                         const base::DeviceId& peer)
    : engine_(engine), host_(host), slot_(slot), self_(self), peer_(peer) {}

WeftSession::~WeftSession() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

Command WeftSession::command(Command::Kind kind) const {
  Command c;
  c.kind = kind;
  c.session = slot_;
  return c;
}

proto::Offer WeftSession::make_offer() const {
  proto::Offer offer;
  offer.session_id_previous = id_;
  offer.cores = engine_.cores();
  offer.aeads.assign(wire::kAeadNames.begin(), wire::kAeadNames.end());
  offer.receiver_index_base = receiver_base_offered_;
  offer.requests_max = engine_.requests_max();
  std::uint32_t payload = UINT32_MAX;
  for (std::uint32_t i = 0; i < engine_.ports(); ++i) {
    const LocalPort port = engine_.local_port(i);
    payload = std::min(payload, payload_of_mtu(port.mtu, port.address.v6));   // narrower paths carry fewer chunks
    offer.ports.push_back({.address = port.address, .prefix_len = port.prefix_bits, .mtu = port.mtu,
                           .speed_bps = port.speed_Bps * 8, .udp_port_base = port.udp_port,
                           .role = static_cast<std::uint32_t>(port.role), .name = port.name,
                           .rss_entries = port.rss_entries, .to = port.to});
  }
  offer.chunk_bytes_max = chunk_bytes_for(payload);
  return offer;
}

void WeftSession::on_link_up(std::unique_ptr<SessionLink> link) {
  link_ = std::move(link);
  // Another one than before, so that reports of the old lanes are told from those of the new.
  do receiver_base_offered_ = ReceiverIndex::base_of(host_.random_word(), slot_);
  while (receiver_base_offered_ == receiver_base_ours_);
  offered_ = true;
  link_->send(make_offer());
  link_->flush();
}

void WeftSession::on_link_down() {
  link_.reset();
  offered_ = false;
  // Opens that were asked on it are not answered any more; those not yet sent cannot be.
  std::vector<std::uint32_t> lost;
  for (const auto& [number, transfer] : transfers_)
    if (transfer.state == Transfer::State::kOpening) lost.push_back(number);
  open_batch_ = {};
  for (const std::uint32_t number : lost)
    fail_open(number, {base::Errc::kUnavailable, 0, "the link went down before the file was opened"});
}

void WeftSession::handle_offer(std::uint64_t link, const proto::Offer& offer) {
  if (link_ == nullptr || link_->number() != link || !offered_) return;
  offered_ = false;   // one OFFER per link: a second would begin a session under the same secret, and repeat nonces
  const bool resume = active_ && offer.session_id_previous == id_;
  if (resume) {
    base::log(LogLevel::kInfo, "session resumed", {{"peer", proto::short_id_text(proto::short_id(peer_))}});
    repeat_grants();
    schedule_flush();
    return;
  }
  if (active_) end("the peer has begun a new session");
  begin(offer, host_.now());
}

void WeftSession::begin(const proto::Offer& offer, base::Instant now) {
  const auto common = [&](std::string_view aead) {
    return std::find(offer.aeads.begin(), offer.aeads.end(), aead) != offer.aeads.end();
  };
  if (offer.version != proto::kOfferVersion || offer.ports.empty() || offer.cores == 0 ||
      std::none_of(wire::kAeadNames.begin(), wire::kAeadNames.end(), common)) {
    base::log(LogLevel::kWarn, "no datapath with this peer: its offer has nothing in common with ours",
              {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"version", offer.version},
               {"ports", static_cast<std::uint64_t>(offer.ports.size())}});
    return;
  }
  const std::uint32_t chunk = std::min(offer.chunk_bytes_max, make_offer().chunk_bytes_max);
  if (chunk < base::kChunkBytesMin) {
    base::log(LogLevel::kWarn, "no datapath with this peer: its MTU is too small",
              {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"chunk_bytes", chunk}});
    return;
  }
  if (!link_->export_secret(wire::kExporterLabel, secret_) || !link_->export_secret(kIdLabel, id_)) {
    base::log(LogLevel::kError, "no datapath with this peer: the TLS exporter failed",
              {{"peer", proto::short_id_text(proto::short_id(peer_))}});
    id_ = {};
    return;
  }
  active_ = true;
  ++serial_;
  peer_offer_ = offer;
  if (peer_offer_.ports.size() > base::kPortsMax) peer_offer_.ports.resize(base::kPortsMax);
  receiver_base_ours_ = receiver_base_offered_;
  receiver_base_peers_ = offer.receiver_index_base;
  cores_ = std::min(offer.cores, engine_.cores());
  chunk_bytes_ = chunk;
  for (std::uint32_t core = 0; core < cores_; ++core) {
    Command c = command(Command::Kind::kAddSession);
    c.body.add_session = {.chunk_bytes = chunk, .requests_max = offer.requests_max};
    engine_.channel(core).send(c);
  }
  add_candidates(now);
  base::log(LogLevel::kInfo, "session begun",
            {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"cores", cores_}, {"chunk_bytes", chunk_bytes_},
             {"peer_ports", static_cast<std::uint64_t>(peer_offer_.ports.size())}});
}

void WeftSession::add_candidates(base::Instant now) {
  // Every local port x remote port (design §3). Both ends number a path by (low device's port, high device's port), and
  // both try the pairs in the same order, so that they stop at the same ones. In each round every port of the end with
  // more ports has one turn (0-0, 1-1, …, then round the other end's again): no port has two paths before all have one.
  std::uint32_t added = 0;
  const auto remotes = static_cast<std::uint32_t>(peer_offer_.ports.size());
  const std::uint32_t locals = engine_.ports();
  const bool many_are_ours = locals == remotes ? we_are_low() : locals > remotes;
  const std::uint32_t many = std::max(locals, remotes), few = std::min(locals, remotes);
  for (std::uint32_t round = 0; round < few; ++round)
    for (std::uint32_t one = 0; one < many; ++one) {
      const std::uint32_t other = (one + round) % few;
      if (added == kPathsPerSessionMax) break;
      if (add_path(many_are_ours ? one : other, many_are_ours ? other : one, now)) ++added;
    }
  if (added == 0)
    base::log(LogLevel::kWarn, "no port of ours can reach a port of the peer: check addresses and gateways",
              {{"peer", proto::short_id_text(proto::short_id(peer_))}});
}

bool WeftSession::remember_remote(const base::IpAddress& address) {
  if (std::find(remotes_.begin(), remotes_.end(), address) != remotes_.end()) return true;
  if (remotes_.size() >= kRemotesMax) return false;
  remotes_.push_back(address);
  return true;
}

bool WeftSession::add_path(std::uint32_t local, std::uint32_t remote, base::Instant now) {
  const proto::Offer::Port& theirs = peer_offer_.ports[remote];
  const LocalPort ours = engine_.local_port(local);
  const auto speaks_with = [](const std::vector<std::string>& to, const std::string& name) {
    return to.empty() || std::find(to.begin(), to.end(), name) != to.end();
  };
  if (!speaks_with(ours.to, theirs.name) || !speaks_with(theirs.to, ours.name)) return false;
  if (theirs.udp_port_base == 0 || theirs.udp_port_base + cores_ > 65536) return false;
  // memif's two ends share rings: DPDK 22.11 does not notice ends that differ in queues or frame size, and what one
  // writes then is not what the other reads.
  if (ours.shares_rings && (peer_offer_.cores != engine_.cores() || theirs.mtu != ours.mtu)) {
    base::log(LogLevel::kError, "a memif port needs the same cores and mtu in weft.toml at both ends: not used",
              {{"port", ours.name}, {"remote", theirs.name}, {"cores", engine_.cores()},
               {"peer_cores", peer_offer_.cores}, {"mtu", ours.mtu}, {"peer_mtu", theirs.mtu}});
    return false;
  }
  if (!remember_remote(theirs.address)) {
    base::log(LogLevel::kWarn, "the peer has offered too many addresses: not used",
              {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"limit", kRemotesMax}});
    return false;
  }
  const auto flow = engine_.make_flow(local, theirs.address, ours.udp_port,
                                      static_cast<std::uint16_t>(theirs.udp_port_base));
  if (!flow) return false;
  const std::uint32_t mtu = std::min<std::uint32_t>(ours.mtu, theirs.mtu);
  const std::uint32_t payload = payload_of_mtu(mtu, theirs.address.v6);
  if (payload < chunk_bytes_ + kChunkPacketOverhead) return false;
  const std::uint32_t low = we_are_low() ? local : remote;
  const std::uint32_t high = we_are_low() ? remote : local;
  const base::PathId id{static_cast<std::uint8_t>(low * base::kPortsMax + high)};
  Path& path = paths_[base::to_index(id)];
  path = Path{};
  path.exists = true;
  path.local = local;
  path.remote = remote;
  path.flow = *flow;
  path.packet_bytes = static_cast<std::uint16_t>(payload);
  path.congestion = ours.congestion;
  const bool backup = ours.role == share::PathRole::kBackup ||
                      theirs.role != static_cast<std::uint32_t>(share::PathRole::kPrimary);
  if (const auto change = book_.add(id, backup ? share::PathRole::kBackup : share::PathRole::kPrimary, now))
    log_change(*change);
  book_.set_weight(id, ours.weight);
  add_lanes(id, now);
  return true;
}

share::Flow WeftSession::flow_of(const Path& path, std::uint32_t core) const {
  share::Flow flow = path.flow;
  flow.src_udp = static_cast<std::uint16_t>(flow.src_udp + core);
  flow.dst_udp = static_cast<std::uint16_t>(flow.dst_udp + core);
  const std::uint32_t entries = peer_offer_.ports[path.remote].rss_entries;
  if (nic::is_rss_table(entries))
    flow.src_udp = nic::source_port_for(flow, entries, peer_offer_.cores, core).value_or(flow.src_udp);
  return flow;
}

void WeftSession::add_lanes(base::PathId id, base::Instant) {
  const Path& path = paths_[base::to_index(id)];
  for (std::uint32_t core = 0; core < cores_; ++core) {
    const auto tx = key(id, core, true, 0);
    const auto rx = key(id, core, false, 0);
    if (!tx || !rx) continue;
    const base::CoreId core_id{static_cast<std::uint8_t>(core)};
    Command c = command(Command::Kind::kAddLane);
    c.path = id;
    c.body.add_lane = {.port = base::PortId{static_cast<std::uint8_t>(path.local)},
                       .flow = flow_of(path, core),
                       .packet_bytes = path.packet_bytes,
                       .congestion = path.congestion,
                       .receiver_index_local = ReceiverIndex::of(receiver_base_ours_, id, core_id),
                       .receiver_index_remote = ReceiverIndex::of(receiver_base_peers_, id, core_id),
                       .tx = *tx,
                       .rx = *rx};
    engine_.channel(core).send(c);
  }
}

std::optional<share::PacketKey> WeftSession::key(base::PathId path, std::uint32_t core, bool tx,
                                                 std::uint32_t epoch) const {
  const wire::Direction sending = wire::send_direction(self_, peer_);
  auto derived = wire::derive_packet_key(secret_, path, base::CoreId{static_cast<std::uint8_t>(core)},
                                         tx ? sending : wire::opposite(sending), epoch);
  if (derived) return *derived;
  base::log(LogLevel::kError, "a packet key could not be derived", {{"error", derived.error().text}});
  return std::nullopt;
}

void WeftSession::supply_keys(const share::LaneReport& lane, std::uint32_t core) {
  Path& path = paths_[base::to_index(lane.path)];
  for (const bool tx : {true, false}) {
    const std::uint32_t next = (tx ? lane.key_epoch : lane.peer_key_epoch) + 1;
    std::uint32_t& sent = tx ? path.tx_key_sent[core] : path.rx_key_sent[core];
    if (next != sent + 1) continue;   // the lane is at an epoch whose successor it has been sent
    const auto k = key(lane.path, core, tx, next);
    if (!k) continue;
    Command c = command(Command::Kind::kSetKey);
    c.path = lane.path;
    c.body.set_key = {.epoch = next, .tx = tx, .key = *k};
    engine_.channel(core).send(c);
    sent = next;
  }
}

bool WeftSession::is_ours(const share::LaneReport& lane, std::uint32_t core) const {
  const auto index = ReceiverIndex::of(receiver_base_ours_, lane.path, base::CoreId{static_cast<std::uint8_t>(core)});
  return lane.session == slot_ && paths_[base::to_index(lane.path)].exists && lane.receiver_index == index;
}

void WeftSession::tick(share::PathTable& table, base::Instant now) {
  auto& rows = table.paths[base::to_index(slot_)];
  if (!active_) {
    rows.fill({});
    return;
  }
  base::FixedVector<health::PathReport, base::kPathsMax> reports;
  std::array<base::FixedVector<health::LaneSample, base::kCoresMax>, base::kPathsMax> samples;
  for (std::uint32_t core = 0; core < cores_; ++core) {
    const share::CoreReport& report = engine_.channel(core).report();
    for (std::uint32_t i = 0; i < report.lane_count; ++i) {
      const share::LaneReport& lane = report.lanes[i];
      if (!is_ours(lane, core)) continue;
      MUST(samples[base::to_index(lane.path)].try_push({&lane, report.at}));
      supply_keys(lane, core);
    }
  }
  for (std::size_t i = 0; i < base::kPathsMax; ++i) {
    if (!paths_[i].exists) continue;
    const base::PathId id{static_cast<std::uint8_t>(i)};
    const bool up = engine_.link_up(paths_[i].local);
    if (up && !paths_[i].port_was_up)
      if (const auto change = book_.retry(id, now)) log_change(*change);
    paths_[i].port_was_up = up;
    health::PathReport report = health::aggregate(id, samples[i].span());
    report.state = book_.entry(id).state;
    report.port_up = up;
    MUST(reports.try_push(report));
  }
  for (const share::PathVerdict& verdict : monitor_.tick(reports.span(), now))
    if (const auto change = book_.apply(verdict, now)) log_change(*change);
  std::copy(book_.entries().begin(), book_.entries().end(), rows.begin());

  note_usable(now);
  if (link_ != nullptr || usable_) parked_since_ = base::kNever;
  else if (parked_since_ == base::kNever) parked_since_ = now;
  else if (now - parked_since_ > kParkTime) end("nothing was heard for the park time");
}

void WeftSession::note_usable(base::Instant now) {
  if (book_.usable_count() > 0) pathless_since_ = base::kNever;
  else if (pathless_since_ == base::kNever) pathless_since_ = now;
  const bool usable = pathless_since_ == base::kNever || (usable_ && now - pathless_since_ < kLinkTakesOverAfter);
  if (std::exchange(usable_, usable) == usable) return;
  if (!usable) cancel_fetches();
  host_.on_paths_changed();
}

void WeftSession::cancel_fetches() {
  base::log(LogLevel::kWarn, "no usable path: the link takes over", {{"peer", proto::short_id_text(proto::short_id(peer_))}});
  for (std::uint32_t core = 0; core < cores_; ++core) {
    engine_.channel(core).cancel_waiting(slot_);
    engine_.channel(core).send(command(Command::Kind::kDropRequests));
  }
}

void WeftSession::end(const char* why) {
  base::log(LogLevel::kInfo, "session ended", {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"why", why}});
  active_ = false;
  id_ = {};
  OPENSSL_cleanse(secret_.data(), secret_.size());
  std::vector<std::uint32_t> numbers;
  for (const auto& [number, transfer] : transfers_) numbers.push_back(number);
  for (const std::uint32_t number : numbers) {
    Transfer& transfer = transfers_.at(number);
    if (transfer.state == Transfer::State::kOpening || transfer.state == Transfer::State::kRegistering)
      fail_open(number, {base::Errc::kUnavailable, 0, "the session ended"});
    else transfer.state = Transfer::State::kDead;   // its fetches end below; the model closes it
  }
  for (auto& [place, served] : served_) {
    if (served.closing) continue;
    served.closing = true;
    engine_.channel(place.first).close_file(slot_, place.second, [this, place] { served_.erase(place); });
  }
  for (std::uint32_t core = 0; core < cores_; ++core) {
    engine_.channel(core).cancel_waiting(slot_);
    engine_.channel(core).send(command(Command::Kind::kRemoveSession));
  }
  paths_ = {};
  monitor_ = {};
  book_ = {};
  open_batch_ = {};
  grant_batch_ = {};
  release_batch_ = {};
  parked_since_ = base::kNever;
  pathless_since_ = base::kNever;
  if (std::exchange(usable_, false)) host_.on_paths_changed();
}

void WeftSession::log_change(const migrate::PathChange& change) const {
  const Path& path = paths_[base::to_index(change.path)];
  const bool better = change.to == share::PathState::kActive || change.to == share::PathState::kStandby ||
                      change.to == share::PathState::kProbing;
  base::log(better ? LogLevel::kInfo : LogLevel::kWarn, "path changed",
            {{"peer", proto::short_id_text(proto::short_id(peer_))},
             {"local", engine_.local_port(path.local).name},
             {"remote", peer_offer_.ports[path.remote].name},
             {"from", migrate::name_of(change.from)},
             {"to", migrate::name_of(change.to)},
             {"why", share::name_of(change.why)},
             {"stayed_ms", change.from == share::PathState::kAbsent ? 0 : change.stayed.ms()}});
}

std::vector<PathShown> WeftSession::paths() const {
  std::vector<PathShown> shown;
  if (!active_) return shown;
  for (std::size_t i = 0; i < base::kPathsMax; ++i) {
    const Path& path = paths_[i];
    if (!path.exists) continue;
    PathShown out;
    out.id = base::PathId{static_cast<std::uint8_t>(i)};
    out.local_port = path.local;
    out.remote_port = path.remote;
    out.remote_name = peer_offer_.ports[path.remote].name;
    out.local = path.flow.src;
    out.remote = path.flow.dst;
    out.local_udp = flow_of(path, 0).src_udp;
    out.remote_udp = path.flow.dst_udp;
    out.entry = book_.entry(out.id);
    out.port_up = path.port_was_up;
    for (std::uint32_t core = 0; core < cores_; ++core) {
      const share::CoreReport& report = engine_.channel(core).report();
      for (std::uint32_t k = 0; k < report.lane_count; ++k)
        if (report.lanes[k].path == out.id && is_ours(report.lanes[k], core)) out.lanes.push_back(report.lanes[k]);
    }
    shown.push_back(std::move(out));
  }
  return shown;
}

}  // namespace weft::run
