// One file on its way: temp file prepared, missing blocks fetched from whoever has them by datapath or link,
// every block verified before it is kept, until the file is whole and goes to the finisher.
// Threads: control; file work in worker jobs, which hold the temp file while they run.
// Ownership: shared_ptr, because answers of peers, datapath and workers may arrive after the puller gave it up; they
// hold it weakly, find it gone or ended, and do nothing. The temp file itself is shared with everyone who writes to it.
// Switching: a block that comes back kUnavailable from the datapath or kClosed from a link is simply missing again and
// takes the way that is usable then, in either direction. What is verified stays. A device that gives wrong bytes, or
// has not what it announced, is left out of this file after kFaultsMax times.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bep/model/fabric.hh"
#include "bep/model/recent_rate.hh"
#include "bep/model/sources.hh"
#include "bep/model/temp_file.hh"
#include "bep/model/workers.hh"
#include "bep/proto/file_info.hh"
#include "engine/base/time.hh"
#include "engine/base/types.hh"

namespace weft::model {

class Transfer;

// Told on the control thread, never from inside a call into the transfer.
class TransferObserver {
 public:
  virtual ~TransferObserver() = default;
  virtual void on_blocks_wanted(Transfer& transfer) = 0;            // something can be asked for that could not before
  virtual void on_block_verified(Transfer& transfer, Way way, std::uint32_t bytes) = 0;
  virtual void on_reused(Transfer& transfer, std::uint64_t bytes) = 0;   // found on this disk
  virtual void on_whole(Transfer& transfer) = 0;                    // take_temp() and finish it
  virtual void on_failed(Transfer& transfer, base::Error error) = 0;
};

struct TransferInputs {
  std::string folder;
  int root = -1;
  proto::FileInfo target;
  std::vector<std::string> donors;             // names of local files that may hold its blocks
  std::vector<base::DeviceId> devices;         // that have exactly this version
  DirectIo direct = DirectIo::kAuto;
  std::vector<std::byte> checkpoint;           // of an earlier run (Checkpoint); empty: none
  // Kept by everyone who may still write to the temp file, also after cancel(): when the last copy goes, a new
  // transfer of the same name is safe.
  std::shared_ptr<void> writers;
};

// A transfer as it is shown.
struct TransferInfo {
  std::string folder, name;
  Way way = Way::kNone;
  std::uint64_t bytes_total = 0, bytes_done = 0;   // done: verified, or found on this disk
  std::uint32_t block_bytes = 0;
  std::uint64_t blocks_total = 0, blocks_done = 0;
  std::uint64_t blocks_asked = 0;                  // on their way
  std::optional<std::uint32_t> next_block;         // to be asked for; none: all are
  base::Duration running{}, silent{};              // since it was begun; since something of it was verified
  std::uint64_t rate_Bps = 0;                      // of late; what was found on this disk does not count
};

class Transfer : public std::enable_shared_from_this<Transfer> {
 public:
  static constexpr std::uint32_t kFaultsMax = 3;
  static constexpr std::uint32_t kDeadOpensMax = 2;
  // Files up to this size are prepared so many in one job: 16 MiB of hashing if all of them are resumed.
  static constexpr std::int64_t kTogetherBytesMax = std::int64_t{1} << 20;
  static constexpr std::size_t kTogetherMax = 16;
  enum class Issued : std::uint8_t {
    kAsked,        // one block more is on its way
    kNothing,      // no block left to ask for, or not prepared yet
    kNoRoom,       // windows are full: later
    kWaiting,      // for an open, or for a device to come back
  };

  Transfer(TransferInputs inputs, Workers& workers, Sources& sources, TransferObserver& observer);
  // Begins them. Small files share worker jobs: handing a job over costs more than opening such a file.
  static void start(std::span<const std::shared_ptr<Transfer>> transfers);
  [[nodiscard]] Issued issue();
  // Ends it: no observer call follows. The temp file stays on disk.
  void cancel();
  // Paths or links changed: what was refused may be tried again.
  void forget_refusals();
  [[nodiscard]] bool has_refusal() const;
  [[nodiscard]] const std::vector<base::DeviceId>& devices() const { return inputs_.devices; }
  // After on_whole.
  [[nodiscard]] std::shared_ptr<TempFile> take_temp();
  // Before cancel(): what a later transfer of these blocks may begin with; empty: none, it hashes the file.
  [[nodiscard]] std::vector<std::byte> checkpoint() const;

  [[nodiscard]] const proto::FileInfo& target() const { return inputs_.target; }
  [[nodiscard]] TransferInfo info() const;
  // Wants blocks, waits for none, and no device can be asked: everybody who has the file is away.
  [[nodiscard]] bool is_stranded() const;
  [[nodiscard]] bool made_parents() const { return made_parents_; }

 private:
  // One device that has the file, and our open of it on the datapath.
  struct Source {
    enum class Side : std::uint8_t { kClosed, kOpening, kOpen, kClosing };
    base::DeviceId device{};
    std::uint32_t faults = 0;
    Side side = Side::kClosed;
    std::uint32_t number = 0;      // of the fabric's transfer
    std::uint32_t dead_opens = 0;  // in a row: opens whose blocks came back kUnavailable
    bool refused = false;          // the datapath said kUnavailable although usable: the link, until paths change
  };
  struct InFlight {
    base::DeviceId device{};
    Way way = Way::kNone;
  };
  struct Files {                   // what worker jobs work on, one at a time until prepared; outlives the transfer
    std::string name;
    std::int64_t size = 0;
    std::vector<std::string> donors;
    DirectIo direct = DirectIo::kAuto;
    std::vector<std::byte> checkpoint;
    TempFile temp;
    Prepare prepare;
    bool opened = false;
    std::shared_ptr<void> writers;
  };
  // Of one folder; those that are not complete after it are given to another job.
  static void prepare(std::span<const std::shared_ptr<Transfer>> transfers);
  static base::Status prepare_files(int root, Directories& directories, Files& files);
  void on_prepared(base::Status status);
  [[nodiscard]] Way way_of(const Source& source) const;
  void ask(Source& source, Way way);
  void ask_link(const base::DeviceId& device, std::uint32_t number);
  void open_side(Source& source);
  void on_opened(const base::DeviceId& device, base::Result<std::uint32_t> number);
  void close_side(Source& source);
  void on_bytes(const base::DeviceId& device, std::uint32_t number, base::Result<proto::OwnedBytes> bytes);
  void on_block(std::uint32_t number, base::Status status);
  void judge(Source& source, Way way, base::Error error);
  void after_change();
  [[nodiscard]] bool no_source_is_left() const;
  void fail(base::Error error);
  Source* find(const base::DeviceId& device);
  [[nodiscard]] std::shared_ptr<TempFile> temp() const { return {files_, &files_->temp}; }

  TransferInputs inputs_;
  Workers& workers_;
  Sources& sources_;
  TransferObserver& observer_;
  std::shared_ptr<Files> files_;
  std::vector<Source> from_;
  std::deque<std::uint32_t> missing_;
  std::map<std::uint32_t, InFlight> in_flight_;    // by block number
  std::uint64_t bytes_done_ = 0;
  const base::Instant began_;
  base::Instant progress_at_;
  RecentRate rate_;
  base::Error last_error_{base::Errc::kUnavailable, 0, "no connected device has this version"};
  Way last_way_ = Way::kNone;
  bool made_parents_ = false, prepared_ = false, ended_ = false;
  bool buffered_ = false;                          // some of it may wait in memory for the disk: syncing it would take long
};

}  // namespace weft::model
