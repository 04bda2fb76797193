// The totals of one folder, kept by adding and taking away what the entries of one name contribute.
// A name's contribution is a pure function of its entries, so totals can never drift from the rows
// they sum up.
//
// A remote device's need is not stored: it is the global total minus what the device has in its
// global version, plus the deletions it has yet to do. Threads: one (index_db.hh). No I/O here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bep/model/index_db.hh"
#include "bep/model/index_rows.hh"

namespace weft::model {

struct DeviceTally {
  std::int64_t synced_items = 0,
               synced_bytes = 0;   // global, not deleted, and the device needs it no more
  std::int64_t stale_deletes = 0;  // global is deleted, the device still has it
};

struct RemoteState {
  std::uint64_t index_id = 0;
  DeviceTally tally;
  bool changed = false;  // to be written at the end of the transaction
};

struct FolderState {
  std::int64_t row = 0;  // of the table `folders`
  std::uint64_t index_id = 0;
  std::int64_t sequence = 0;  // highest given to a local entry
  std::string path;           // the directory that the local entries describe
  FolderCounts counts;
  std::map<std::int64_t, RemoteState> remotes;  // by row of `devices`
};

enum class Sign : int { kAdd = 1, kTakeAway = -1 };

// `entries`: all devices' entries of one name, ours in front. Returns the kind of our need for it,
// if any.
std::optional<NeedKind> account(FolderState& folder, std::span<const Entry> entries, Sign sign);

// As they stand in folders.tally and remotes.tally: 64-bit numbers. False: not what pack_*() makes.
[[nodiscard]] std::vector<std::byte> pack_counts(const FolderCounts& counts);
[[nodiscard]] bool unpack_counts(base::Bytes bytes, FolderCounts& out);
[[nodiscard]] std::vector<std::byte> pack_tally(const DeviceTally& tally);
[[nodiscard]] bool unpack_tally(base::Bytes bytes, DeviceTally& out);

// The entry whose version is the global one. `entries` is not empty.
[[nodiscard]] const Entry& global_of(std::span<const Entry> entries);

}  // namespace weft::model
