// The daemon put together: configuration, identity, index, links, folder model, datapath. Answers what the REST API
// shows and takes its orders; knows nothing of HTTP.
// Threads: start(), run() and everything else on the main thread, which is the control core; data cores and the
// model's workers are made inside.
// Life:    start() opens all that can fail (database, ports, listeners' configuration); run() serves until SIGINT,
//          SIGTERM or shutdown(), ends politely and returns the exit code.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "bep/model/config.hh"
#include "bep/model/model.hh"
#include "bep/model/weft_toml.hh"
#include "bep/net/identity.hh"
#include "bep/net/link_manager.hh"
#include "engine/run/bench_files.hh"
#include "engine/run/bench_run.hh"
#include "engine/run/datapath.hh"
#include "engine/run/dial_history.hh"
#include "engine/run/engine.hh"
#include "engine/run/heap_care.hh"
#include "engine/run/link_watch.hh"
#include "engine/run/status_source.hh"
#include "engine/run/udp_reservation.hh"

namespace weft::run {

struct DaemonConfig {
  std::filesystem::path home;
  model::Config config;              // prepared (model::prepare)
  model::WeftConfig weft;
  net::Identity identity;
  std::filesystem::path program{};        // that goes on after a handover; an upgrade puts another file there
  net::PassedSockets* passed = nullptr;   // what an earlier weft left; for start()
};

class Daemon final : public StatusSource, public CommandSink {
 public:
  // `why`: one sentence with file, element and remedy. kInvalidConfig where the user can mend it.
  [[nodiscard]] static base::Result<std::unique_ptr<Daemon>> start(DaemonConfig config, std::string& why);
  ~Daemon() override;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  [[nodiscard]] boost::asio::io_context& io() { return io_; }   // for servers that run beside it
  // Blocks. `on_stopping` is called once, on this thread, when the end begins: servers beside it stop then.
  int run(std::function<void()> on_stopping);
  // After run(): another weft is to go on in this process. Its sockets; those of servers beside it are added in on_stopping.
  [[nodiscard]] bool handing_over() const { return handing_over_; }
  [[nodiscard]] net::PassedSockets& sockets_to_pass() { return to_pass_; }

  // ---- StatusSource
  [[nodiscard]] const model::Config& config() const override { return setup_.config; }
  [[nodiscard]] bool impair_allowed() const override { return setup_.weft.impair_allowed; }
  [[nodiscard]] base::Instant now() const override { return MonotonicClock().now(); }
  [[nodiscard]] SystemStatus system_status() const override;
  [[nodiscard]] std::vector<DeviceStatus> devices() const override;
  [[nodiscard]] base::Result<model::FolderStatus> folder_status(std::string_view folder) const override;
  [[nodiscard]] base::Result<model::Completion> completion(std::string_view folder,
                                                           const base::DeviceId& device) const override;
  [[nodiscard]] std::vector<model::TransferInfo> transfers() const override { return model_->transfers(); }
  [[nodiscard]] TransferTotals totals() const override;
  [[nodiscard]] const model::StallLog& stalls() const override { return model_->stalls(); }
  [[nodiscard]] const model::WaitLog& gaps() const override { return datapath_->gaps(); }
  [[nodiscard]] std::vector<PathStatus> paths() const override;
  [[nodiscard]] std::vector<SessionStatus> sessions() const override;
  [[nodiscard]] PoolCounters pool() const override { return datapath_->pool(); }
  [[nodiscard]] DatapathStatus datapath() const override;
  [[nodiscard]] RefusalStatus refusals() const override;
  [[nodiscard]] BenchShown bench() const override { return bench_run_->shown(); }
  [[nodiscard]] const EventLog& events() const override { return datapath_->events(); }

  // ---- CommandSink
  [[nodiscard]] base::Status scan(std::string_view folder) override { return model_->scan(folder); }
  void scan_all() override { model_->scan_all(); }
  void shutdown() override;
  [[nodiscard]] base::Status may_hand_over() const override;
  void hand_over() override;
  [[nodiscard]] base::Status impair(std::string_view port, const nic::Impairment& impairment) override;
  [[nodiscard]] base::Status add_port(std::string_view lines, std::string& why) override;
  [[nodiscard]] base::Status reopen_port(std::string_view name, std::string& why) override;
  [[nodiscard]] base::Status remove_port(std::string_view name) override;
  [[nodiscard]] base::Status set_policy(share::Policy policy) override;
  [[nodiscard]] PathWishes& path_wishes() override { return datapath_->wishes(); }
  [[nodiscard]] base::Status start_bench(const BenchWish& wish) override { return bench_run_->start(wish); }
  void stop_bench() override { bench_run_->stop(); }

 private:
  explicit Daemon(DaemonConfig config);
  [[nodiscard]] LinkStatus link_status(net::Link& link) const;
  base::Status open_all(std::string& why);
  base::Status make_links(std::string& why);
  // Where randomPortsEnabled is true and weft.toml names none.
  base::Status choose_udp_ports(std::span<model::PortConfig> ports, std::uint32_t cores, std::string& why);
  void begin_stop();
  void wait_for_signal();

  DaemonConfig setup_;
  const base::Instant started_;
  const std::int64_t started_unix_ms_;
  // Order is the order of life: what stands above outlives what stands below.
  boost::asio::io_context io_;
  boost::asio::signal_set signals_;
  std::optional<HeapCare> heap_care_;
  std::optional<UdpReservation> udp_reservation_;
  std::unique_ptr<Engine> engine_;             // null without ports
  std::unique_ptr<model::IndexDb> index_;
  std::unique_ptr<model::Workers> workers_;
  std::unique_ptr<Datapath> datapath_;
  std::unique_ptr<model::Model> model_;
  MonotonicClock clock_;
  std::optional<BenchFiles> bench_files_;
  std::optional<BenchRun> bench_run_;
  std::optional<IndexDialHistory> dial_history_;
  std::unique_ptr<net::LinkManager> links_;
  std::optional<LinkWatch> link_watch_;
  std::function<void()> on_stopping_;
  bool stopping_ = false, handing_over_ = false;
  net::PassedSockets to_pass_;
};

}  // namespace weft::run
