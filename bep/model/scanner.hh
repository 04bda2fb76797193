// One scan of one folder: walks the tree, compares it with the index, hashes what changed, finds what is gone,
// and gives the news to the index in batches.
// Threads: lives on control; walking, hashing and looking are worker jobs, at most one per worker.
// Rules: facts of BEP implementations on scan equivalence (type, permissions, size and mtime, link target).
//   - a file that changes while it is hashed is left out and counted; the next scan finds it;
//   - what cannot be read or named is counted and shown, and never announced as deleted;
//   - a delete is announced only after the name itself was looked for and was not there, while the folder's marker
//     still was: a tree that is taken away during the scan announces nothing;
//   - in a receive-only folder a change is stored as invalid: announced so that it can never win. When the folder
//     became another type, such an entry is announced as a change of its own, a conflict with what others have.
// Not here: when to scan, the look at the folder marker before a scan (folder.hh).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bep/model/tree_walk.hh"
#include "bep/model/workers.hh"
#include "bep/proto/file_info.hh"
#include "engine/base/result.hh"

namespace weft::model {

class IndexDb;

struct ScanOptions {
  std::string folder;              // id
  int root = -1;                   // descriptor, outlives the scan
  std::uint64_t short_id = 0;      // ours
  bool ignore_perms = false;
  bool receive_only = false;
  std::int64_t temp_age_max_s = 24 * 3600;     // older temp files are removed (keepTemporariesH)
  std::string marker{};            // in the root; empty: none is asked for
};

struct ScanProgress {
  std::uint64_t bytes_hashed = 0;
  std::uint64_t bytes_to_hash = 0; // known so far, including hashed
  std::uint64_t entries_seen = 0;
  std::uint64_t changed = 0;       // new or different entries given to the index
  std::uint64_t deleted = 0;
  std::uint64_t skipped = 0;       // changed while being hashed
  std::uint64_t problems = 0;      // unreadable or unusable
};

class Scanner {
 public:
  struct Result {
    base::Status status;
    ScanProgress progress;
    std::vector<std::string> problems;   // "name: reason", at most kProblemsMax
  };
  static constexpr std::size_t kProblemsMax = 100;

  // `changed` after every batch given to the index; `done` once, unless the scanner is destroyed before.
  Scanner(ScanOptions options, IndexDb& index, Workers& workers, std::function<void()> changed,
          std::function<void(Result)> done);
  ~Scanner();
  void start();
  [[nodiscard]] const ScanProgress& progress() const;

 private:
  class Run;                       // shared with jobs under way, which outlive a cancelled scan
  std::shared_ptr<Run> run_;
};

// True when nothing that counts differs between the index entry and what stands on disk.
[[nodiscard]] bool same_on_disk(const proto::FileInfo& info, const DiskEntry& entry, bool ignore_perms);

}  // namespace weft::model
