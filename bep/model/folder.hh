// One folder at work: its state, when it scans and when it pulls, and what it shows.
//
//   kIdle --scan due--> kScanning --done--> kIdle          Scanning and pulling exclude each other: both compare
//   kIdle --needs-----> kSyncing  --done--> kIdle          disk with index, and each would see the other's halves.
//   any   --root, marker, ignore patterns, disk--> kError  Left by itself once the cause is gone (retried).
//
// What a folder needs to run at all: folder_root.hh.
// Threads: control. Lifetime: the Workers are stopped before a folder is destroyed.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bep/model/config.hh"
#include "bep/model/folder_root.hh"
#include "bep/model/index_db.hh"
#include "bep/model/puller.hh"
#include "bep/model/scanner.hh"

namespace weft::model {

enum class FolderState : std::uint8_t { kIdle, kScanning, kSyncing, kError, kPaused };
[[nodiscard]] const char* name_of(FolderState state);    // as in Syncthing's REST; paused is ""

struct FolderStatus {
  FolderState state = FolderState::kIdle;
  std::int64_t state_changed_s = 0;            // Unix time
  std::string error;                           // of the folder; empty when there is none
  std::vector<ItemError> item_errors;          // of the last pull and scan
  std::uint64_t pull_errors = 0;
  FolderCounts counts;
  std::int64_t sequence = 0;
  ScanProgress scan;                           // of the running or last scan
  std::int64_t last_scan_s = 0;                // Unix time, 0: never completed
  std::uint64_t scans = 0;                     // completed since the start
};

struct FolderTimes {
  std::int64_t settle_ms = 20;                 // from a peer's index to the pull: indexes come in several messages
  std::int64_t retry_first_s = 2;              // after failures, doubling …
  std::int64_t retry_max_s = 60;               // … up to this
  std::int64_t disk_retry_s = 5;               // full or read-only disk, missing root or marker
  std::int64_t stranded_s = 60;                // how long open transfers wait for devices that are away
};

struct FolderSetup {
  FolderConfig config;
  base::DeviceId self{};
  DirectIo direct = DirectIo::kAuto;
  bool fsync = true;
  std::int32_t keep_temporaries_h = 24;
  FolderTimes times{};
};

class Folder {
 public:
  Folder(boost::asio::io_context& io, FolderSetup setup, IndexDb& index, Workers& workers, Sources& sources,
         PullObserver& observer);
  ~Folder();
  void start();                                // opens the root and scans
  void stop();
  // Scan as soon as nothing else runs.
  void scan();
  // A remote index changed, or a device came: see whether something is needed, without waiting out a back-off.
  void on_remote_change();
  // Blocks may be asked for again.
  void pump();
  void on_room();                              // the same when only a window has room again

  [[nodiscard]] int root() const { return root_.get(); }     // -1: not there
  [[nodiscard]] bool runs() const { return started_ && root_; }
  [[nodiscard]] const FolderConfig& config() const { return setup_.config; }
  [[nodiscard]] FolderStatus status() const;
  [[nodiscard]] std::vector<TransferInfo> transfers() const;
  [[nodiscard]] bool busy() const { return scanner_ != nullptr || puller_ != nullptr; }

 private:
  [[nodiscard]] bool open();                   // looks at root, marker, ignore file; false: error shown, retry armed
  void step();                                 // begins what is due, one thing at a time
  void begin_scan();
  void begin_pull();
  void on_scanned(Scanner::Result result);
  void on_pulled(PullResult result);
  void retry_pull(bool soon);
  void want_scan();                            // for what a pull met on disk: soon, then with growing waits
  void set_state(FolderState state);
  void set_error(std::string text);
  void step_in(std::int64_t milliseconds);     // not later than what is armed already
  void rescan_in(std::int64_t seconds);
  void watch_stranded(bool before);

  boost::asio::io_context& io_;
  FolderSetup setup_;
  IndexDb& index_;
  Workers& workers_;
  Sources& sources_;
  PullObserver& observer_;
  base::UniqueFd root_;
  // Roots that were replaced under us: workers may still hold their numbers. One per replacement, a rare event.
  std::vector<base::UniqueFd> roots_before_;
  std::unique_ptr<Scanner> scanner_;
  std::unique_ptr<Puller> puller_;
  boost::asio::steady_timer step_timer_, rescan_timer_, stranded_timer_;
  FolderStatus shown_;
  std::vector<ItemError> scan_errors_;
  bool started_ = false, step_armed_ = false, scan_due_ = false, pull_due_ = false;
  std::int64_t retry_s_ = 0;                   // 0: the last pull was clean
  std::uint32_t quick_retries_ = 0;
  std::int64_t scan_wait_s_ = 0;               // 0: the last pull met nothing that had to be scanned
  std::uint32_t quick_scans_ = 0;
  bool scan_waits_ = false;                    // the rescan timer is set to scan_wait_s_
};

}  // namespace weft::model
