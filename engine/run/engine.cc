#include "engine/run/engine.hh"

#include <openssl/rand.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <future>

#include "engine/base/log.hh"
#include "engine/nic/device.hh"
#include "engine/nic/drop.hh"
#include "engine/run/rest.hh"
#include "engine/wire/aead.hh"

namespace weft::run {

namespace {

// Held back by an impaired port, each way: 50 ms at 700 Mbit/s of full packets.
constexpr std::uint32_t kImpairFrames = 4096;
constexpr std::uint32_t kHandOverRing = 256;    // eight bursts
constexpr base::Duration kDiskGrace = base::seconds(5);   // for writes under way when the engine stops

std::uint64_t unpredictable() {
  std::uint64_t value = 0;
  MUST(RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof value) == 1);
  return value;
}

std::uint64_t clock_ns(clockid_t clock) {
  timespec t{};
  if (::clock_gettime(clock, &t) != 0) return 0;
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
}

// Half of the slots at least are for fetching, and the largest block always fits.
std::uint32_t serve_share(std::uint32_t slots) {
  return std::min(slots / 3, slots > base::kExtentsPerBlockMax ? slots - base::kExtentsPerBlockMax : 1u);
}

nic::PortConfig port_config_of(const model::PortConfig& from, bool impair_allowed) {
  nic::PortConfig to;
  to.name = from.name;
  to.device = from.device;
  if (from.v4) to.v4 = nic::PortAddress{from.v4->address, from.v4->prefix_length, from.gateway_v4};
  if (from.v6) to.v6 = nic::PortAddress{from.v6->address, from.v6->prefix_length, from.gateway_v6};
  to.udp_port = from.udp_port;
  to.mtu = from.mtu;
  to.role = from.role;
  to.vlan = from.vlan;
  to.exception = from.exception;
  to.impair_frames_max = impair_allowed ? kImpairFrames : 0;
  to.seed = unpredictable();
  return to;
}

bool is_pci_address(const std::string& device) {
  return device.find(':') != std::string::npos && device.find('=') == std::string::npos;
}

}  // namespace

base::Instant MonotonicClock::now() noexcept {
  return {static_cast<std::int64_t>(clock_ns(CLOCK_MONOTONIC))};
}

Engine::Core::HandOver::HandOver() : slots(kHandOverRing), ring(slots) {}

void Engine::Core::run(nic::Eal& eal, int cpu) {
  ::pthread_setname_np(::pthread_self(), "weft-data");
  ::prctl(PR_SET_TIMERSLACK, 1000UL);   // else a sleep of 20 us lasts 70
  if (cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    if (::pthread_setaffinity_np(::pthread_self(), sizeof set, &set) != 0)
      base::log(base::Subsystem::kPorts, base::LogLevel::kWarn, "data core cannot be pinned", {{"cpu", cpu}});
  }
  if (const auto registered = eal.register_thread(); !registered) {
    base::log(base::Subsystem::kPorts, base::LogLevel::kError, "data core cannot start", {{"error", registered.error().text}});
    return;
  }
  MonotonicClock clock;
  Idle idle;
  share::StageClock& stages = data_agent->stages();
  while (!stop.load(std::memory_order_relaxed)) {
    const base::Instant now = clock.now();
    stages.begin_turn();
    std::uint32_t work = data_agent->poll(now);
    work += disk_agent->poll(now);
    stages.lap(share::Stage::kDisk);
    stages.end_turn(work > 0);
    rest(idle.on_turn(work));
  }
  // The disk may still be writing into slots: their memory goes with this core.
  const base::Instant give_up = clock.now() + kDiskGrace;
  while (disk_agent->in_flight() > 0 && clock.now() < give_up) disk_agent->poll(clock.now());
  eal.unregister_thread();
}

base::Status Engine::open_ports(const std::vector<model::PortConfig>& configs, std::string& why) {
  std::optional<base::Error> first;
  std::uint32_t number = 0;
  for (const model::PortConfig& config : configs) {
    std::string sentence;
    const base::Status opened = open_port(number, config, sentence);
    if (opened) {
      ++number;
      continue;
    }
    base::log(base::Subsystem::kPorts, base::LogLevel::kError, "a port is left out", {{"port", config.name}, {"why", sentence}});
    if (!first) {
      first = opened.error();
      why = sentence;
    }
    closed_ports_.push_back({config, std::move(sentence)});
  }
  if (number == 0) return tl::unexpected(*first);
  return {};
}

base::Status Engine::open_port(std::uint32_t number, const model::PortConfig& config, std::string& why) {
  MUST(ports_[number] == nullptr);
  nic::PortConfig to_open = port_config_of(config, impair_allowed_);
  to_open.id = base::PortId{static_cast<std::uint8_t>(number)};
  auto device = TRY(nic::Port::open(*eal_, to_open, core_count_, why));
  ports_[number] = std::make_unique<OpenPort>(
      OpenPort{.device = std::move(device), .config = config, .generation = generations_[number]++});
  return {};
}

base::Status Engine::add_port(const model::PortConfig& config, std::string& why) {
  const auto place = std::find(ports_.begin(), ports_.end(), nullptr);
  if (place == ports_.end()) {
    why = "there are " + std::to_string(base::kPortsMax) + " ports, as many as there may be; remove one first";
    return base::fail(base::Errc::kLimit, "as many ports as there may be");
  }
  const auto number = static_cast<std::uint32_t>(place - ports_.begin());
  TRY(open_port(number, config, why));
  // All views before the first order: what the first core receives it may hand over to any other.
  for (std::uint32_t i = 0; i < cores(); ++i)
    cores_[i]->port_views[number] = &ports_[number]->device->udp(base::CoreId{static_cast<std::uint8_t>(i)});
  share::Command command;
  command.kind = share::Command::Kind::kAddPort;
  command.body.port = {.port = base::PortId{static_cast<std::uint8_t>(number)},
                       .rate_Bps = rate_per_core_Bps(ports_[number]->config.rate_mbit, core_count_)};
  for (const auto& core : cores_) core->channel->send(command);
  std::erase_if(closed_ports_, [&](const ClosedPort& port) { return port.config.name == config.name; });
  return {};
}

base::Status Engine::reopen_port(std::string_view name, std::string& why) {
  for (ClosedPort& port : closed_ports_) {
    if (port.config.name != name) continue;
    const model::PortConfig config = port.config;
    const base::Status opened = add_port(config, why);   // takes `port` away when it succeeds
    if (!opened) port.why = why;
    return opened;
  }
  return base::fail(base::Errc::kNotFound, "no port of this name waits to be opened");
}

base::Status Engine::remove_port(std::string_view name) {
  for (const auto& port : ports_) {
    if (port == nullptr || port->config.name != name) continue;
    if (port->leaving) return base::fail(base::Errc::kUnavailable, "the port is being removed already");
    port->leaving = true;
    return {};
  }
  if (std::erase_if(closed_ports_, [&](const ClosedPort& port) { return port.config.name == name; }) > 0) return {};
  return base::fail(base::Errc::kNotFound, "no such port");
}

void Engine::close_port(std::uint32_t number) {
  MUST(leaving(number));
  for (auto& core : cores_) core->port_views[number] = nullptr;
  base::log(base::Subsystem::kPorts, base::LogLevel::kInfo, "port closed", {{"port", ports_[number]->config.name}});
  ports_[number] = nullptr;
}

std::vector<model::PortConfig> Engine::other_ports(std::string_view name) const {
  std::vector<model::PortConfig> configs;
  for (const auto& port : ports_)
    if (port != nullptr) configs.push_back(port->config);
  for (const ClosedPort& port : closed_ports_)
    if (port.config.name != name) configs.push_back(port.config);
  return configs;
}

base::Status Engine::make_core(const model::WeftConfig& config, std::uint32_t index,
                               base::Result<disk::SlotBuffers> slots, std::string& why) {
  auto core = std::make_unique<Core>();
  if (!slots) {
    why = "weft.toml [engine] slots: " + std::string(slots.error().text) + "; use fewer slots";
    return tl::unexpected(slots.error());
  }
  core->slots = std::make_unique<disk::SlotBuffers>(std::move(*slots));
  constexpr std::size_t kKeys = base::kLanesPerCoreMax * 6;   // two to seal, four to open
  auto aead = config.engine.aead == model::AeadChoice::kAuto ? wire::best_aead(kKeys)
              : wire::make_aead(config.engine.aead == model::AeadChoice::kIpsecMb ? wire::AeadKind::kIpsecMb
                                                                                   : wire::AeadKind::kOpenssl, kKeys);
  if (!aead) {
    why = "weft.toml [engine] aead: " + std::string(aead.error().text) + "; use \"auto\"";
    return tl::unexpected(aead.error());
  }
  core->aead = std::move(*aead);
  auto agent = disk::DiskAgent::start({.files = base::kFilesPerCoreMax, .depth = config.disk.depth}, *core->slots,
                                      core->rings.jobs, core->rings.dones);
  if (!agent) {
    why = "the disk agent cannot start: " + std::string(agent.error().text);
    return tl::unexpected(agent.error());
  }
  core->disk_agent = std::move(*agent);
  for (std::size_t i = 0; i < ports_.size(); ++i)
    if (ports_[i] != nullptr) core->port_views[i] = &ports_[i]->device->udp(base::CoreId{static_cast<std::uint8_t>(index)});
  cores_.push_back(std::move(core));
  return {};
}

void Engine::wire_hand_over() {
  for (std::size_t to = 0; to < cores_.size(); ++to) {
    cores_[to]->handed_in.resize(cores_.size());
    for (std::size_t from = 0; from < cores_.size(); ++from) {
      if (from == to) continue;
      cores_[to]->handed_in[from] = std::make_unique<Core::HandOver>();
      cores_[to]->rings.wiring.handed_in[from] = &cores_[to]->handed_in[from]->ring;
      cores_[from]->rings.wiring.handed_out[to] = &cores_[to]->handed_in[from]->ring;
    }
  }
}

base::Result<std::unique_ptr<Engine>> Engine::start(const model::WeftConfig& config,
                                                    const std::filesystem::path& run_dir, std::string& why) {
  MUST(!config.ports.empty());
  if (config.engine.slots < base::kExtentsPerBlockMax + 16 || config.engine.slots > base::kRequestSlotsMax) {
    why = "weft.toml [engine] slots: a number from " + std::to_string(base::kExtentsPerBlockMax + 16) + " to " +
          std::to_string(base::kRequestSlotsMax) + " is needed";
    return base::fail(base::Errc::kInvalidConfig, "slots out of range");
  }
  std::unique_ptr<Engine> engine(new Engine);
  nic::EalConfig eal;
  eal.run_dir = run_dir.string();
  eal.memory_mb = config.engine.memory_mb;
  eal.extra_args = config.engine.eal_args;
  std::uint64_t needed = 0;
  for (const model::PortConfig& port : config.ports) {
    needed += nic::Port::memory_bytes(port_config_of(port, config.impair_allowed), config.engine.cores);
    if (is_pci_address(port.device)) eal.pci_allow.push_back(port.device);
  }
  // What is configured is a floor: ports that need more get it, instead of a sentence about it. A quarter more, because
  // each pool wants one piece of the heap.
  eal.memory_mb = std::max<std::uint32_t>(eal.memory_mb, static_cast<std::uint32_t>(needed / 4 * 5 >> 20) + 32);
  eal.log = [](nic::EalLogLevel level, std::string_view text) {
    base::log(base::Subsystem::kPorts, level == nic::EalLogLevel::kError ? base::LogLevel::kWarn : base::LogLevel::kDebug, "dpdk",
              {{"text", text}});
  };
  // Touching the slots and DPDK's start, which sleeps to measure the clock, take about 0.1 s each: side by side.
  std::vector<std::future<base::Result<disk::SlotBuffers>>> slots;
  for (std::uint32_t i = 0; i < config.engine.cores; ++i)
    slots.push_back(std::async(std::launch::async, [n = config.engine.slots] {
      return disk::SlotBuffers::allocate(n);
    }));
  auto started = nic::Eal::start(std::move(eal));
  if (!started) {
    why = "DPDK does not start: " + std::string(started.error().text);
    return tl::unexpected(started.error());
  }
  engine->eal_ = std::move(*started);
  engine->serve_slots_ = serve_share(config.engine.slots);
  engine->fetch_slots_ = config.engine.slots - engine->serve_slots_;
  engine->core_count_ = config.engine.cores;
  engine->impair_allowed_ = config.impair_allowed;
  TRY(engine->open_ports(config.ports, why));
  for (std::uint32_t i = 0; i < config.engine.cores; ++i) TRY(engine->make_core(config, i, slots[i].get(), why));
  engine->wire_hand_over();
  for (std::uint32_t i = 0; i < config.engine.cores; ++i) {
    Core& core = *engine->cores_[i];
    core.channel = std::make_unique<CoreChannel>(i, core.rings.wiring, CoreLimits{});
    std::array<std::uint64_t, base::kPortsMax> rates{};
    for (std::uint32_t p = 0; p < base::kPortsMax; ++p)
      if (engine->ports_[p] != nullptr) rates[p] = rate_per_core_Bps(engine->ports_[p]->config.rate_mbit, engine->core_count_);
    core.data_agent = std::make_unique<DataAgent>(DataAgentConfig{
        .core = base::CoreId{static_cast<std::uint8_t>(i)}, .ports = core.port_views, .aead = core.aead.get(),
        .slots = core.slots->all(), .fetch_slots = engine->fetch_slots_, .serve_slots = engine->serve_slots_,
        .port_rates_Bps = rates, .challenge_seed = unpredictable(), .wiring = core.rings.wiring});
    const int cpu = i < config.engine.cpus.size() ? static_cast<int>(config.engine.cpus[i]) : -1;
    core.thread = std::thread([&core, eal_ptr = engine->eal_.get(), cpu] { core.run(*eal_ptr, cpu); });
  }
  return engine;
}

void Engine::stop() {
  for (auto& core : cores_) core->stop.store(true, std::memory_order_relaxed);
  for (auto& core : cores_)
    if (core->thread.joinable()) core->thread.join();
}

Engine::~Engine() {
  stop();
  cores_.clear();   // before the ports that their views belong to
}

std::optional<LocalPort> Engine::local_port(std::uint32_t number) const {
  if (ports_[number] == nullptr || ports_[number]->leaving) return std::nullopt;
  const OpenPort& port = *ports_[number];
  const nic::PortConfig& config = port.device->config();
  // One address per port is offered; IPv4 where there is one.
  const nic::PortAddress& address = config.v4 ? *config.v4 : *config.v6;
  return LocalPort{.name = config.name, .address = address.ip, .prefix_bits = address.prefix_bits, .mtu = config.mtu,
          .speed_Bps = port.device->speed_Bps(), .udp_port = config.udp_port, .role = config.role,
          .rss_entries = port.device->rss_entries(), .shares_rings = config.device.starts_with("net_memif"),
          .to = port.config.to,
          .weight = static_cast<std::uint8_t>(port.config.weight),
          .congestion = port.config.congestion,
          .queue_packets_max = nic::queue_packets_max(port.config.device),
          .cost = port.config.cost,
          .metered = port.config.metered,
          .generation = port.generation};
}

void Engine::poll_ports(base::Instant now) {
  for (const auto& port : ports_) {
    if (port == nullptr) continue;
    port->device->poll(now);
    const nic::PortReport report = port->device->report();   // takes the cores' newest numbers over, for whoever asks next
    if (port->clash_said || report.udp.drops[static_cast<std::size_t>(nic::NicDrop::kAddressClash)] == 0) continue;
    port->clash_said = true;
    base::log(base::Subsystem::kPorts, base::LogLevel::kError,
              "another station has the address of a port: give one of them another",
              {{"port", port->config.name}});
  }
}

base::Result<share::Flow> Engine::make_flow(std::uint32_t port, const base::IpAddress& remote,
                                            std::uint16_t local_udp, std::uint16_t remote_udp) {
  return ports_[port]->device->make_flow(remote, local_udp, remote_udp);
}

const char* Engine::aead_name() const noexcept { return cores_.empty() ? "" : cores_.front()->aead->name(); }

const char* Engine::disk_fallback() const noexcept {
  return cores_.empty() ? "" : cores_.front()->disk_agent->fallback_reason();
}

std::uint64_t Engine::cpu_ns() const {
  std::uint64_t sum = 0;
  for (const auto& core : cores_) {
    clockid_t clock{};
    if (core->thread.joinable() &&
        ::pthread_getcpuclockid(const_cast<Core&>(*core).thread.native_handle(), &clock) == 0)
      sum += clock_ns(clock);
  }
  return sum;
}

}  // namespace weft::run
