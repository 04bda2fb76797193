#include "engine/run/weft_session.hh"

#include <openssl/crypto.h>

#include <algorithm>

#include "bep/proto/device_id.hh"
#include "engine/base/log.hh"
#include "engine/run/idle.hh"
#include "engine/run/lane_table.hh"
#include "engine/wire/keys.hh"
#include "health/goodness.hh"

namespace weft::run {

using base::LogLevel;
using base::Subsystem;
using share::Command;

namespace {

constexpr std::string_view kIdLabel = "EXPERIMENTAL weft session id 1";

// How long a core sleeps is no fault of a path's.
static_assert(health::kNoise >= Idle::kSleepMax);

}  // namespace

WeftSession::WeftSession(DataSide& engine, SessionHost& host, base::SessionId slot, const base::DeviceId& self,
                         const base::DeviceId& peer, const SessionSettings& settings)
    : engine_(engine), host_(host), slot_(slot), self_(self), peer_(peer), settings_(settings), park_(settings.park_max),
      lane_epoch_(host.random_word()), monitor_(settings.health), steering_(steering_settings()) {}

WeftSession::~WeftSession() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

Command WeftSession::command(Command::Kind kind) const {
  Command c;
  c.kind = kind;
  c.session = slot_;
  return c;
}

void WeftSession::on_link_up(std::unique_ptr<SessionLink> link) {
  look_at_ = {};
  note_back(host_.now());
  link_ = std::move(link);
  linked_at_ = usable_ ? base::kNever : host_.now();   // else nothing is set up: another link is the primary now
  offer_awaited_ = true;
  make_offer();
  send_offer();
}

void WeftSession::on_link_down() {
  look_at_ = {};
  link_.reset();
  // Opens that were asked on it are not answered any more; those not yet sent cannot be.
  std::vector<std::uint32_t> lost;
  for (const auto& [number, transfer] : transfers_)
    if (transfer.state == Transfer::State::kOpening) lost.push_back(number);
  open_batch_ = {};
  for (const std::uint32_t number : lost)
    fail_open(number, {base::Errc::kUnavailable, 0, "the link went down before the file was opened"});
}

void WeftSession::handle_offer(std::uint64_t link, const proto::Offer& offer) {
  if (link_ == nullptr || link_->number() != link) return;
  // The first on a link says whether a session goes on; from a later one only the ports are taken, because a session that
  // began once more under the link's secret would repeat nonces. They are taken by tick(), at our pace and not the peer's.
  if (std::exchange(offer_awaited_, false)) {
    resumed_ = active_ && offer.session_id_previous == id_;
    if (resumed_) {
      base::log(Subsystem::kPaths, LogLevel::kInfo, "session resumed", {{"peer", proto::short_id_text(proto::short_id(peer_))}});
      repeat_grants();
      schedule_flush();
      send_plan();
    } else {
      if (active_) end("the peer has begun a new session");
      peer_offer_ = offer;
      peer_ports_ = {};
      peer_generations_least_ = {};
    }
    ports_newest_.reset();
    take_ports(offer);
    return look_at_ports(host_.now());
  }
  ports_newest_ = offer;
}

void WeftSession::begin(base::Instant now) {
  const proto::Offer& offer = peer_offer_;
  const auto common = [&](std::string_view aead) {
    return std::find(offer.aeads.begin(), offer.aeads.end(), aead) != offer.aeads.end();
  };
  const auto theirs = std::count_if(peer_ports_.begin(), peer_ports_.end(), [](const auto& port) { return port.exists(); });
  if (offer.version != proto::kOfferVersion || theirs == 0 || our_offer_.ports.empty() || offer.cores == 0 ||
      std::none_of(wire::kAeadNames.begin(), wire::kAeadNames.end(), common)) {
    base::log(Subsystem::kPaths, LogLevel::kWarn, "no datapath with this peer: its offer has nothing in common with ours",
              {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"version", offer.version},
               {"ports", static_cast<std::uint64_t>(theirs)},
               {"our_ports", static_cast<std::uint64_t>(our_offer_.ports.size())}});
    return;
  }
  const std::uint32_t chunk = std::min(offer.chunk_bytes_max, our_offer_.chunk_bytes_max);
  if (chunk < base::kChunkBytesMin) {
    base::log(Subsystem::kPaths, LogLevel::kWarn, "no datapath with this peer: its MTU is too small",
              {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"chunk_bytes", chunk}});
    return;
  }
  // A link's secret serves one session: a second would repeat nonces. Numbers grow, and a peer may bring back an older link.
  if (link_->number() <= secret_of_) {
    base::log(Subsystem::kPaths, LogLevel::kWarn, "no datapath by this link any more: the peer began a session on it before",
              {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"link", link_->number()}});
    return;
  }
  if (!link_->export_secret(wire::kExporterLabel, secret_) || !link_->export_secret(kIdLabel, id_)) {
    base::log(Subsystem::kPaths, LogLevel::kError, "no datapath with this peer: the TLS exporter failed",
              {{"peer", proto::short_id_text(proto::short_id(peer_))}});
    id_ = {};
    return;
  }
  active_ = true;
  ++serial_;
  secret_of_ = link_->number();
  receiver_base_ours_ = our_offer_.receiver_index_base;
  receiver_base_peers_ = offer.receiver_index_base;
  cores_ = std::min(offer.cores, engine_.cores());
  chunk_bytes_ = chunk;
  for (std::uint32_t core = 0; core < cores_; ++core) {
    Command c = command(Command::Kind::kAddSession);
    c.body.add_session = {.chunk_bytes = chunk, .requests_max = offer.requests_max};
    engine_.channel(core).send(c);
  }
  steering_ = migrate::Steering(steering_settings());
  add_candidates(now);
  base::log(Subsystem::kPaths, LogLevel::kInfo, "session begun",
            {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"cores", cores_}, {"chunk_bytes", chunk_bytes_},
             {"peer_ports", static_cast<std::uint64_t>(theirs)}});
}

bool WeftSession::is_ours(const share::LaneReport& lane) const {
  const Path& path = paths_[base::to_index(lane.path)];
  return lane.session == slot_ && path.exists && lane.lane_epoch == path.lane_epoch;
}

void WeftSession::follow_peers_ports(base::Instant now) {
  if (link_ == nullptr || !ports_newest_ || now - ports_taken_ < kPortsEvery) return;
  ports_taken_ = now;
  take_ports(*std::exchange(ports_newest_, std::nullopt));
  look_at_ports(now);
}

void WeftSession::tick(share::PathTable& table, base::Instant now) {
  follow_peers_ports(now);
  follow_peers_plan(now);
  if (now < look_at_ && !busy()) return;
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
      if (!is_ours(lane)) continue;
      MUST(samples[base::to_index(lane.path)].try_push({&lane, report.at}));
      supply_keys(lane, core);
    }
  }
  for (std::size_t i = 0; i < base::kPathsMax; ++i) {
    if (!paths_[i].exists) continue;
    const base::PathId id{static_cast<std::uint8_t>(i)};
    const bool up = engine_.link_up(paths_[i].local);
    if (up && !paths_[i].port_was_up)
      if (const auto change = book_.retry(id, now)) handle_change(*change);
    paths_[i].port_was_up = up;
    health::PathReport report = health::aggregate(id, samples[i].span());
    report.state = book_.entry(id).state;
    report.port_up = up;
    MUST(reports.try_push(report));
  }
  for (const share::PathVerdict& verdict : monitor_.tick(reports.span(), now)) {
    note_verdict(verdict, now);
    if (const auto change = book_.apply(verdict, now)) handle_change(*change);
  }
  look_at_paths(reports.span());
  steer(now);
  if (candidates_due_) add_candidates(now);
  std::copy(book_.entries().begin(), book_.entries().end(), rows.begin());

  note_usable(now);
  note_set_up(now);
  if (link_ != nullptr || usable_) note_back(now);
  else if (away_since_ == base::kNever) away_since_ = now;
  else if (now - away_since_ > park_.now()) end("nothing was heard for the park time");
  look_at_ = steering_.is_busy() ? base::Instant{} : monitor_.next_look(reports.span(), now);
}

std::uint64_t WeftSession::bytes_held() const {
  const auto lanes = cores_ * static_cast<std::uint64_t>(std::ranges::count_if(paths_, &Path::exists));
  return sizeof *this + lanes * sizeof(LaneSlot) + transfers_.size() * sizeof(Transfer) +
         served_.size() * sizeof(Served);
}

void WeftSession::note_set_up(base::Instant now) {
  if (linked_at_ == base::kNever || link_ == nullptr || offer_awaited_ || !usable_) return;
  SessionCounters::SetUps& set_ups = resumed_ ? counters_.resumed : counters_.begun;
  ++set_ups.count;
  set_ups.took += now - std::exchange(linked_at_, base::kNever);
}

void WeftSession::note_back(base::Instant now) {
  if (away_since_ != base::kNever) park_.on_gap(now - std::exchange(away_since_, base::kNever));
}

void WeftSession::note_verdict(const share::PathVerdict& verdict, base::Instant now) {
  Path& path = paths_[base::to_index(verdict.path)];
  path.verdict = verdict;
  if (verdict.probe_due) ++path.probes;
  // What a path is worth that carries nothing is told with its state.
  const bool judged = share::is_in_use(book_.entry(verdict.path).state);
  const health::News news = path.told.on_verdict(judged, verdict.score, verdict.degrading, now);
  if (news == health::News::kNone) return;
  if (verdict.degrading && judged) tell_path("PathDegraded", verdict.path, verdict.score_reason);
  base::log(Subsystem::kPaths, news == health::News::kWorse ? LogLevel::kWarn : LogLevel::kInfo,
            std::string("path ") + health::text_of(news),
            {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"local", path.local_name}, {"remote", path.remote_name},
             {"score", verdict.score}, {"before", path.told.before()}, {"why", share::name_of(verdict.score_reason)}});
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
  ++counters_.takeovers;
  base::log(Subsystem::kPaths, LogLevel::kWarn, "no usable path: the link takes over",
            {{"peer", proto::short_id_text(proto::short_id(peer_))}});
  for (std::uint32_t core = 0; core < cores_; ++core) {
    engine_.channel(core).cancel_waiting(slot_);
    engine_.channel(core).send(command(Command::Kind::kDropRequests));
  }
}

void WeftSession::end(const char* why) {
  base::log(Subsystem::kPaths, LogLevel::kInfo, "session ended",
            {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"why", why}});
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
  monitor_ = health::Monitor(monitor_.settings());
  book_ = {};
  views_.clear();
  plans_newest_.reset();
  life_least_ = {};
  steering_ = migrate::Steering(steering_settings());
  for (auto& [path, done] : std::exchange(probing_, {})) done(migrate::PathError::kUnknownPath, {});
  open_batch_ = {};
  grant_batch_ = {};
  release_batch_ = {};
  pathless_since_ = base::kNever;
  if (std::exchange(usable_, false)) host_.on_paths_changed();
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
    out.local_name = path.local_name;
    out.remote_name = path.remote_name;
    out.local = path.flow.src;
    out.remote = path.flow.dst;
    out.local_udp = flow_of(path, 0).src_udp;
    out.remote_udp = path.flow.dst_udp;
    out.entry = book_.entry(out.id);
    out.verdict = path.verdict;
    out.activity = monitor_.activity(host_.now());
    out.port_up = path.port_was_up;
    out.probes = path.probes;
    for (std::uint32_t core = 0; core < cores_; ++core) {
      const share::CoreReport& report = engine_.channel(core).report();
      for (std::uint32_t k = 0; k < report.lane_count; ++k)
        if (report.lanes[k].path == out.id && is_ours(report.lanes[k])) out.lanes.push_back(report.lanes[k]);
    }
    shown.push_back(std::move(out));
  }
  return shown;
}

}  // namespace weft::run
