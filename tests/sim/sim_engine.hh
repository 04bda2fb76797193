// One engine of a world: a machine that survives (disk, ports, clock) and a process on it that may die and start again
// (cores, sessions, puller). The process runs the shipped control code by its three seams (run/session_world.hh).
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "engine/run/sessions.hh"
#include "tests/sim/puller.hh"
#include "tests/sim/sim_core.hh"

namespace weft::sim {

class SimEngine final : public run::DataSide, public run::SessionHost, public model::FileServer {
 public:
  SimEngine(const SimCore::Around& around, std::uint8_t number, const std::vector<Source>& sources,
            const std::vector<base::DeviceId>& devices);
  ~SimEngine() override;

  // ---- the machine
  [[nodiscard]] std::uint8_t number() const { return number_; }
  [[nodiscard]] const base::DeviceId& device() const { return devices_[number_]; }
  [[nodiscard]] base::Instant clock() const;  // never goes back
  void step_clock(base::Duration by) { clock_offset_ += by; }
  [[nodiscard]] std::vector<std::unique_ptr<PortShared>>& port_states() { return ports_; }
  [[nodiscard]] Store& store() { return store_; }

  // ---- the process
  void start();
  void die();
  [[nodiscard]] bool alive() const { return sessions_ != nullptr; }
  // The operator takes a port away, and gives it back after `gone`, or when no more faults come.
  void remove_port(std::uint8_t port, base::Duration gone);
  // Its operator wants something of its paths, sensible or not.
  void wish();
  [[nodiscard]] Puller* puller() { return puller_.get(); }
  [[nodiscard]] std::vector<std::unique_ptr<SimCore>>& sim_cores() { return cores_; }

  // ---- turns: when each wants the next one, and how it takes it
  struct Turns {
    base::Instant agent{}, disk = base::kNever;
  };
  [[nodiscard]] Turns& turns(std::size_t core) { return turns_[core]; }
  [[nodiscard]] base::Instant& control_turn() { return control_turn_; }
  void poll_agent(std::size_t core);
  void poll_disk(std::size_t core) { turns_[core].disk = cores_[core]->poll_disk(); }
  void poll_control();
  void wake_links() { links_woken_ = true; }
  [[nodiscard]] bool take_links_woken() { return std::exchange(links_woken_, false); }

  // ---- links
  void on_link_up(const base::DeviceId& peer, std::unique_ptr<run::SessionLink> link) {
    sessions_->on_link_up(peer, std::move(link));
    hasten();
  }
  void on_link_down(const base::DeviceId& peer);
  base::Status on_private(const base::DeviceId& peer, std::uint64_t link, int type, base::Bytes bytes) {
    const base::Status handled = sessions_->handle_private(peer, link, type, bytes);
    hasten();
    return handled;
  }

  [[nodiscard]] bool whole(const char*& why);
  [[nodiscard]] bool bare(const char*& why);
  // Of all lanes since they were made, as the reports say.
  struct Sums {
    std::uint64_t chunk_bytes_out = 0, chunk_bytes_again = 0, lost = 0, spurious = 0;
  };
  [[nodiscard]] Sums sums();

  // ---- run::DataSide
  [[nodiscard]] std::uint32_t cores() const noexcept override { return static_cast<std::uint32_t>(cores_.size()); }
  [[nodiscard]] run::CoreChannel& channel(std::uint32_t core) noexcept override { return cores_[core]->channel(); }
  [[nodiscard]] std::uint32_t fetch_slots() const noexcept override { return scene_.swarm.limits.fetch_slots; }
  [[nodiscard]] std::uint32_t requests_max() const noexcept override { return scene_.swarm.limits.core.requests; }
  [[nodiscard]] std::optional<run::LocalPort> local_port(std::uint32_t port) const override;
  [[nodiscard]] bool leaving(std::uint32_t port) const noexcept override {
    return port < lives_.size() && lives_[port].state == PortLife::State::kLeaving;
  }
  void close_port(std::uint32_t port) override;
  [[nodiscard]] bool link_up(std::uint32_t port) const noexcept override {
    return scene_.now >= ports_[port]->down_until;
  }
  void poll_ports(base::Instant) override {}
  [[nodiscard]] base::Result<share::Flow> make_flow(std::uint32_t port, const base::IpAddress& remote,
                                                    std::uint16_t local_udp, std::uint16_t remote_udp) override;
  // ---- run::SessionHost
  void post(std::function<void()> later) override;
  void on_paths_changed() override {}
  void on_event(const char* type, run::EventData data) override;
  [[nodiscard]] model::FileServer& file_server() override { return *this; }
  [[nodiscard]] base::Instant now() override { return clock(); }
  [[nodiscard]] std::uint32_t random_word() override { return static_cast<std::uint32_t>(scene_.dice.word()); }
  // ---- model::FileServer
  void open_for_peer(const base::DeviceId& device, const model::RemoteFile& file, model::ServedDone done) override;

 private:
  // What the process knows of a port; a new process has them all.
  struct PortLife {
    enum class State : std::uint8_t { kOpen, kLeaving, kClosed };
    State state = State::kOpen;
    std::uint32_t generation = 0;
    base::Instant back_at{};
  };
  void run_posted();
  // As Datapath: the tick, when it has become due earlier.
  void hasten() {
    tick_at_ = std::min(tick_at_, scene_.now + sessions_->tick_after());
    control_turn_ = std::min(control_turn_, tick_at_);
  }
  void look_at_paths();
  void bring_ports_back();
  // Its operator wants nothing any more: all paths may be there, and weft decides. Again and again: only paths whose ports both
  // ends know have names, and ports come late.
  void end_wishes();

  const SimCore::Around around_;
  Scene& scene_;
  const std::uint8_t number_;
  const std::vector<Source>& sources_;
  const std::vector<base::DeviceId>& devices_;
  base::Duration clock_offset_{};
  std::int64_t drift_ppm_ = 0;
  std::vector<std::unique_ptr<PortShared>> ports_;
  std::vector<PortLife> lives_;  // beside ports_
  Store store_;

  std::vector<std::unique_ptr<SimCore>> cores_;
  std::unique_ptr<run::Sessions> sessions_;
  std::unique_ptr<Puller> puller_;
  std::deque<std::function<void()>> posted_;
  std::vector<Turns> turns_;
  base::Instant control_turn_{}, tick_at_{}, looked_at_{}, wishes_ended_{};
  bool links_woken_ = false;
  std::map<std::pair<base::DeviceId, base::PathId>, share::PathState> paths_seen_;
  std::map<base::DeviceId, std::uint32_t> usable_seen_;
  std::uint64_t tables_late_seen_ = 0;
  std::uint32_t probes_open_ = 0;  // of paths, that an operator asked for
};

}  // namespace weft::sim
