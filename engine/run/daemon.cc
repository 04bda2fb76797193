#include "engine/run/daemon.hh"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include "bep/net/remembered_ports.hh"
#include "bep/proto/device_id.hh"
#include "engine/base/log.hh"
#include "engine/base/random_seed.hh"
#include "engine/base/version.hh"

namespace weft::run {

using base::LogLevel;
using base::Subsystem;

namespace {

std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Scanning and finishing files blocks; the control thread never does. Two: one may wait for a disk that the other's
// hashing does not need.
std::size_t worker_threads() { return std::max(2u, std::thread::hardware_concurrency() / 2); }

// Transfers, files served to peers and sockets: more than the 1024 that a shell gives.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65536);
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    base::log(Subsystem::kDaemon, LogLevel::kWarn, "the limit of open files cannot be raised");
}

base::Status no_engine() {
  return base::fail(base::Errc::kUnavailable, "weft began without ports, and has no datapath: write a [[port]] in weft.toml "
                                              "and start it again");
}

health::Settings health_settings(const DaemonConfig& setup) {
  const model::HealthConfig& weights = setup.weft.health;
  const model::OptionsConfig& options = setup.config.options;
  return {.weights = {.latency = weights.latency, .jitter = weights.jitter, .loss = weights.loss,
                      .goodput = weights.goodput, .stability = weights.stability},
          .keep_alive = {.adaptive = options.adaptive_keep_alive_enabled,
                         .smooth = weights.smooth_keep_alive,
                         .min = base::seconds(options.adaptive_keep_alive_min_s),
                         .max = base::seconds(options.adaptive_keep_alive_max_s)}};
}

SessionSettings session_settings(const DaemonConfig& setup) {
  const model::MigrateConfig& migrate = setup.weft.migrate;
  return {.health = health_settings(setup),
          .migrate = {.multipath = setup.config.options.multipath_enabled,
                      .leave_below = static_cast<std::uint8_t>(migrate.leave_below),
                      .dwell = base::seconds(migrate.dwell_s),
                      .better_permille = static_cast<std::uint32_t>(migrate.better_by * 1000)},
          .never_metered = migrate.metered_never,
          .park_max = base::seconds(setup.config.options.session_park_s)};
}

// For what peers were asked: longer they are not waited for.
constexpr base::Duration kQuiesceMax = base::milliseconds(300);

std::filesystem::path index_file(const std::filesystem::path& home) { return home / "weft-index.db"; }

}  // namespace

Daemon::Daemon(DaemonConfig config)
    : setup_(std::move(config)), started_(MonotonicClock().now()), started_unix_ms_(unix_ms()), io_(1), signals_(io_) {}

Daemon::~Daemon() = default;

base::Result<std::unique_ptr<Daemon>> Daemon::start(DaemonConfig config, std::string& why) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(config)));
  TRY(daemon->open_all(why));
  return daemon;
}

base::Status Daemon::open_all(std::string& why) {
  raise_file_limit();
  heap_care_.emplace(io_);
  auto index = model::IndexDb::open(index_file(setup_.home));
  if (!index) {
    why = index.error();
    return base::fail(base::Errc::kInvalidConfig, "the index database does not open");
  }
  index_ = std::move(*index);
  TRY(choose_udp_ports(setup_.weft.ports, setup_.weft.engine.cores, why));
  // DPDK first of all that makes threads: it may set the environment.
  if (!setup_.weft.ports.empty()) engine_ = TRY(Engine::start(setup_.weft, setup_.home / "run", why));
  workers_ = std::make_unique<model::Workers>(io_, worker_threads());
  if (!setup_.config.options.multipath_enabled) setup_.weft.policy = share::Policy::kActiveBackup;
  datapath_ = std::make_unique<Datapath>(io_, engine_.get(), setup_.identity.id(), setup_.weft.policy,
                                         session_settings(setup_));
  model::ModelOptions options;
  options.self = setup_.identity.id();
  options.direct = setup_.weft.disk.direct;
  options.fsync = setup_.weft.disk.fsync;
  options.link_strategy = setup_.weft.links.strategy;
  model_ = std::make_unique<model::Model>(io_, setup_.config, options, *index_, *datapath_, *workers_);
  TRY(make_links(why));
  const bool direct = setup_.weft.disk.direct != model::DirectIo::kNever;
  bench_files_.emplace(*model_, *workers_,
                       BenchFiles::Settings{.allowed = setup_.weft.bench_allowed, .direct = direct, .directory = setup_.home});
  bench_run_.emplace(*datapath_, clock_, *workers_, setup_.home, direct);
  datapath_->start(*bench_files_, [this] { model_->on_fabric_changed(); });
  model_->start();
  links_->start();
  link_watch_->start();
  heap_care_->start();
  signals_.add(SIGINT);
  signals_.add(SIGTERM);
  wait_for_signal();
  base::log(Subsystem::kDaemon, LogLevel::kInfo, "weft started",
            {{"version", base::kVersionText}, {"id", proto::to_text(setup_.identity.id())},
             {"home", setup_.home.string()}, {"folders", static_cast<std::uint64_t>(setup_.config.folders.size())},
             {"ports", static_cast<std::uint64_t>(setup_.weft.ports.size())}});
  if (engine_ != nullptr)
    base::log(Subsystem::kDaemon, LogLevel::kInfo, "datapath started",
              {{"cores", engine_->cores()}, {"aead", engine_->aead_name()}, {"memory", engine_->memory_kind()},
               {"disk", *engine_->disk_fallback() == '\0' ? "registered buffers" : engine_->disk_fallback()}});
  return {};
}

base::Status Daemon::choose_udp_ports(std::span<model::PortConfig> ports, std::uint32_t cores, std::string& why) {
  const model::OptionsConfig& options = setup_.config.options;
  if (!options.random_ports_enabled) return {};
  if (!udp_reservation_) {
    const net::PortRange range{.first = options.random_port_range_start, .last = options.random_port_range_end};
    const auto file = options.random_port_persistence ? setup_.home / UdpReservation::kFile : std::filesystem::path();
    udp_reservation_.emplace(range, file, base::random_seed());
  }
  for (model::PortConfig& port : ports) {
    if (port.udp_port_given) continue;
    const auto chosen = udp_reservation_->reserve(port.name, cores);
    if (!chosen) {
      why = "port " + port.name + ": no " + std::to_string(cores) + " UDP ports in a row are free from randomPortRangeStart " +
            std::to_string(options.random_port_range_start) + " to randomPortRangeEnd " +
            std::to_string(options.random_port_range_end) + " in config.xml; make the range larger, or give the port a udp_port";
      return base::fail(base::Errc::kInvalidConfig, "no random UDP port is free");
    }
    port.udp_port = *chosen;
    base::log(Subsystem::kPorts, LogLevel::kInfo, "random UDP port chosen", {{"port", port.name}, {"udp_port", *chosen}});
  }
  return {};
}

base::Status Daemon::make_links(std::string& why) {
  net::LinkManagerConfig config;
  config.identity = &setup_.identity;
  const model::OptionsConfig& options = setup_.config.options;
  config.listen = options.listen_addresses;
  config.priority_lan = options.priority_tcp_lan;
  config.priority_wan = options.priority_tcp_wan;
  config.dial_from = setup_.weft.links.from;
  config.replace = {.age = base::seconds(options.replacement_age_threshold_s),
                    .priority = options.replacement_priority_threshold,
                    .score_min = static_cast<std::uint8_t>(options.stability_score_min)};
  const base::Duration longest = base::seconds(options.reconnection_interval_s);
  for (base::Duration& wait : config.redial) wait = std::min(wait, longest);
  config.redial.back() = config.dial_times.better_after = longest;
  dial_history_.emplace(*index_);
  config.history = &*dial_history_;
  if (options.random_ports_enabled) {
    config.random_ports = {.first = options.random_port_range_start, .last = options.random_port_range_end};
    if (options.random_port_persistence) config.ports_file = setup_.home / net::RememberedPorts::kFile;
  }
  config.hello.client_version = base::kVersionText;
  config.hello.weft_version = engine_ != nullptr ? 1 : 0;   // without ports we have nothing that stock has not
  for (const model::DeviceConfig& device : setup_.config.devices) {
    if (device.id == setup_.identity.id()) {
      config.hello.device_name = device.name;
      continue;
    }
    config.devices.push_back({.id = device.id, .name = device.name, .addresses = device.addresses,
                              .cert_name = device.cert_name, .compression = device.compression,
                              .paused = device.paused, .connections = device.connections});
  }
  config.passed = setup_.passed;
  std::vector<base::DeviceId> peers;
  for (const net::LinkDevice& device : config.devices) peers.push_back(device.id);
  links_ = TRY(net::LinkManager::make(io_, std::move(config), *model_, why));
  link_watch_.emplace(io_, *links_, std::move(peers), health_settings(setup_),
                      [this](net::Link& link) { model_->on_suspicion(link); });
  return {};
}

int Daemon::run(std::function<void()> on_stopping) {
  on_stopping_ = std::move(on_stopping);
  io_.run();
  // Nothing of the control plane runs from here on. Cores stop before what they work for goes.
  if (engine_ != nullptr) engine_->stop();
  base::log(Subsystem::kDaemon, LogLevel::kInfo, "weft stopped");
  return 0;
}

// Until the end: one that comes during a handover means that there is to be none.
void Daemon::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    base::log(Subsystem::kDaemon, LogLevel::kInfo, "stopping", {{"signal", signal}});
    handing_over_ = false;
    begin_stop();
    wait_for_signal();
  });
}

void Daemon::shutdown() {
  boost::asio::post(io_, [this] { begin_stop(); });
}

void Daemon::begin_stop() {
  if (std::exchange(stopping_, true)) return;
  if (handing_over_) links_->pass_listeners(to_pass_);
  if (on_stopping_) on_stopping_();
  link_watch_->stop();
  heap_care_->stop();
  bench_run_->stop();
  model_->quiesce(kQuiesceMax, [this] {
    links_->stop([this] {
      model_->stop();
      datapath_->stop();
      // Nobody hears it from here on: it ends the process, and the next program after it, until that one listens.
      if (handing_over_) signals_.clear();
      io_.stop();
    });
  });
}

base::Status Daemon::may_hand_over() const {
  if (::access(setup_.program.c_str(), X_OK) == 0) return {};
  return base::fail_errno(errno, "the program is not where it was started from");
}

void Daemon::hand_over() {
  base::log(Subsystem::kDaemon, LogLevel::kInfo, "handing over", {{"program", setup_.program.string()}});
  boost::asio::post(io_, [this] {
    handing_over_ = !stopping_;
    begin_stop();
  });
}

base::Status Daemon::set_policy(share::Policy policy) {
  const share::Policy before = datapath_->policy();
  if (!datapath_->set_policy(policy))
    return base::fail(base::Errc::kUnavailable, "no [[port]] in weft.toml: files travel over the TLS link");
  base::log(Subsystem::kPaths, LogLevel::kInfo, "scheduler policy changed by order",
            {{"from", share::name_of(before)}, {"to", share::name_of(policy)}});
  return {};
}

base::Status Daemon::add_port(std::string_view lines, std::string& why) {
  if (engine_ == nullptr) return no_engine();
  auto port = model::parse_port(lines, engine_->cores(), {});
  if (port) port = model::parse_port(lines, engine_->cores(), engine_->other_ports(port->name));
  if (!port) {
    why = port.error();
    return base::fail(base::Errc::kInvalidConfig, "the port cannot be as it is described");
  }
  port->cost = model::cost_of(*port, setup_.weft.migrate);
  TRY(choose_udp_ports({&*port, 1}, engine_->cores(), why));
  TRY(engine_->add_port(*port, why));
  base::log(Subsystem::kPorts, LogLevel::kInfo, "port added by order", {{"port", port->name}, {"device", port->device}});
  datapath_->on_ports_changed();
  return {};
}

base::Status Daemon::reopen_port(std::string_view name, std::string& why) {
  if (engine_ == nullptr) return no_engine();
  TRY(engine_->reopen_port(name, why));
  base::log(Subsystem::kPorts, LogLevel::kInfo, "port opened by order", {{"port", name}});
  datapath_->on_ports_changed();
  return {};
}

base::Status Daemon::remove_port(std::string_view name) {
  if (engine_ == nullptr) return no_engine();
  TRY(engine_->remove_port(name));
  base::log(Subsystem::kPorts, LogLevel::kInfo, "port removed by order", {{"port", name}});
  datapath_->on_ports_changed();
  return {};
}

base::Status Daemon::impair(std::string_view name, const nic::Impairment& impairment) {
  for (std::uint32_t i = 0; engine_ != nullptr && i < base::kPortsMax; ++i) {
    nic::Port* port = engine_->port(i);
    if (port == nullptr || port->config().name != name) continue;
    base::log(Subsystem::kPorts, LogLevel::kWarn, "port impaired by order",
              {{"port", name}, {"blackhole", impairment.blackhole}, {"drop_ppm", impairment.drop_ppm},
               {"delay_us", impairment.delay_us}, {"rate_Bps", impairment.rate_Bps},
               {"link_down", impairment.link_down}});
    return port->set_impairment(impairment);
  }
  if (engine_ != nullptr)
    for (const Engine::ClosedPort& port : engine_->closed_ports())
      if (port.config.name == name)
        return base::fail(base::Errc::kUnavailable, "the port is not open; /rest/weft/status says why");
  return base::fail(base::Errc::kNotFound, "no such port");
}

}  // namespace weft::run
