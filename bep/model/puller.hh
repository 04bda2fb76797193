// Brings one folder to the global state: everything the index says we need, in rounds.
// A round: directories, symbolic links, files (many at a time), then deletes, deepest first. A rename
// arrives as a delete and a new file: the file about to be deleted is offered as donor of blocks, so nothing crosses
// the network.
// Threads: control. Bounds: kTransfersMax open transfers, beyond kTransfersUsual only while all of them together are
// small; kReadyMax whole files waiting for the finisher, kFinishersMax batches at it; one page of the need list.
// Errors are per item and listed. A read-only disk stops the round; on a full one what fits is still taken and the
// deletes, which make room, still run. Either is the folder's error.
// Not here: when to pull, and waiting after failures (folder.hh).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bep/model/finisher.hh"
#include "bep/model/transfer.hh"

namespace weft::model {

class IndexDb;
class PullRound;

inline constexpr std::size_t kTransfersUsual = 128;
// A small file is on its way for some 20 ms whatever its size (opening here and there, one block, closing): the more at a
// time the better. Each costs a descriptor.
inline constexpr std::size_t kTransfersMax = 384;
inline constexpr std::int64_t kSmallBytesMax = std::int64_t{32} << 20;   // of all open transfers together
inline constexpr std::size_t kReadyMax = 128;
inline constexpr std::size_t kFinishersMax = 4;      // batches under way

struct PullOptions {
  std::string folder;              // id
  int root = -1;
  std::uint64_t short_id = 0;
  bool ignore_perms = false;
  bool receive_only = false;
  bool keep_conflicts = true;      // false: maxConflicts is 0
  bool fsync = true;
  DirectIo direct = DirectIo::kAuto;
};

struct ItemError {
  std::string name;
  std::string text;
};

struct PullResult {
  bool scan_wanted = false;        // something on disk is not as indexed
  bool stranded = false;           // devices with the rest are away
  base::Status disk;               // kNoSpace: something did not fit; kReadOnly: the round was given up
  std::vector<ItemError> errors;   // at most kItemErrorsMax
  std::uint64_t failed = 0;
  std::uint64_t applied = 0;
};

// What the model counts over all folders.
class PullObserver {
 public:
  virtual ~PullObserver() = default;
  virtual void on_bytes(Way way, std::uint64_t bytes) = 0;          // verified now
  virtual void on_reused(std::uint64_t bytes) = 0;                  // found on this disk
  virtual void on_index_changed(const std::string& folder) = 0;     // announce it
  virtual void on_pull_ended(const std::string& folder) = 0;
};

class Puller {
 public:
  static constexpr std::size_t kItemErrorsMax = 100;
  Puller(PullOptions options, IndexDb& index, Workers& workers, Sources& sources, PullObserver& observer,
         std::function<void(PullResult)> done);
  ~Puller();                       // cancels; no call follows
  void start();
  // Links or paths came or went: choose ways anew and ask again.
  void pump();
  // A window has room again: ask for more.
  void on_room();
  // Everything that is left waits for devices that are away.
  [[nodiscard]] bool stranded() const;
  // Gives up what cannot go on now; temp files stay. done() follows.
  void give_up();
  [[nodiscard]] std::vector<TransferInfo> transfers() const;

 private:
  std::shared_ptr<PullRound> round_;   // shared with worker jobs under way
};

}  // namespace weft::model
