// What a session's paths are used for: the plan that both ends agree on, wishes of the operator, migrations, and what is told of
// them. The decisions are migrate/steering.hh's; this carries them out.
#include <algorithm>

#include "bep/proto/device_id.hh"
#include "engine/base/log.hh"
#include "engine/run/weft_session.hh"

namespace weft::run {

using base::LogLevel;
using base::Subsystem;
using migrate::PathError;
using migrate::PathSet;

namespace {

static_assert(proto::Paths::kNumberMax == migrate::PathPlan::kNumberMax);
static_assert(proto::Paths::kUseMax + 1 == migrate::kPathUses && proto::Paths::kWholeWindow == share::kWholeWindow);
static_assert(proto::Paths::kLifeMax == migrate::PathPlan::kLifeMax);

migrate::PathPlan plan_of(const proto::Paths& message) {
  migrate::PathPlan plan;
  plan.number = message.number;
  plan.by_low = message.by_low;
  plan.pinned = message.pinned;
  for (const proto::Paths::Entry& entry : message.paths)
    plan.paths[entry.path] = {.use = static_cast<migrate::PathUse>(entry.use), .part = static_cast<std::uint16_t>(entry.part),
                              .life = static_cast<std::uint16_t>(entry.life)};
  return plan;
}

proto::Paths message_of(const migrate::PathPlan& plan) {
  proto::Paths message{.number = plan.number, .by_low = plan.by_low, .pinned = plan.pinned, .paths = {}};
  for (std::uint32_t i = 0; i < plan.paths.size(); ++i)
    if (plan.paths[i] != migrate::PathPlan::Entry{})
      message.paths.push_back({i, static_cast<std::uint32_t>(plan.paths[i].use), plan.paths[i].part, plan.paths[i].life});
  return message;
}

// They differ at most in parts of windows: a step on the way.
bool same_uses(const migrate::PathPlan& one, const migrate::PathPlan& other) {
  return one.pinned == other.pinned && std::ranges::equal(one.paths, other.paths, [](const auto& a, const auto& b) {
    return a.use == b.use && a.life == b.life;
  });
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

}  // namespace

migrate::Settings WeftSession::steering_settings() const {
  migrate::Settings settings = settings_.migrate;
  settings.multipath = settings.multipath && !peer_offer_.single_path;
  settings.we_are_low = we_are_low();
  return settings;
}

std::string WeftSession::name_of(base::PathId path) const {
  const Path& known = paths_[base::to_index(path)];
  return known.local_name + ":" + known.remote_name;
}

std::vector<std::string> WeftSession::names_of(PathSet paths) const {
  std::vector<std::string> names;
  paths.each([&](base::PathId path) {
    if (paths_[base::to_index(path)].exists) names.push_back(name_of(path));
  });
  return names;
}

void WeftSession::look_at_paths(std::span<const health::PathReport> reports) {
  views_.clear();
  for (const health::PathReport& report : reports) {
    const Path& path = paths_[base::to_index(report.path)];
    const share::PathEntry& entry = book_.entry(report.path);
    if (!path.exists || entry.state == share::PathState::kAbsent) continue;
    MUST(views_.try_push({.path = report.path, .state = entry.state, .role = entry.role, .role_of_ports = path.role_of_ports,
                          .metered = path.metered, .cost = path.cost, .score = entry.score,
                          .degrading = path.verdict.degrading, .srtt = report.srtt, .rtt_latest = report.rtt_latest,
                          .speed_Bps = path.speed_Bps, .rate_Bps = report.rate_Bps,
                          .probe_answered = report.probe_seq_answered}));
  }
}

void WeftSession::steer(base::Instant now) {
  steering_.tick(views_.span(), now);
  follow_plan(now);
  while (const auto probed = steering_.take_probe()) {
    // A callback may wish for something again.
    std::vector<PathDone> heard;
    std::erase_if(probing_, [&](auto& waiting) {
      if (waiting.first != probed->path) return false;
      heard.push_back(std::move(waiting.second));
      return true;
    });
    for (const PathDone& done : heard) done(probed->error, probed->rtt);
  }
}

void WeftSession::follow_plan(base::Instant now) {
  while (const auto news = steering_.take_news()) tell(*news);
  for (std::size_t i = 0; i < base::kPathsMax; ++i) {
    if (!paths_[i].exists) continue;
    const base::PathId id{static_cast<std::uint8_t>(i)};
    const migrate::PathPlan::Entry& plan = steering_.plan().at(id);
    const bool ends = plan.life != paths_[i].life;   // closed and opened again, as far as the other end goes
    if (const auto change = ends ? book_.remove(id, now) : book_.follow(id, plan, paths_[i].role_of_ports, now))
      handle_change(*change);
  }
  steering_.take_to_ask().each([&](base::PathId path) {
    if (book_.entry(path).state != share::PathState::kAbsent) steering_.on_asked(path, book_.ask(path));
  });
  if (steering_.take_plan_changed()) send_plan();
}

void WeftSession::send_plan() {
  // Without a link it waits for the next one: both ends say theirs when a session is resumed.
  if (link_ == nullptr || offer_awaited_ || steering_.plan().number == 0) return;
  link_->send(message_of(steering_.plan()));
  link_->flush();
}

void WeftSession::handle_paths(std::uint64_t link, const proto::Paths& paths) {
  if (!active_ || link_ == nullptr || link_->number() != link) return;
  const migrate::PathPlan theirs = plan_of(paths);
  if (plans_newest_ && !is_newer(theirs, *plans_newest_)) return;
  plans_newest_ = theirs;
  follow_peers_plan(host_.now());
}

// Steps are taken as they come. Others may end paths and make them anew, on every core: at our pace and not the peer's.
void WeftSession::follow_peers_plan(base::Instant now) {
  if (!active_ || !plans_newest_) return;
  const bool step = same_uses(*plans_newest_, steering_.plan());
  if (!step && now - plan_taken_ < kPortsEvery) return;
  const migrate::PathPlan theirs = *std::exchange(plans_newest_, std::nullopt);
  if (!steering_.on_peers_plan(theirs, now) || step) return follow_plan(now);
  plan_taken_ = now;
  base::log(Subsystem::kPaths, LogLevel::kInfo, "the peer has decided which paths are used",
            {{"peer", proto::short_id_text(proto::short_id(peer_))}, {"number", theirs.number}, {"pinned", theirs.pinned}});
  (void)after_wish(PathError::kNone);
}

// Whatever was decided shows at once, and a closed or opened path comes or goes.
PathError WeftSession::after_wish(PathError error) {
  look_at_ = {};
  const base::Instant now = host_.now();
  follow_plan(now);
  add_candidates(now);
  if (steering_.take_plan_changed()) send_plan();
  return error;
}

PathError WeftSession::switch_to(base::PathId path) {
  return after_wish(steering_.switch_to(path, views_.span(), host_.now()));
}

PathError WeftSession::move(base::PathId from, base::PathId to) {
  return after_wish(steering_.move(from, to, views_.span(), host_.now()));
}

PathError WeftSession::close_path(base::PathId path) {
  return after_wish(steering_.close(path, views_.span(), host_.now()));
}

PathError WeftSession::unpin() { return after_wish(steering_.unpin(host_.now())); }

PathError WeftSession::open_path(std::string_view local, std::string_view remote) {
  for (std::uint32_t i = 0; i < base::kPortsMax; ++i) {
    const auto ours = engine_.local_port(i);
    if (!ours || ours->name != local) continue;
    for (std::uint32_t k = 0; k < base::kPortsMax; ++k)
      if (peer_ports_[k].exists() && peer_ports_[k].name == remote)
        return after_wish(steering_.open(id_of(i, k), views_.span()));
  }
  return PathError::kUnknownPath;
}

void WeftSession::probe_path(base::PathId path, base::Duration deadline, PathDone done) {
  const PathError error = after_wish(steering_.probe(path, deadline, views_.span(), host_.now()));
  if (error == PathError::kNone) {
    probing_.emplace_back(path, std::move(done));
    return;
  }
  host_.post([error, done = std::move(done)] { done(error, {}); });
}

void WeftSession::tell(const migrate::MigrationNews& news) {
  using migrate::MigrationState;
  const bool begun = news.state == MigrationState::kMigrating, failed = news.state == MigrationState::kFailed;
  const std::string peer = proto::short_id_text(proto::short_id(peer_));
  // Where nothing new is taken, what goes on carrying is where it goes.
  PathSet target = news.move.to;
  if (target.empty())
    for (const migrate::PathView& path : views_)
      if (path.role == share::PathRole::kPrimary && !news.move.from.has(path.path)) target.add(path.path);
  const std::vector<std::string> from = names_of(news.move.from), to = names_of(target);
  base::log(Subsystem::kPaths, failed ? LogLevel::kWarn : LogLevel::kInfo,
            begun ? "migration started" : failed ? "migration failed" : "migration completed",
            {{"peer", peer}, {"from", joined(from)}, {"to", joined(to)}, {"reason", migrate::name_of(news.move.why)},
             {"end", begun ? "" : migrate::name_of(news.event)}, {"took_ms", news.took.ms()}});
  base::Duration srtt{};
  for (const migrate::PathView& path : views_)
    if (target.has(path.path)) srtt = std::max(srtt, path.srtt);
  EventData data{{"device", proto::to_text(peer_)}, {"from", from}, {"to", to},
                 {"reason", std::string(migrate::name_of(news.move.why))}};
  if (!begun) data.emplace_back("durationMs", static_cast<double>(news.took.us()) / 1000);
  if (!begun && !failed) data.emplace_back("rttMs", static_cast<double>(srtt.us()) / 1000);
  if (failed) data.emplace_back("error", std::string(migrate::name_of(news.event)));
  host_.on_event(begun ? "PathMigrationStarted" : failed ? "PathMigrationFailed" : "PathMigrationCompleted", std::move(data));
}

void WeftSession::tell_path(const char* type, base::PathId path, share::PathReason why) const {
  EventData data{{"device", proto::to_text(peer_)}, {"path", name_of(path)}};
  if (why != share::PathReason::kNone) data.emplace_back("reason", std::string(share::name_of(why)));
  host_.on_event(type, std::move(data));
}

SteeringShown WeftSession::steering() const {
  const base::Instant now = host_.now();
  SteeringShown shown;
  shown.state = steering_.mover().state();
  shown.in_state = now - steering_.mover().since();
  shown.counters = steering_.counters();
  shown.multipath = steering_settings().multipath;
  shown.pinned = steering_.plan().pinned;
  shown.last = steering_.mover().move();
  const migrate::Choice choice = steering_.explain(views_.span(), now);
  shown.next = choice.move;
  for (const migrate::PathView& path : views_)
    shown.paths.push_back({.path = path.path, .name = name_of(path.path), .entry = book_.entry(path.path),
                           .standing = choice.standing[base::to_index(path.path)], .srtt = path.srtt});
  // What was closed is no path any more, and may be one again.
  for (std::uint32_t i = 0; i < base::kPortsMax; ++i) {
    const auto ours = engine_.local_port(i);
    for (std::uint32_t k = 0; ours && k < base::kPortsMax; ++k) {
      const base::PathId id = id_of(i, k);
      if (!peer_ports_[k].exists() || !steering_.is_closed(id) || paths_[base::to_index(id)].exists) continue;
      shown.paths.push_back({.path = id, .name = ours->name + ":" + peer_ports_[k].name, .entry = {},
                             .standing = migrate::Standing::kClosed, .srtt = {}});
    }
  }
  return shown;
}

}  // namespace weft::run
