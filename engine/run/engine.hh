// The data side put together: DPDK, ports, and per data core its memory, AEAD, disk agent, data agent and thread.
// All that the data plane needs is made here, from the configuration, once; then threads run until the engine goes. Ports
// alone come and go meanwhile, made and closed on control: a core hears of them by its commands.
// Thread: control. Without ports in the configuration there is no engine (plain BEP over links needs none).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bep/model/weft_toml.hh"
#include "engine/base/result.hh"
#include "engine/disk/disk_agent.hh"
#include "engine/disk/slot_buffers.hh"
#include "engine/nic/eal.hh"
#include "engine/nic/port.hh"
#include "engine/run/core_rings.hh"
#include "engine/run/session_world.hh"

namespace weft::run {

// The monotonic clock of this process.
class MonotonicClock final : public base::Clock {
 public:
  [[nodiscard]] base::Instant now() noexcept override;
};

class Engine final : public DataSide {
 public:
  // `why` gets the sentence with names for people. Errors: as nic::Eal, disk::DiskAgent and wire::Aead; as nic::Port
  // when not one port opens. A port that does not open is otherwise logged, kept in closed_ports() and left out.
  [[nodiscard]] static base::Result<std::unique_ptr<Engine>> start(const model::WeftConfig& config,
                                                                   const std::filesystem::path& run_dir,
                                                                   std::string& why);
  ~Engine() override;   // stop(), then closes the ports
  // Ends the cores' threads; disk writes under way are waited for. Idempotent.
  void stop();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // ---- DataSide
  [[nodiscard]] std::uint32_t cores() const noexcept override { return static_cast<std::uint32_t>(cores_.size()); }
  [[nodiscard]] CoreChannel& channel(std::uint32_t core) noexcept override { return *cores_[core]->channel; }
  [[nodiscard]] std::uint32_t fetch_slots() const noexcept override { return fetch_slots_; }
  [[nodiscard]] std::uint32_t requests_max() const noexcept override { return kRequestsMax; }
  [[nodiscard]] std::optional<LocalPort> local_port(std::uint32_t port) const override;
  [[nodiscard]] bool leaving(std::uint32_t port) const noexcept override {
    return ports_[port] != nullptr && ports_[port]->leaving;
  }
  void close_port(std::uint32_t port) override;
  [[nodiscard]] bool link_up(std::uint32_t port) const noexcept override { return ports_[port]->device->link_up(); }
  void poll_ports(base::Instant now) override;
  [[nodiscard]] base::Result<share::Flow> make_flow(std::uint32_t port, const base::IpAddress& remote,
                                                    std::uint16_t local_udp, std::uint16_t remote_udp) override;

  // ---- ports; who changes them tells Sessions (on_ports_changed)
  // One more. REQUIRES: model::parse_port() has compared it with other_ports(). Errors: as nic::Port, and kLimit for more than
  // kPortsMax; `why` gets the sentence.
  [[nodiscard]] base::Status add_port(const model::PortConfig& config, std::string& why);
  // One of closed_ports() is tried again. kNotFound; else as add_port().
  [[nodiscard]] base::Status reopen_port(std::string_view name, std::string& why);
  // It leaves: local_port() names it no more, and close_port() follows. One of closed_ports() is forgotten at once.
  // kNotFound; kUnavailable when it leaves already.
  [[nodiscard]] base::Status remove_port(std::string_view name);
  // Null: none has this number.
  [[nodiscard]] nic::Port* port(std::uint32_t number) noexcept {
    return ports_[number] == nullptr ? nullptr : ports_[number]->device.get();
  }
  // All but a closed one of this name, which a new one takes the place of.
  [[nodiscard]] std::vector<model::PortConfig> other_ports(std::string_view name) const;
  // A port that could not be opened: the others work without it.
  struct ClosedPort {
    model::PortConfig config;
    std::string why;                    // a sentence with the remedy
  };
  [[nodiscard]] const std::vector<ClosedPort>& closed_ports() const noexcept { return closed_ports_; }
  [[nodiscard]] const char* aead_name() const noexcept;
  [[nodiscard]] std::string_view memory_kind() const noexcept { return eal_->memory_kind(); }
  // "" or why the disk agents run without registered buffers.
  [[nodiscard]] const char* disk_fallback() const noexcept;
  // CPU time of the data cores since start, in nanoseconds (for the idle share).
  [[nodiscard]] std::uint64_t cpu_ns() const;

 private:
  Engine() = default;
  struct Core {
    void run(nic::Eal& eal, int cpu);

    CoreRings rings{CoreRings::Sizes{}};
    struct HandOver {
      HandOver();
      std::vector<share::RxDatagram> slots;
      share::SpscRing<share::RxDatagram> ring;
    };
    std::vector<std::unique_ptr<HandOver>> handed_in;   // by the core they come from; null for itself
    std::array<share::DatagramPort*, base::kPortsMax> port_views{};
    std::unique_ptr<disk::SlotBuffers> slots;
    std::unique_ptr<wire::Aead> aead;
    std::unique_ptr<disk::DiskAgent> disk_agent;
    std::unique_ptr<DataAgent> data_agent;
    std::unique_ptr<CoreChannel> channel;
    // Says that run() must end. writer: control; reader: the core.
    //   relaxed  it publishes nothing else; what the core did is seen by who joins its thread.
    std::atomic<bool> stop{false};
    std::thread thread;
  };
  struct OpenPort {
    std::unique_ptr<nic::Port> device;
    model::PortConfig config;
    std::uint32_t generation = 0;
    bool leaving = false;
    bool clash_said = false;            // that its address is taken
  };
  base::Status open_ports(const std::vector<model::PortConfig>& configs, std::string& why);
  base::Status open_port(std::uint32_t number, const model::PortConfig& config, std::string& why);
  base::Status make_core(const model::WeftConfig& config, std::uint32_t index, base::Result<disk::SlotBuffers> slots,
                         std::string& why);
  void wire_hand_over();

  std::unique_ptr<nic::Eal> eal_;
  std::uint32_t core_count_ = 0;
  bool impair_allowed_ = false;
  std::array<std::unique_ptr<OpenPort>, base::kPortsMax> ports_;    // by PortId
  std::array<std::uint32_t, base::kPortsMax> generations_{};        // of the next port with this number
  std::vector<ClosedPort> closed_ports_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::uint32_t fetch_slots_ = 0, serve_slots_ = 0;
};

}  // namespace weft::run
