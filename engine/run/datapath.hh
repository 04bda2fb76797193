// The datapath as the folder model sees it: model::Fabric over the engine's cores, one WeftSession per weft peer.
// Its tick carries the control plane of all paths: cores' events and reports in, health and migration, table and
// commands out.
// Thread: control. Bounds: kSessionsMax peers with a datapath at one time; further ones use their link only.
// Life: start() once; stop() before the engine goes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "bep/model/fabric.hh"
#include "engine/run/engine.hh"
#include "engine/run/weft_session.hh"

namespace weft::run {

class Datapath final : public model::Fabric, public SessionHost {
 public:
  // With work under way, a block that is done is heard of within kTickBusy; without, paths need no more than kTickIdle.
  static constexpr std::int64_t kTickBusyMs = 2;
  static constexpr std::int64_t kTickIdleMs = 20;
  // Health looks at paths this often, whatever the tick.
  static constexpr base::Duration kHealthEvery = base::milliseconds(10);

  // `engine` null: no ports configured, nothing is ever usable.
  Datapath(boost::asio::io_context& io, Engine* engine, const base::DeviceId& self, share::Policy policy);
  ~Datapath() override;

  void start(model::FileServer& server, std::function<void()> on_paths_changed);
  void stop();

  // ---- model::Fabric
  [[nodiscard]] bool usable(const base::DeviceId& device) const override;
  void open(const base::DeviceId& device, const model::RemoteFile& file, int fd, bool direct,
            model::OpenDone done) override;
  void fetch(const model::BlockOrder& order, model::BlockDone done) override;
  [[nodiscard]] std::uint32_t window_blocks(const base::DeviceId& device, std::uint32_t block_bytes) const override;
  void close(std::uint32_t transfer, std::function<void()> gone) override;
  void on_link_up(net::Link& link) override;
  void on_link_down(net::Link& link) override;
  void on_private(net::Link& link, int type, base::Bytes bytes) override;

  // ---- to show
  struct SessionShown {
    base::DeviceId peer{};
    share::SessionReport totals;      // summed over cores
    std::vector<PathShown> paths;
  };
  [[nodiscard]] std::vector<SessionShown> sessions() const;
  [[nodiscard]] std::uint64_t tables_late() const { return tables_late_; }

 private:
  void post(std::function<void()> later) override;
  void on_paths_changed() override;
  [[nodiscard]] model::FileServer& file_server() override { return *server_; }
  WeftSession* session_of(const base::DeviceId& device);
  [[nodiscard]] std::optional<base::SessionId> free_slot();
  [[nodiscard]] bool busy() const;
  void arm();
  void tick();

  boost::asio::io_context& io_;
  Engine* engine_;
  const base::DeviceId self_;
  model::FileServer* server_ = nullptr;
  std::function<void()> paths_changed_;
  boost::asio::steady_timer timer_;
  base::Instant health_due_{};
  share::PathTable table_;
  std::uint64_t tables_late_ = 0;
  std::map<base::DeviceId, std::unique_ptr<WeftSession>> sessions_;
  // Sessions of devices that went and whose slot another took. Work posted before may still name them, and has run by
  // the second tick from now.
  std::vector<std::unique_ptr<WeftSession>> retired_, retired_before_;
  std::unordered_map<std::uint32_t, WeftSession*> transfers_;
  std::uint32_t next_transfer_ = 1;
  bool stopped_ = false;
};

}  // namespace weft::run
