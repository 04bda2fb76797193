// The last step of every change that comes from a peer: the disk takes it, all or nothing per item.
//   file:    what stands there is what the index says? → size, mode, mtime, fsync → (conflict copy) → rename
//   others:  directory, symlink, metadata only, deletes.
// A batch shares its syncs: data of all its files is started towards the disk together, then each is synced, and
// each directory touched is synced once. (syncfs would also wait for every other file of the file system.)
// Crash at any point leaves the old or the new file, and temp files that the next run reuses.
// Threads: apply_batch() runs on a worker and touches only its arguments.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bep/model/temp_file.hh"
#include "bep/proto/file_info.hh"
#include "engine/base/result.hh"

namespace weft::model {

struct FinishOptions {
  int root = -1;
  bool ignore_perms = false;
  bool fsync = true;
};

struct FinishItem {
  proto::FileInfo target;
  std::optional<proto::FileInfo> local;        // our entry, when it says that something stands there
  // Content; none for directories, links, deletes, metadata only. Shared, because the datapath may let go of its
  // descriptor later than we do.
  std::shared_ptr<TempFile> temp;
  std::string conflict_name;                   // not empty: keep what stands there under this name first
};

struct FinishResult {
  enum class Outcome : std::uint8_t {
    kApplied,      // `info` is what now stands on disk
    kChanged,      // disk and index differ: nothing was touched, the folder must be scanned
    kFailed,
  };
  Outcome outcome = Outcome::kFailed;
  base::Error error{};
  proto::FileInfo info;
  bool kept_copy = false;                      // the conflict copy was made
  bool made_parents = false;                   // directories that the index does not have: the folder must be scanned
};

inline constexpr std::size_t kFinishBatchMax = 64;

// One result per item, in order. Items are taken in the order given.
[[nodiscard]] std::vector<FinishResult> apply_batch(const FinishOptions& options, std::span<FinishItem> items);

}  // namespace weft::model
