// The index database: what every device has of every folder, which version is the global one, what
// we need. SQLite (WAL) in one file. It is a cache of the disks and of the peers' indexes: losing
// it costs a rescan and a full index exchange, never data; therefore a damaged file is refused with
// "delete it", not repaired.
//
// Threads:  all calls from the control thread. One connection, locked exclusively: a second process
//           on the same home is refused at open().
// Cost:     an update is O(devices that have the name); need() and get_*() are O(answer); counts()
//           and completion() are O(1), because totals are kept in the transaction that changes an
//           entry. Only drop_remote() and drop_folder() are O(entries dropped).
// Writes:   each update_* / drop_* / set_* call is one transaction: all of it or none of it. After
//           a crash of the process everything that returned is there. After a power cut the last
//           moments may be missing; so that no lost sequence number is given twice, numbers jump by
//           kSequenceGap after an unclean end (holes are normal in BEP; a scan finds what was lost).
// Errors:   base::Status with kNoSpace (disk full; nothing changed, try again later), kNotFound
//           (unknown folder), kCorrupt (delete the file) or kIo. A read that fails answers empty;
//           status() then holds the error and every update fails with it, so that nothing is built
//           on the empty answer.
// Bounds:   callers hand over at most what one Index message holds; answers are limited by `limit`.
// Not here: file system, BEP messages, the rule itself (global.hh).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bep/model/config.hh"
#include "bep/proto/file_info.hh"
#include "engine/base/function_ref.hh"
#include "engine/base/result.hh"
#include "engine/base/types.hh"

namespace weft::model {

inline constexpr std::int64_t kSequenceGap = std::int64_t{1}
                                             << 20;  // far more than one moment's changes

// Why a local entry is not offered to others. Bits of Syncthing's REST "localFlags"; stored beside
// the entry.
enum LocalFlag : std::uint32_t {
  kLocalUnsupported = 1,
  kLocalIgnored = 2,
  kLocalMustRescan = 4,
  kLocalReceiveOnly = 8
};

// A local entry: with any flag set it counts as invalid when the global version is chosen.
struct LocalFile {
  proto::FileInfo info;
  std::uint32_t flags = 0;
};

struct Counts {
  std::int64_t files = 0, directories = 0, symlinks = 0;
  std::int64_t deleted = 0;  // of any type; not in the three above
  std::int64_t bytes = 0;    // of files
  friend bool operator==(const Counts&, const Counts&) = default;
};

struct FolderCounts {
  Counts local;   // what we have, receive-only changes included
  Counts global;  // valid global entries
  Counts need;    // global entries we lack; `deleted` = deletions still to do
  Counts receive_only_changed;
};

struct Completion {
  std::int64_t global_bytes = 0,
               global_items = 0;  // items: files, directories, symlinks not deleted
  std::int64_t need_bytes = 0, need_items = 0, need_deletes = 0;
  std::int64_t sequence = 0;  // highest of that device
};
// As Syncthing shows it: 100 with nothing to have, 95 while only deletions are missing.
[[nodiscard]] double percent(const Completion& completion) noexcept;

// In the order a puller works through them: parents before children, deletions last and children
// first.
enum class NeedKind : std::uint8_t {
  kDirectory = 1,
  kSymlink,
  kFile,
  kDeletedOther,
  kDeletedDirectory
};

struct NeedItem {
  proto::FileInfo global;
  std::vector<base::DeviceId> devices;  // that have exactly this version, valid; never ours; sorted
  std::optional<LocalFile> local;       // our entry
};

struct PartialFile {  // a transfer that stopped half way
  proto::VersionVector version;
  std::vector<std::byte> have;  // which blocks, and of which file: Checkpoint (temp_file.hh)
};

class IndexDb {
 public:
  // Opens or creates the file. The error is a sentence that names it and says the remedy.
  [[nodiscard]] static ConfigResult<std::unique_ptr<IndexDb>> open(
      const std::filesystem::path& file);
  ~IndexDb();
  IndexDb(const IndexDb&) = delete;
  IndexDb& operator=(const IndexDb&) = delete;

  // The first error of a read since open(): folders must stop then.
  [[nodiscard]] base::Status status() const;

  // --- folders. Everything below answers kNotFound, or empty, for a folder not ensured in the
  // file's life. Our index id of the folder: random, not zero, made once and kept.
  [[nodiscard]] base::Result<std::uint64_t> ensure_folder(std::string_view folder);
  // Forgets everything about a folder that is no longer configured.
  [[nodiscard]] base::Status drop_folder(std::string_view folder);
  // Every folder of the file, by name.
  [[nodiscard]] std::vector<std::string> folder_ids() const;
  // The directory that our entries of the folder describe, as it was last set; "" = never set.
  [[nodiscard]] std::string folder_path(std::string_view folder) const;
  [[nodiscard]] base::Status set_folder_path(std::string_view folder, std::string_view path);
  // Devices of which an index id or an entry of the folder is stored.
  [[nodiscard]] std::vector<base::DeviceId> remote_devices(std::string_view folder) const;
  // 0 = nothing stored of that device.
  [[nodiscard]] std::uint64_t remote_index_id(std::string_view folder,
                                              const base::DeviceId& device) const;
  [[nodiscard]] base::Status set_remote_index_id(std::string_view folder,
                                                 const base::DeviceId& device,
                                                 std::uint64_t index_id);

  // --- writing entries. A name twice in one call: the last one counts.
  // Gives each entry the next sequence number (info.sequence of the argument is not read).
  [[nodiscard]] base::Status update_local(std::string_view folder,
                                          std::span<const LocalFile> files);
  [[nodiscard]] base::Status update_local(std::string_view folder,
                                          std::span<const proto::FileInfo> files);
  // Keeps the sequence numbers of the peer.
  [[nodiscard]] base::Status update_remote(std::string_view folder, const base::DeviceId& device,
                                           std::span<const proto::FileInfo> files);
  // Forgets the entries of one device (its index id stays: set it as BEP's receive rule says).
  [[nodiscard]] base::Status drop_remote(std::string_view folder, const base::DeviceId& device);

  // --- reading entries, blocks included.
  [[nodiscard]] std::optional<LocalFile> get_local(std::string_view folder,
                                                   std::string_view name) const;
  [[nodiscard]] std::optional<proto::FileInfo> get_remote(std::string_view folder,
                                                          const base::DeviceId& device,
                                                          std::string_view name) const;
  // Valid or not; nullopt when nobody has the name.
  [[nodiscard]] std::optional<proto::FileInfo> get_global(std::string_view folder,
                                                          std::string_view name) const;
  // Devices that have exactly the version of get_global(), valid; never ours; sorted.
  [[nodiscard]] std::vector<base::DeviceId> holders(std::string_view folder,
                                                    std::string_view name) const;

  // Local entries with a sequence above `after`, ascending, at most `limit`, until `visit` returns
  // false. For Index messages. `visit` must not write to the database.
  void for_each_local_since(std::string_view folder, std::int64_t after, std::size_t limit,
                            base::FunctionRef<bool(const LocalFile&)> visit) const;
  // Local entries by name, without blocks, names above `after`, at most `limit`: for the scanner's
  // merge walk.
  [[nodiscard]] std::vector<LocalFile> list_local(std::string_view folder, std::string_view after,
                                                  std::size_t limit) const;
  // Local, valid, not deleted files with exactly this list of blocks as `wanted`, at most `limit`:
  // where a renamed file can be copied from.
  [[nodiscard]] std::vector<std::string> find_local_by_blocks(std::string_view folder,
                                                              const proto::FileInfo& wanted,
                                                              std::size_t limit) const;
  // 0 when nothing is stored. Local: the highest ever given, also when that entry has moved on.
  [[nodiscard]] std::int64_t max_sequence_local(std::string_view folder) const;
  [[nodiscard]] std::int64_t max_sequence_remote(std::string_view folder,
                                                 const base::DeviceId& device) const;

  // --- need. One page: at most `limit` names of one kind beyond `after` ("" = from the start), by
  // name; kDeletedDirectory by name descending, so that children come before parents.
  [[nodiscard]] std::vector<std::string> need(std::string_view folder, NeedKind kind,
                                              std::string_view after, std::size_t limit) const;
  // All that a pull has to know of one name, blocks included; nullopt: it is not needed (any more).
  [[nodiscard]] std::optional<NeedItem> need_of(std::string_view folder,
                                                std::string_view name) const;
  [[nodiscard]] FolderCounts counts(std::string_view folder) const;
  // What a remote device lacks of the global state.
  [[nodiscard]] Completion completion(std::string_view folder, const base::DeviceId& device) const;
  // What we lack ourselves, in the same shape.
  [[nodiscard]] Completion completion_local(std::string_view folder) const;

  // --- transfers that stopped, by name.
  [[nodiscard]] base::Status set_partial(std::string_view folder, std::string_view name,
                                         const PartialFile& partial);
  [[nodiscard]] std::optional<PartialFile> partial(std::string_view folder,
                                                   std::string_view name) const;
  [[nodiscard]] base::Status clear_partial(std::string_view folder, std::string_view name);

  // --- small facts about devices (last seen, last connection's length…): text by key.
  [[nodiscard]] base::Status set_device_fact(const base::DeviceId& device, std::string_view key,
                                             std::string_view value);
  [[nodiscard]] std::optional<std::string> device_fact(const base::DeviceId& device,
                                                       std::string_view key) const;

 private:
  struct State;
  explicit IndexDb(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;  // keeps SQLite out of this header (control plane: allowed)
};

}  // namespace weft::model
