// The data side put together: DPDK, ports, and per data core its memory, AEAD, disk agent, data agent and thread.
// Everything that the data plane will ever need is made here, from the configuration, once; then threads run until
// the engine goes.
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
  [[nodiscard]] std::uint32_t ports() const noexcept override { return static_cast<std::uint32_t>(ports_.size()); }
  [[nodiscard]] LocalPort local_port(std::uint32_t port) const override;
  [[nodiscard]] bool link_up(std::uint32_t port) const noexcept override { return ports_[port]->link_up(); }
  void poll_ports(base::Instant now) override;
  [[nodiscard]] base::Result<share::Flow> make_flow(std::uint32_t port, const base::IpAddress& remote,
                                                    std::uint16_t local_udp, std::uint16_t remote_udp) override;

  [[nodiscard]] nic::Port& port(std::uint32_t index) noexcept { return *ports_[index]; }
  // A port of weft.toml that could not be opened: the others work without it.
  struct ClosedPort {
    std::string name, device;
    share::PathRole role = share::PathRole::kPrimary;
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
    std::vector<share::DatagramPort*> port_views;
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
  base::Status open_ports(const model::WeftConfig& config, std::string& why);
  base::Status make_core(const model::WeftConfig& config, std::uint32_t index, base::Result<disk::SlotBuffers> slots,
                         std::string& why);
  void wire_hand_over();

  std::unique_ptr<nic::Eal> eal_;
  std::vector<std::unique_ptr<nic::Port>> ports_;   // by PortId
  std::vector<model::PortConfig> configs_;          // beside ports_
  std::array<bool, base::kPortsMax> clash_said_{};  // that its address is taken
  std::vector<ClosedPort> closed_ports_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::uint32_t fetch_slots_ = 0, serve_slots_ = 0;
};

}  // namespace weft::run
