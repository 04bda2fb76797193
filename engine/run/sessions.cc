#include "engine/run/sessions.hh"

#include <algorithm>
#include <utility>

#include "bep/proto/device_id.hh"
#include "engine/base/log.hh"

namespace weft::run {

using base::LogLevel;
using base::Subsystem;

Sessions::Sessions(DataSide& engine, SessionHost& host, const base::DeviceId& self, share::Policy policy,
                   const SessionSettings& settings)
    : engine_(engine), host_(host), self_(self), settings_(settings) {
  table_.policy = policy;
}

Sessions::~Sessions() = default;

WeftSession* Sessions::session_of(const base::DeviceId& device) const {
  const auto found = sessions_.find(device);
  return found == sessions_.end() ? nullptr : found->second.get();
}

std::vector<WeftSession*> Sessions::active_sessions(const std::optional<base::DeviceId>& device) const {
  std::vector<WeftSession*> found;
  for (const auto& [peer, session] : sessions_)
    if (session->active() && (!device || *device == peer)) found.push_back(session.get());
  return found;
}

bool Sessions::usable(const base::DeviceId& device) const {
  const WeftSession* session = session_of(device);
  return session != nullptr && session->usable();
}

void Sessions::open(const base::DeviceId& device, const model::RemoteFile& file, int fd, bool direct,
                    model::OpenDone done) {
  WeftSession* session = session_of(device);
  if (session == nullptr)
    return host_.post(
        [done = std::move(done)] { done(base::fail(base::Errc::kUnavailable, "no session with this device")); });
  const std::uint32_t transfer = next_transfer_++;
  transfers_[transfer] = session;
  session->open(transfer, file, fd, direct, [this, transfer, done = std::move(done)](base::Result<std::uint32_t> r) {
    if (!r) transfers_.erase(transfer);
    done(std::move(r));
  });
}

void Sessions::fetch(const model::BlockOrder& order, model::BlockDone done) {
  const auto found = transfers_.find(order.transfer);
  MUST(found != transfers_.end());
  found->second->fetch(order, std::move(done));
}

void Sessions::close(std::uint32_t transfer, std::function<void()> gone) {
  const auto found = transfers_.find(transfer);
  MUST(found != transfers_.end());
  WeftSession* session = found->second;
  transfers_.erase(found);
  session->close(transfer, std::move(gone));
}

std::uint32_t Sessions::window_blocks(std::uint32_t block_bytes) const {
  const std::uint32_t slots = std::max(1u, chunk_count(block_bytes, base::kSlotBytes));
  // A quarter more than fits, so that a core always has the next block at hand.
  const std::uint32_t fit = engine_.cores() * engine_.fetch_slots() / slots;
  return std::clamp(fit + std::max(1u, fit / 4), 2u, kFetchesPerCoreMax / 2);
}

std::optional<base::SessionId> Sessions::free_slot() {
  std::array<bool, base::kSessionsMax> taken{};
  for (const auto& [device, session] : sessions_) taken[base::to_index(session->slot())] = true;
  for (std::size_t i = 0; i < taken.size(); ++i)
    if (!taken[i]) return base::SessionId{static_cast<std::uint8_t>(i)};
  // A device that is gone gives its place up: one whose session has ended, else the one that has been away longest.
  auto oldest = sessions_.end();
  const auto away_since = [](const WeftSession& session) { return session.active() ? session.away_since() : base::Instant{}; };
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    const WeftSession& session = *at->second;
    if (session.linked() || session.busy() || (session.active() && !session.parked())) continue;
    if (oldest == sessions_.end() || away_since(session) < away_since(*oldest->second)) oldest = at;
  }
  if (oldest == sessions_.end()) return std::nullopt;
  if (oldest->second->active()) ++given_up_;
  oldest->second->give_up("its place is needed");
  gone_begun_.add(oldest->second->counters().begun);
  gone_resumed_.add(oldest->second->counters().resumed);
  const base::SessionId slot = oldest->second->slot();
  retired_.push_back(std::move(oldest->second));
  sessions_.erase(oldest);
  return slot;
}

PoolCounters Sessions::pool() const {
  PoolCounters pool{.places = base::kSessionsMax, .given_up = given_up_, .refused = refused_,
                    .begun = gone_begun_, .resumed = gone_resumed_};
  for (const auto& [device, session] : sessions_) {
    pool.begun.add(session->counters().begun);
    pool.resumed.add(session->counters().resumed);
    if (!session->active()) continue;
    ++(session->parked() ? pool.parked : pool.present);
    if (session->parked()) pool.bytes += session->bytes_held();
  }
  return pool;
}

void Sessions::on_link_up(const base::DeviceId& device, std::unique_ptr<SessionLink> link) {
  WeftSession* session = session_of(device);
  if (session == nullptr) {
    Waiting newcomer{device, std::move(link), {}};
    waits_no_more(device);         // another link is the primary now
    if (const auto slot = free_slot()) return begin_session(std::move(newcomer), *slot);
    ++refused_;
    base::log(Subsystem::kPaths, LogLevel::kWarn, "no datapath for this peer yet: as many sessions as there may be",
              {{"peer", proto::short_id_text(proto::short_id(device))}, {"limit", base::kSessionsMax}});
    waiting_.push_back(std::move(newcomer));
    return;
  }
  session->on_link_up(std::move(link));
}

void Sessions::begin_session(Waiting newcomer, base::SessionId slot) {
  auto& session = sessions_[newcomer.device];
  session = std::make_unique<WeftSession>(engine_, host_, slot, self_, newcomer.device, settings_);
  const std::uint64_t link = newcomer.link->number();
  session->on_link_up(std::move(newcomer.link));
  for (const proto::Offer& offer : newcomer.offers) session->handle_offer(link, offer);
}

void Sessions::seat_waiting() {
  while (!waiting_.empty()) {
    const auto slot = free_slot();
    if (!slot) return;
    Waiting next = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    begin_session(std::move(next), *slot);
  }
}

void Sessions::waits_no_more(const base::DeviceId& device) {
  std::erase_if(waiting_, [&](const Waiting& other) { return other.device == device; });
}

void Sessions::on_link_down(const base::DeviceId& device) {
  waits_no_more(device);
  if (WeftSession* session = session_of(device)) session->on_link_down();
}

base::Status Sessions::handle_private(const base::DeviceId& device, std::uint64_t link, int type, base::Bytes bytes) {
  WeftSession* session = session_of(device);
  const auto waiting = std::ranges::find(waiting_, device, &Waiting::device);
  if (session == nullptr && waiting == waiting_.end()) return {};
  const auto message = TRY(proto::decode_private(static_cast<proto::MessageType>(type), bytes));
  if (session == nullptr) {
    const auto* offer = std::get_if<proto::Offer>(&message);
    if (offer == nullptr || waiting->link->number() != link) return {};
    if (waiting->offers.size() == 2) waiting->offers.pop_back();
    waiting->offers.push_back(*offer);
    return {};
  }
  if (const auto* offer = std::get_if<proto::Offer>(&message)) session->handle_offer(link, *offer);
  else if (const auto* open = std::get_if<proto::Open>(&message)) session->handle_open(*open);
  else if (const auto* grant = std::get_if<proto::Grant>(&message)) session->handle_grant(*grant);
  else if (const auto* release = std::get_if<proto::Release>(&message)) session->handle_release(*release);
  else if (const auto* paths = std::get_if<proto::Paths>(&message)) session->handle_paths(link, *paths);
  return {};
}

base::Duration Sessions::tick_after() const {
  base::Duration after = kTickRest;
  const base::Instant now = host_.now();
  for (const auto& [device, session] : sessions_) {
    if (session->busy()) return kTickBusy;
    const base::Duration least = session->is_probing() ? kHealthEvery : kTickIdle;
    if (session->active()) after = std::min(after, std::max(least, session->next_look() - now));
  }
  return after;
}

void Sessions::on_ports_changed() {
  for (auto& [device, session] : sessions_) session->on_ports_changed();
}

// First its paths, then the cores in two rounds (share/command.hh), then the device.
void Sessions::follow_leaving(std::uint32_t port) {
  Leaving& leaving = leaving_[port];
  const bool used = std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& s) { return s.second->uses_port(port); });
  if (used || leaving.cores_left > 0) return;
  using Kind = share::Command::Kind;
  if (leaving.ordered == Kind::kForgetPort) {
    leaving = {};
    return engine_.close_port(port);
  }
  leaving.ordered = leaving.ordered ? Kind::kForgetPort : Kind::kQuietPort;
  leaving.cores_left = engine_.cores();
  for (std::uint32_t core = 0; core < engine_.cores(); ++core)
    engine_.channel(core).order_port(*leaving.ordered, base::PortId{static_cast<std::uint8_t>(port)},
                                     [&leaving] { --leaving.cores_left; });
}

// A report has the last gap of each session: more than one between two reports is rare, and the earlier one is lost.
void Sessions::note_gaps() {
  for (std::uint32_t core = 0; core < engine_.cores(); ++core)
    for (const auto& [device, session] : sessions_) {
      const std::size_t slot = base::to_index(session->slot());
      const share::SessionReport& report = engine_.channel(core).report().sessions[slot];
      if (std::exchange(gaps_seen_[core][slot], report.gaps) < report.gaps)
        gaps_.add(report.gap_last.began.ns, report.gap_last.lasted.ns, report.gap_last.away.ns);
    }
}

void Sessions::tick() {
  retired_before_ = std::exchange(retired_, {});
  for (std::uint32_t core = 0; core < engine_.cores(); ++core) engine_.channel(core).poll();
  note_gaps();
  const base::Instant now = host_.now();
  if (now >= health_due_) {
    health_due_ = now + kHealthEvery;
    engine_.poll_ports(now);
    seat_waiting();
    for (auto& [device, session] : sessions_) session->tick(table_, now);
    monitored_ += host_.now() - now;
    for (std::uint32_t port = 0; port < base::kPortsMax; ++port)
      if (engine_.leaving(port)) follow_leaving(port);
    // A core that has not adopted the last table gets the next one later; none waits for another.
    for (std::uint32_t core = 0; core < engine_.cores(); ++core)
      if (!engine_.channel(core).try_publish(table_)) ++tables_late_;
  }
  // What callbacks have ordered goes out with this tick.
  for (std::uint32_t core = 0; core < engine_.cores(); ++core) engine_.channel(core).poll();
}

std::optional<SteeringShown> Sessions::steering(const base::DeviceId& device) const {
  const WeftSession* session = session_of(device);
  if (session == nullptr || !session->active()) return std::nullopt;
  return session->steering();
}

std::vector<Sessions::SessionShown> Sessions::shown() const {
  std::vector<SessionShown> shown;
  for (const auto& [device, session] : sessions_) {
    SessionShown& out = shown.emplace_back();
    out.peer = device;
    out.slot = session->slot();
    out.counters = session->counters();
    if (!session->active()) continue;
    out.paths = session->paths();
    for (std::uint32_t core = 0; core < engine_.cores(); ++core) {
      const share::SessionReport& r = engine_.channel(core).report().sessions[base::to_index(session->slot())];
      out.totals.bytes_verified += r.bytes_verified;
      out.totals.bytes_served += r.bytes_served;
      out.totals.extents_outstanding += r.extents_outstanding;
      out.totals.extents_serving += r.extents_serving;
      out.totals.bytes_moved += r.bytes_moved;
    }
  }
  return shown;
}

}  // namespace weft::run
