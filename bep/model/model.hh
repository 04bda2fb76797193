// The folder model: folders, peers, and what ties them together. The BEP half of the control plane.
//   links (bep/net) ──events──▶ Model ──▶ Peer (one per link) ──▶ IndexDb ──▶ Folder ──▶ Scanner / Puller
//   datapath (engine/run) ◀──Fabric── Puller          datapath ──FileServer──▶ Model
// Threads: everything on the control thread but worker jobs.
// Life: construct; start() once; stop() before destruction. The io_context, IndexDb, LinkManager, Fabric
// and Workers outlive it, the LinkManager stops first.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bep/model/config.hh"
#include "bep/model/fabric.hh"
#include "bep/model/folder.hh"
#include "bep/model/index_db.hh"
#include "bep/model/peer.hh"
#include "bep/model/stall_log.hh"
#include "bep/model/workers.hh"
#include "bep/net/link_manager.hh"

namespace weft::model {

struct ModelOptions {
  base::DeviceId self{};
  DirectIo direct = DirectIo::kAuto;           // weft.toml [disk] direct
  bool fsync = true;                           // weft.toml [disk] fsync, together with each folder's disableFsync
  FolderTimes times{};
  LinkStrategy link_strategy = LinkStrategy::kRate;   // weft.toml [links] strategy
};

struct TransferTotals {
  std::uint64_t bytes_via_link = 0;            // verified
  std::uint64_t bytes_via_fabric = 0;
  std::uint64_t bytes_reused = 0;              // found on this disk, not fetched
};

class Model : public FileServer, public net::LinkObserver, private PeerHost, private PullObserver {
 public:
  Model(boost::asio::io_context& io, Config config, ModelOptions options, IndexDb& index, Fabric& fabric,
        Workers& workers);
  ~Model() override;
  void start();                                // folders open and scan
  // Asks for nothing more, and calls `done` when what was asked for is written, or `at_most` later: then stop() leaves transfers
  // from which a next run goes on without hashing them.
  void quiesce(base::Duration at_most, std::function<void()> done);
  // Ends all transfers (temp files stay), forgets peers; stops the workers: no callback follows.
  void stop();

  // --- orders
  [[nodiscard]] base::Status scan(std::string_view folder);           // kNotFound; kUnavailable: paused or refused
  void scan_all();
  // Paths of a device appeared, disappeared, or have room: transfers choose their way anew.
  void on_fabric_changed();

  // --- to show
  [[nodiscard]] base::Result<FolderStatus> folder_status(std::string_view folder) const;   // kNotFound
  [[nodiscard]] base::Result<Completion> completion(std::string_view folder, const base::DeviceId& device) const;
  [[nodiscard]] std::vector<TransferInfo> transfers() const;
  [[nodiscard]] const TransferTotals& totals() const { return totals_; }
  [[nodiscard]] const StallLog& stalls() const { return stalls_; }
  [[nodiscard]] const Config& config() const { return config_; }
  // Of the session that runs; nullptr: not connected.
  [[nodiscard]] const Peer* peer(const base::DeviceId& device) const;

  // --- FileServer
  void open_for_peer(const base::DeviceId& device, const RemoteFile& file, ServedDone done) override;

  // --- LinkObserver
  void on_link_ready(net::Link& link, const proto::Hello& hello) override;
  void on_message(net::Link& link, proto::Event& event) override;
  void on_link_closed(net::Link& link, net::CloseReason reason, std::string_view text) override;
  void on_output_drained(net::Link& link) override;
  // net::Link::suspect() of it turned.
  void on_suspicion(net::Link& link);

 private:
  void look_whether_quiet();
  [[nodiscard]] int root_for(const base::DeviceId& device, const std::string& folder) const override;
  void on_remote_index(const std::string& folder) override;
  void on_not_found(const proto::Request& request) override;
  void on_primary(net::Link* before, net::Link& now) override;
  void on_private(net::Link& link, const proto::PrivateReceived& message) override;
  void on_bytes(Way way, std::uint64_t bytes) override;
  void on_reused(std::uint64_t bytes) override;
  void on_index_changed(const std::string& folder) override;
  void on_pull_ended(const std::string& folder) override;
  void on_room();
  void open_gathered();
  [[nodiscard]] Folder* find(std::string_view folder) const;
  // A file is not what the index says of it: others cannot have it before a scan.
  void scan_stale(const std::string& folder);

  boost::asio::io_context& io_;
  Config config_;
  ModelOptions options_;
  IndexDb& index_;
  Fabric& fabric_;
  Workers& workers_;
  Sources sources_;
  boost::asio::steady_timer quiet_timer_;
  base::Instant quiet_until_{};
  std::function<void()> quieted_;
  std::map<std::string, std::unique_ptr<Folder>, std::less<>> folders_;
  std::map<base::DeviceId, std::unique_ptr<Peer>> peers_;
  std::map<std::string, std::int64_t> stale_scans_ns_;   // steady clock: the last one of each folder
  // Files that peers have asked for and that may be opened: gathered for as long as one message is read, because a worker
  // job costs more than opening a file.
  struct Opening {
    int root = -1;
    std::string folder;
    proto::FileInfo info;
    ServedDone done;
  };
  std::vector<Opening> opening_;
  TransferTotals totals_;
  StallLog stalls_;
  std::string room_first_;                     // the folder that is given room first next time
  std::shared_ptr<bool> room_posted_ = std::make_shared<bool>(false);
  bool stopped_ = false;
};

}  // namespace weft::model
