#include "tests/sim/sim_engine.hh"

#include <algorithm>

#include "engine/run/path_wishes.hh"
#include "migrate/path_state.hh"

namespace weft::sim {

SimEngine::SimEngine(const SimCore::Around& around, std::uint8_t number, const std::vector<Source>& sources,
                     const std::vector<base::DeviceId>& devices)
    : around_(around),
      scene_(around.scene),
      number_(number),
      sources_(sources),
      devices_(devices),
      store_(sources) {
  Dice& dice = scene_.dice;
  clock_offset_ = dice.time(base::seconds(1), base::seconds(100'000));
  drift_ppm_ = static_cast<std::int64_t>(dice.below(200)) - 100;
  for (std::uint8_t i = 0; i < scene_.swarm.ports; ++i) {
    ports_.push_back(std::make_unique<PortShared>());
    ports_.back()->name = {number, i};
  }
}

SimEngine::~SimEngine() {
  scene_.faults_on = false;
  if (alive()) die();
}

base::Instant SimEngine::clock() const {
  // Smoothly: a step back at each millisecond, however small, is what a monotonic clock never does.
  return scene_.now + clock_offset_ + base::nanoseconds(scene_.now.ns * drift_ppm_ / 1'000'000);
}

void SimEngine::start() {
  scene_.note({Who::Kind::kControl, number_, 0}, "starts");
  const std::uint32_t count = scene_.swarm.cores[number_];
  for (std::uint8_t i = 0; i < count; ++i)
    cores_.push_back(std::make_unique<SimCore>(around_, number_, i, store_, ports_));
  for (auto& from : cores_)
    for (auto& to : cores_)
      if (from != to) SimCore::join(*from, *to);
  lives_.assign(ports_.size(), PortLife{});
  turns_.assign(count, Turns{.agent = scene_.now});
  control_turn_ = tick_at_ = scene_.now;
  run::SessionSettings settings;
  settings.migrate.multipath = !scene_.swarm.single_path[number_];
  sessions_ = std::make_unique<run::Sessions>(*this, *this, device(), scene_.swarm.policy, settings);
  puller_ = std::make_unique<Puller>(scene_, number_, store_, *sessions_, devices_);
  tables_late_seen_ = 0;
}

void SimEngine::die() {
  scene_.note({Who::Kind::kControl, number_, 0}, "dies");
  posted_.clear();
  probes_open_ = 0;
  puller_.reset();
  sessions_.reset();
  cores_.clear();
  paths_seen_.clear();
  usable_seen_.clear();
}

void SimEngine::poll_agent(std::size_t core) {
  turns_[core].agent = cores_[core]->poll_agent(clock());
  if (cores_[core]->disk_has_jobs())
    turns_[core].disk =
        std::min(turns_[core].disk, scene_.now + scene_.dice.time(base::microseconds(1), base::microseconds(20)));
}

void SimEngine::run_posted() {
  // As Asio: what is posted meanwhile comes in the next round.
  for (std::size_t left = posted_.size(); left > 0 && !scene_.checks.failed(); --left) {
    const std::function<void()> next = std::move(posted_.front());
    posted_.pop_front();
    next();
  }
}

void SimEngine::poll_control() {
  run_posted();
  if (scene_.now >= tick_at_) {
    sessions_->tick();
    bring_ports_back();
    for (auto& core : cores_) core->look();
    look_at_paths();
    if (!scene_.faults_on) end_wishes();
    puller_->poll();
    tick_at_ = scene_.now + sessions_->tick_after();
  }
  const base::Duration turn = scene_.dice.time(scene_.swarm.turn_min, scene_.swarm.turn_max);
  control_turn_ = posted_.empty() ? tick_at_ : scene_.now + turn;
}

void SimEngine::look_at_paths() {
  if (scene_.now - looked_at_ < run::Sessions::kHealthEvery) return;
  looked_at_ = scene_.now;
  Probes& probes = scene_.probes;
  probes.fire_if(sessions_->tables_late() > tables_late_seen_, Probe::table_late);
  tables_late_seen_ = sessions_->tables_late();
  for (const auto& session : sessions_->shown()) {
    std::uint32_t usable = 0;
    for (const run::PathShown& path : session.paths) {
      using share::PathState;
      const PathState state = path.entry.state;
      PathState& seen = paths_seen_[{session.peer, path.id}];
      if (state != seen) {
        scene_.note({Who::Kind::kControl, number_, 0}, "sees a path change (path, state)", base::to_index(path.id),
                    static_cast<std::uint64_t>(state));
        probes.fire_if(state == PathState::kSuspect, Probe::path_suspect);
        probes.fire_if(state == PathState::kDown, Probe::path_down);
        probes.fire_if(state == PathState::kStandby, Probe::path_standby);
        probes.fire_if(state == PathState::kDraining, Probe::path_draining);
        probes.fire_if(state == PathState::kActive && seen == PathState::kDown, Probe::path_back);
        seen = state;
      }
      usable += state == PathState::kActive || state == PathState::kStandby || state == PathState::kSuspect;
    }
    std::uint32_t& before = usable_seen_[session.peer];
    probes.fire_if(before > 0 && usable == 0, Probe::paths_all_down);
    probes.fire_if(before == 0 && usable > 0, Probe::session_begun);
    before = usable;
  }
}

void SimEngine::on_link_down(const base::DeviceId& peer) {
  if (sessions_ != nullptr) sessions_->on_link_down(peer);
}

void SimEngine::post(std::function<void()> later) {
  posted_.push_back(std::move(later));
  control_turn_ = std::min(control_turn_, scene_.now + base::microseconds(5));
}

void SimEngine::remove_port(std::uint8_t port, base::Duration gone) {
  PortLife& life = lives_[port];
  if (life.state != PortLife::State::kOpen) return;
  scene_.note({Who::Kind::kControl, number_, 0}, "removes a port", port);
  life.state = PortLife::State::kLeaving;
  life.back_at = scene_.now + gone;
  sessions_->on_ports_changed();
}

void SimEngine::close_port(std::uint32_t port) {
  scene_.note({Who::Kind::kControl, number_, 0}, "closes a port", port);
  scene_.probes.fire(Probe::port_removed);
  if (!ports_[port]->held.empty())
    scene_.checks.fail("closed ports are in nobody's hands", "e%u closes port %u, of which %zu buffers are held", number_,
                       port, ports_[port]->held.size());
  for (auto& core : cores_) core->close_port(static_cast<std::uint8_t>(port));
  lives_[port].state = PortLife::State::kClosed;
}

void SimEngine::bring_ports_back() {
  for (std::uint8_t i = 0; i < lives_.size(); ++i) {
    PortLife& life = lives_[i];
    if (life.state != PortLife::State::kClosed || (scene_.faults_on && scene_.now < life.back_at)) continue;
    scene_.note({Who::Kind::kControl, number_, 0}, "adds a port", i);
    scene_.probes.fire(Probe::port_added);
    life.state = PortLife::State::kOpen;
    ++life.generation;
    share::Command command;
    command.kind = share::Command::Kind::kAddPort;
    command.body.port = {.port = base::PortId{i}};
    for (auto& core : cores_) {
      core->open_port(*ports_[i]);
      core->channel().send(command);
    }
    sessions_->on_ports_changed();
  }
}

std::optional<run::LocalPort> SimEngine::local_port(std::uint32_t port) const {
  if (port >= lives_.size() || lives_[port].state != PortLife::State::kOpen) return std::nullopt;
  return run::LocalPort{.name = "p" + std::to_string(port),
          .address = address_of(ports_[port]->name),
          .prefix_bits = 24,
          .mtu = scene_.swarm.mtu[port],
          .speed_Bps = 0,
          .udp_port = kUdpBase,
          .role = scene_.swarm.role[port],
          .shares_rings = false,
          .weight = static_cast<std::uint8_t>(share::kWeightDefault * (port + 1)),
          .congestion = scene_.swarm.congestion[port],
          .generation = lives_[port].generation};
}

base::Result<share::Flow> SimEngine::make_flow(std::uint32_t port, const base::IpAddress& remote,
                                               std::uint16_t local_udp, std::uint16_t remote_udp) {
  if (!scene_.swarm.mesh && port_of(remote).port != port)
    return base::fail(base::Errc::kUnavailable, "another network");
  return share::Flow{.src = address_of(ports_[port]->name),
                     .dst = remote,
                     .src_udp = local_udp,
                     .dst_udp = remote_udp,
                     .neighbour = 0};
}

void SimEngine::open_for_peer(const base::DeviceId&, const model::RemoteFile& file, model::ServedDone done) {
  if (scene_.faults_on && scene_.dice.ppm(scene_.swarm.faults.refuse_open_ppm)) {
    scene_.probes.fire(Probe::open_refused);
    const auto code = scene_.dice.of(
        {base::Errc::kNotFound, base::Errc::kPermission, base::Errc::kLimit, base::Errc::kUnavailable});
    return post([done = std::move(done), code] { done(base::fail(code, "the simulator refuses")); });
  }
  for (std::size_t i = 0; i < sources_.size(); ++i)
    if (sources_[i].owner == number_ && sources_[i].name == file.name)
      return post([done = std::move(done), i, size = sources_[i].bytes.size()] {
        done(model::ServedFile{
            .fd = base::UniqueFd(kFdServed + static_cast<int>(i)), .direct = false, .size = size});
      });
  scene_.checks.fail("files are named", "e%u was asked for %s, which it does not have", number_, file.name.c_str());
}

void SimEngine::wish() {
  using migrate::PathError;
  const auto sessions = sessions_->active_sessions(std::nullopt);
  if (sessions.empty()) return;
  Dice& dice = scene_.dice;
  run::WeftSession& session = *sessions[dice.below(static_cast<std::uint32_t>(sessions.size()))];
  const std::vector<run::StandingShown> paths = session.steering().paths;
  if (paths.empty()) return;
  const auto any = [&]() -> const run::StandingShown& { return paths[dice.below(static_cast<std::uint32_t>(paths.size()))]; };
  PathError error = PathError::kNone;
  const std::uint32_t what = dice.below(8);
  switch (what) {
    case 0: case 1: error = session.switch_to(any().path); break;
    case 2: case 3: {
      const base::PathId from = any().path;
      error = session.move(from, any().path);
      break;
    }
    case 4: error = session.close_path(any().path); break;
    case 5: error = run::SessionWishes(sessions_.get()).open({any().name, session.peer()}); break;
    case 6: error = session.unpin(); break;
    default:
      ++probes_open_;
      session.probe_path(any().path, dice.spread_time(base::milliseconds(1), base::seconds(2)),
                         [this](PathError probed, base::Duration) {
                           if (probes_open_ == 0) scene_.checks.fail("one answer each", "a probe of a path was answered twice");
                           --probes_open_;
                           scene_.probes.fire(probed == PathError::kNone ? Probe::path_probed : Probe::path_probed_in_vain);
                         });
      return;
  }
  scene_.note({Who::Kind::kControl, number_, 0}, "wishes (what, error)", what, static_cast<std::uint64_t>(error));
  scene_.probes.fire(error == PathError::kNone ? Probe::wish_taken : Probe::wish_refused);
}

void SimEngine::end_wishes() {
  if (scene_.now < wishes_ended_ + base::milliseconds(100)) return;
  wishes_ended_ = scene_.now;
  run::SessionWishes wishes(sessions_.get());
  for (const run::WeftSession* session : sessions_->active_sessions(std::nullopt)) {
    for (const run::StandingShown& path : session->steering().paths) {
      if (path.standing != migrate::Standing::kClosed) continue;
      const auto error = wishes.open({path.name, session->peer()});
      scene_.note({Who::Kind::kControl, number_, 0}, "opens (path, error)", base::to_index(path.path),
                  static_cast<std::uint64_t>(error));
    }
    (void)wishes.unpin(session->peer());
  }
}

void SimEngine::on_event(const char* type, run::EventData) {
  const std::string_view name(type);
  scene_.probes.fire_if(name == "PathMigrationCompleted", Probe::migration_completed);
  scene_.probes.fire_if(name == "PathMigrationFailed", Probe::migration_failed);
}

bool SimEngine::whole(const char*& why) {
  if (probes_open_ > 0) return why = "a path that was asked has not been answered for", false;
  for (const run::WeftSession* session : sessions_->active_sessions(std::nullopt))
    if (session->steering().state == migrate::MigrationState::kMigrating) return why = "a migration is under way", false;

  for (auto& core : cores_)
    if (!core->whole(why)) return false;
  for (const auto& port : ports_)
    if (!port->held.empty()) return why = "packet buffers are held", false;
  return true;
}

bool SimEngine::bare(const char*& why) {
  for (auto& core : cores_)
    if (!core->bare(why)) return false;
  return true;
}

SimEngine::Sums SimEngine::sums() {
  Sums sums;
  for (auto& core : cores_) {
    const share::CoreReport& report = core->channel().report();
    for (std::uint32_t i = 0; i < report.lane_count; ++i) {
      sums.chunk_bytes_out += report.lanes[i].chunk_bytes_out;
      sums.chunk_bytes_again += report.lanes[i].chunk_bytes_again;
      sums.lost += report.lanes[i].packets_lost;
      sums.spurious += report.lanes[i].packets_spurious;
    }
  }
  return sums;
}

}  // namespace weft::sim
