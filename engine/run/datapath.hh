// The datapath as the folder model sees it: model::Fabric over the engine's cores. Gives Sessions (which decides) the
// daemon's world: Asio's loop and timer, TLS links, the clock.
// Thread: control. Life: start() once; stop() before the engine goes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "bep/model/fabric.hh"
#include "engine/run/engine.hh"
#include "engine/run/event_log.hh"
#include "engine/run/path_wishes.hh"
#include "engine/run/sessions.hh"

namespace weft::run {

class Datapath final : public model::Fabric, public SessionHost {
 public:
  // `engine` null: no ports configured, nothing is ever usable.
  Datapath(boost::asio::io_context& io, Engine* engine, const base::DeviceId& self, share::Policy policy,
           const SessionSettings& settings);
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

  // False: no ports are configured, so there is nothing to choose among.
  [[nodiscard]] bool set_policy(share::Policy policy);
  void on_ports_changed() { sessions_->on_ports_changed(); }   // REQUIRES: an engine
  [[nodiscard]] PathWishes& wishes() { return wishes_; }
  // ---- to show
  [[nodiscard]] share::Policy policy() const { return policy_; }
  [[nodiscard]] const EventLog& events() const { return events_; }
  [[nodiscard]] std::vector<Sessions::SessionShown> sessions() const;
  [[nodiscard]] std::optional<SteeringShown> steering(const base::DeviceId& device) const;
  [[nodiscard]] const model::WaitLog& gaps() const { return sessions_ == nullptr ? no_gaps_ : sessions_->gaps(); }
  [[nodiscard]] base::Duration monitored() const { return sessions_ == nullptr ? base::Duration{} : sessions_->monitored(); }
  [[nodiscard]] PoolCounters pool() const { return sessions_ == nullptr ? PoolCounters{} : sessions_->pool(); }

 private:
  // ---- SessionHost
  void post(std::function<void()> later) override;
  void on_paths_changed() override;
  void on_event(const char* type, EventData data) override;
  [[nodiscard]] model::FileServer& file_server() override { return *server_; }
  [[nodiscard]] base::Instant now() override { return clock_.now(); }
  [[nodiscard]] std::uint32_t random_word() override;

  void arm();
  void hasten();   // the tick, when it has become due earlier

  boost::asio::io_context& io_;
  MonotonicClock clock_;
  model::FileServer* server_ = nullptr;
  std::function<void()> paths_changed_;
  boost::asio::steady_timer timer_;
  share::Policy policy_;
  std::unique_ptr<Sessions> sessions_;   // null without an engine
  const model::WaitLog no_gaps_;
  SessionWishes wishes_{nullptr};
  EventLog events_;
  bool stopped_ = false;
};

}  // namespace weft::run
