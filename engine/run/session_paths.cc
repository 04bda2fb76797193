// The paths of a session: what ports both ends offer, the pairs that can be paths, their lanes and keys, and their end.
#include <algorithm>

#include "bep/proto/device_id.hh"
#include "engine/base/log.hh"
#include "engine/nic/headers.hh"
#include "engine/nic/rss.hh"
#include "engine/run/chunk_map.hh"
#include "engine/run/weft_session.hh"
#include "engine/wire/frame.hh"
#include "engine/wire/keys.hh"

namespace weft::run {

using base::LogLevel;
using base::Subsystem;
using share::Command;

namespace {

// IPv6's least: no port is narrower.
constexpr std::uint32_t kPayloadLeast = nic::payload_of_mtu(1280, true);

}  // namespace

void WeftSession::make_offer() {
  our_offer_ = {};
  our_offer_.session_id_previous = id_;
  our_offer_.cores = engine_.cores();
  our_offer_.aeads.assign(wire::kAeadNames.begin(), wire::kAeadNames.end());
  our_offer_.receiver_index_base = ReceiverIndex::base_of(host_.random_word(), slot_);
  our_offer_.requests_max = engine_.requests_max();
  our_offer_.single_path = !settings_.migrate.multipath;
  our_offer_.never_metered = settings_.never_metered;
  std::optional<std::uint32_t> payload;   // narrower paths, and ports that come later, carry fewer chunks
  for (std::uint32_t i = 0; i < base::kPortsMax; ++i)
    if (const auto port = engine_.local_port(i))
      payload = std::min(payload.value_or(UINT32_MAX), nic::payload_of_mtu(port->mtu, port->address.v6));
  our_offer_.chunk_bytes_max = chunk_bytes_for(payload.value_or(kPayloadLeast));
}

void WeftSession::send_offer() {
  our_offer_.ports.clear();
  for (std::uint32_t i = 0; i < base::kPortsMax; ++i) {
    const auto port = engine_.local_port(i);
    if (!port) continue;
    our_offer_.ports.resize(i);           // numbers that no port has
    our_offer_.ports.push_back({.address = port->address, .prefix_len = port->prefix_bits, .mtu = port->mtu,
                                .speed_bps = port->speed_Bps * 8, .udp_port_base = port->udp_port,
                                .role = static_cast<std::uint32_t>(port->role), .name = port->name,
                                .rss_entries = port->rss_entries, .to = port->to, .cost = port->cost,
                                .metered = port->metered, .generation = port->generation});
  }
  link_->send(our_offer_);
  link_->flush();
}

void WeftSession::take_ports(const proto::Offer& offer) {
  for (std::size_t i = 0; i < base::kPortsMax; ++i) {
    proto::Offer::Port& known = peer_ports_[i];
    const proto::Offer::Port none;
    const proto::Offer::Port& theirs = i < offer.ports.size() ? offer.ports[i] : none;
    if (known.exists() && theirs.exists() && known.generation == theirs.generation) continue;   // it stays as it was
    known = {};
    if (!theirs.exists()) continue;
    if (theirs.generation < peer_generations_least_[i]) {
      base::log(Subsystem::kPaths, LogLevel::kWarn, "the peer offers a port again that it had taken away: not used",
                {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"remote", theirs.name}});
      continue;
    }
    known = theirs;
    peer_generations_least_[i] = std::uint64_t{theirs.generation} + 1;
  }
}

void WeftSession::on_ports_changed() {
  if (link_ != nullptr) send_offer();
  look_at_ports(host_.now());
}

bool WeftSession::uses_port(std::uint32_t port) const {
  return std::any_of(paths_.begin(), paths_.end(), [&](const Path& path) { return path.exists && path.local == port; });
}

void WeftSession::look_at_ports(base::Instant now) {
  look_at_ = {};
  if (!active_ && link_ != nullptr && !offer_awaited_) return begin(now);
  if (!active_) return;
  for (std::size_t i = 0; i < base::kPathsMax; ++i) {
    const Path& path = paths_[i];
    const base::PathId id{static_cast<std::uint8_t>(i)};
    if (!path.exists || book_.entry(id).state == share::PathState::kDraining) continue;
    const auto ours = engine_.local_port(path.local);
    const proto::Offer::Port& theirs = peer_ports_[path.remote];
    if (ours && ours->generation == path.local_generation && theirs.exists() &&
        theirs.generation == path.remote_generation)
      continue;
    if (const auto change = book_.remove(id, now)) handle_change(*change);
  }
  add_candidates(now);
}

void WeftSession::add_candidates(base::Instant now) {
  candidates_due_ = false;
  // Every local port x remote port (design §3). Both ends number a path by (low device's port, high device's port), and
  // both try the pairs in the same order, so that they stop at the same ones. In each round every port of the end with
  // more ports has one turn (0-0, 1-1, …, then round the other end's again): no port has two paths before all have one.
  base::FixedVector<std::uint32_t, base::kPortsMax> locals, remotes;
  for (std::uint32_t i = 0; i < base::kPortsMax; ++i) {
    if (engine_.local_port(i)) MUST(locals.try_push(i));
    if (peer_ports_[i].exists()) MUST(remotes.try_push(i));
  }
  auto have = static_cast<std::size_t>(std::count_if(paths_.begin(), paths_.end(), [](const Path& p) { return p.exists; }));
  const bool many_are_ours = locals.size() == remotes.size() ? we_are_low() : locals.size() > remotes.size();
  const std::size_t many = std::max(locals.size(), remotes.size()), few = std::min(locals.size(), remotes.size());
  bool any_closed = false;
  for (std::size_t round = 0; round < few; ++round)
    for (std::size_t one = 0; one < many; ++one) {
      const std::size_t other = (one + round) % few;
      const std::uint32_t local = locals[many_are_ours ? one : other], remote = remotes[many_are_ours ? other : one];
      if (have == base::kPathsPerSessionMax) return;
      const base::PathId id = id_of(local, remote);
      any_closed = any_closed || steering_.is_closed(id);
      if (!paths_[base::to_index(id)].exists && !steering_.is_closed(id) &&
          steering_.renew(id, life_least_[base::to_index(id)]) && add_path(local, remote, now))
        ++have;
    }
  if (have == 0 && few > 0 && !any_closed)
    base::log(Subsystem::kPaths, LogLevel::kWarn, "no port of ours can reach a port of the peer: check addresses and gateways",
              {{"peer", proto::short_id_text(proto::short_id(peer_))}});
}

base::PathId WeftSession::id_of(std::uint32_t local, std::uint32_t remote) const {
  const std::uint32_t low = we_are_low() ? local : remote, high = we_are_low() ? remote : local;
  return base::PathId{static_cast<std::uint8_t>(low * base::kPortsMax + high)};
}

bool WeftSession::knows_remote(const base::IpAddress& address) const {
  return std::find(remotes_.begin(), remotes_.end(), address) != remotes_.end();
}

bool WeftSession::add_path(std::uint32_t local, std::uint32_t remote, base::Instant now) {
  const proto::Offer::Port& theirs = peer_ports_[remote];
  const LocalPort ours = *engine_.local_port(local);
  const auto speaks_with = [](const std::vector<std::string>& to, const std::string& name) {
    return to.empty() || std::find(to.begin(), to.end(), name) != to.end();
  };
  if (!speaks_with(ours.to, theirs.name) || !speaks_with(theirs.to, ours.name)) return false;
  if (theirs.udp_port_base + cores_ > 65536) return false;
  const bool metered = ours.metered || theirs.metered;
  if (metered && (settings_.never_metered || peer_offer_.never_metered)) return false;
  // memif's two ends share rings: DPDK 22.11 does not notice ends that differ in queues or frame size, and what one
  // writes then is not what the other reads.
  if (ours.shares_rings && (peer_offer_.cores != engine_.cores() || theirs.mtu != ours.mtu)) {
    base::log(Subsystem::kPaths, LogLevel::kError,
              "a memif port needs the same cores and mtu in weft.toml at both ends: not used",
              {{"port", ours.name}, {"remote", theirs.name}, {"cores", engine_.cores()},
               {"peer_cores", peer_offer_.cores}, {"mtu", ours.mtu}, {"peer_mtu", theirs.mtu}});
    return false;
  }
  const bool is_new = !knows_remote(theirs.address);
  if (is_new && remotes_.size() == base::kRemotesPerSessionMax) {
    base::log(Subsystem::kPaths, LogLevel::kWarn, "the peer has offered too many addresses: not used",
              {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"limit", base::kRemotesPerSessionMax}});
    return false;
  }
  const auto flow = engine_.make_flow(local, theirs.address, ours.udp_port,
                                      static_cast<std::uint16_t>(theirs.udp_port_base));
  if (!flow) {
    // Ports on other wires than the peer's are nothing to be told of.
    base::log(Subsystem::kPaths, flow.error().code == base::Errc::kLimit ? LogLevel::kWarn : LogLevel::kDebug,
              "no path between two ports",
              {{"local", ours.name}, {"remote", theirs.name}, {"why", flow.error().text}});
    return false;
  }
  if (is_new) remotes_.push_back(theirs.address);
  const std::uint32_t mtu = std::min<std::uint32_t>(ours.mtu, theirs.mtu);
  const std::uint32_t payload = nic::payload_of_mtu(mtu, theirs.address.v6);
  if (payload < chunk_bytes_ + kChunkPacketOverhead) return false;
  const base::PathId id = id_of(local, remote);
  Path& path = paths_[base::to_index(id)];
  path = Path{};
  path.exists = true;
  path.local = local;
  path.remote = remote;
  path.lane_epoch = ++lane_epoch_;
  path.local_generation = ours.generation;
  path.remote_generation = theirs.generation;
  path.rss_entries = theirs.rss_entries;
  path.local_name = ours.name;
  path.remote_name = theirs.name;
  path.flow = *flow;
  path.packet_bytes = static_cast<std::uint16_t>(payload);
  path.congestion = ours.congestion;
  path.queue_packets_max = ours.queue_packets_max;
  path.metered = metered;
  path.life = steering_.plan().at(id).life;
  path.cost = ours.cost + theirs.cost;
  const std::uint64_t their_Bps = theirs.speed_bps / 8;
  path.speed_Bps = ours.speed_Bps == 0 || their_Bps == 0 ? 0 : std::min(ours.speed_Bps, their_Bps);
  const bool backup = metered || ours.role == share::PathRole::kBackup ||
                      theirs.role != static_cast<std::uint32_t>(share::PathRole::kPrimary);
  path.role_of_ports = backup ? share::PathRole::kBackup : share::PathRole::kPrimary;
  if (const auto change = book_.add(id, migrate::role_in(steering_.plan().at(id).use, path.role_of_ports), now))
    log_change(*change);
  tell_path("PathAdded", id, share::PathReason::kNone);
  book_.set_weight(id, ours.weight);
  add_lanes(id, now);
  return true;
}

share::Flow WeftSession::flow_of(const Path& path, std::uint32_t core) const {
  share::Flow flow = path.flow;
  flow.src_udp = static_cast<std::uint16_t>(flow.src_udp + core);
  flow.dst_udp = static_cast<std::uint16_t>(flow.dst_udp + core);
  if (nic::is_rss_table(path.rss_entries))
    flow.src_udp = nic::source_port_for(flow, path.rss_entries, peer_offer_.cores, core).value_or(flow.src_udp);
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
                       .queue_packets_max = path.queue_packets_max,
                       .lane_epoch = path.lane_epoch,
                       .receiver_index_local = ReceiverIndex::of(receiver_base_ours_, id, core_id),
                       .receiver_index_remote = ReceiverIndex::of(receiver_base_peers_, id, core_id),
                       .tx = *tx,
                       .rx = *rx};
    engine_.channel(core).send(c);
  }
}

std::optional<share::PacketKey> WeftSession::key(base::PathId id, std::uint32_t core, bool tx, std::uint32_t epoch) const {
  const Path& path = paths_[base::to_index(id)];
  const wire::KeyedPath keyed{.id = id,
                              .low_generation = (we_are_low() ? path.local_generation : path.remote_generation) +
                                                (std::uint32_t{path.life} << 16),
                              .high_generation = we_are_low() ? path.remote_generation : path.local_generation};
  const wire::Direction sending = wire::send_direction(self_, peer_);
  auto derived = wire::derive_packet_key(secret_, keyed, base::CoreId{static_cast<std::uint8_t>(core)},
                                         tx ? sending : wire::opposite(sending), epoch);
  if (derived) return *derived;
  base::log(Subsystem::kPaths, LogLevel::kError, "a packet key could not be derived", {{"error", derived.error().text}});
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

void WeftSession::handle_change(const migrate::PathChange& change) {
  count_change(change);
  log_change(change);
  if (change.to != share::PathState::kAbsent) return;
  tell_path("PathRemoved", change.path, change.why);
  const Path& gone = paths_[base::to_index(change.path)];
  const auto ours = engine_.local_port(gone.local);
  const proto::Offer::Port& theirs = peer_ports_[gone.remote];
  const bool our_port_went = !ours || ours->generation != gone.local_generation;
  const bool port_went = our_port_went || !theirs.exists() || theirs.generation != gone.remote_generation;
  // Keys of ports that went are theirs; those of this one served, and must not again.
  life_least_[base::to_index(change.path)] = port_went ? std::uint16_t{0} : static_cast<std::uint16_t>(gone.life + 1);
  steering_.on_path_gone(change.path, our_port_went);
  for (std::uint32_t core = 0; core < cores_; ++core) {
    Command c = command(Command::Kind::kRemoveLane);
    c.path = change.path;
    engine_.channel(core).send(c);
  }
  monitor_.forget(change.path);
  paths_[base::to_index(change.path)] = {};
  candidates_due_ = true;
}

void WeftSession::count_change(const migrate::PathChange& change) {
  Path& path = paths_[base::to_index(change.path)];
  if (change.to == share::PathState::kDown && share::is_usable(change.from)) {
    path.fell = true;
    ++counters_.falls;
    if (book_.usable_count() > 0) ++counters_.failovers;
  }
  if (share::is_in_use(change.to) && std::exchange(path.fell, false)) ++counters_.returns;
}

void WeftSession::log_change(const migrate::PathChange& change) const {
  const Path& path = paths_[base::to_index(change.path)];
  const bool better = share::is_in_use(change.to) || change.to == share::PathState::kProbing;
  base::log(Subsystem::kPaths, better ? LogLevel::kInfo : LogLevel::kWarn, "path changed",
            {{"peer", proto::short_id_text(proto::short_id(peer_))},
             {"local", path.local_name},
             {"remote", path.remote_name},
             {"from", migrate::name_of(change.from)},
             {"to", migrate::name_of(change.to)},
             {"why", share::name_of(change.why)},
             {"stayed_ms", change.from == share::PathState::kAbsent ? 0 : change.stayed.ms()}});
}

}  // namespace weft::run
