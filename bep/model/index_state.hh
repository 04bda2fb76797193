// The inside of IndexDb: connection, prepared statements, and the rows that are held in memory
// (folders, devices, totals). Its members are in index_state.cc and index_update.cc; index_db.cc
// (open, folders, small tables) and index_read.cc use it.
// Threads: one (index_db.hh).
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "bep/model/index_counts.hh"
#include "bep/model/index_db.hh"
#include "bep/model/index_rows.hh"
#include "bep/model/index_sql.hh"

namespace weft::model {

// Every statement of the index. Texts: index_schema.cc, in the same order.
enum class Sql : std::uint8_t {
  kBegin,
  kCommit,
  kRollback,
  kSetClean,
  kAddFolder,
  kSaveFolder,
  kSetPath,
  kAddDevice,
  kSaveRemote,
  kEntries,
  kInsertFile,
  kUpdateFile,
  kDeleteFile,
  kNamesOfDevice,
  kAddNeed,
  kDropNeed,
  kFileOfDevice,
  kFileByRow,
  kLocalSince,
  kListLocal,
  kLocalByBlocks,
  kMaxSequence,
  kNeedAscending,
  kNeedDescending,
  kSetPartial,
  kPartial,
  kClearPartial,
  kSetFact,
  kFact,
  kCount
};
inline constexpr std::size_t kSqlCount = static_cast<std::size_t>(Sql::kCount);
[[nodiscard]] const char* text_of(Sql statement) noexcept;

inline constexpr std::int64_t kSchemaVersion = 2;  // PRAGMA user_version
// Takes the lock, creates the tables in a new file, brings a file of version 1 up to this one;
// kUnsupported for a file of another schema.
[[nodiscard]] base::Status open_schema(Database& database);

struct IndexDb::State {
  explicit State(Database opened) : database(std::move(opened)) {}
  ~State();

  [[nodiscard]] base::Status prepare_all();
  [[nodiscard]] base::Status load();  // folders, devices, totals; sets the sequence gap
  [[nodiscard]] Statement& sql(Sql which) { return statements[static_cast<std::size_t>(which)]; }

  [[nodiscard]] FolderState* folder(std::string_view name);
  [[nodiscard]] std::optional<std::int64_t> row_of(const base::DeviceId& device) const;
  [[nodiscard]] base::Result<std::int64_t> make_row_of(const base::DeviceId& device);
  [[nodiscard]] const base::DeviceId& device_of(std::int64_t row) const;

  // All devices' entries of one name, ours in front.
  [[nodiscard]] std::vector<Entry> entries(const FolderState& folder, std::string_view name);
  [[nodiscard]] std::optional<LocalFile> file_by_row(std::int64_t row);
  [[nodiscard]] std::vector<base::DeviceId> holders_of(std::span<const Entry> entries) const;
  // Keeps the first error of a read: see IndexDb::status().
  void note(const Query& query);

  // Within a transaction. `sequence`: as it is to be stored.
  [[nodiscard]] base::Status put_file(FolderState& folder, std::int64_t device,
                                      const LocalFile& file, std::int64_t sequence);
  [[nodiscard]] base::Status remove_file(FolderState& folder, std::int64_t device,
                                         std::string_view name);
  [[nodiscard]] base::Status save_folder(FolderState& folder);
  [[nodiscard]] base::Status run(Sql which);  // without parameters
  // Runs `work` on the folder in one transaction; on failure rows and totals are as before.
  [[nodiscard]] base::Status transact(FolderState& folder, base::FunctionRef<base::Status()> work);

  Database database;
  std::array<Statement, kSqlCount> statements;
  std::map<std::string, FolderState, std::less<>> folders;
  std::map<base::DeviceId, std::int64_t> rows;     // of devices
  std::map<std::int64_t, base::DeviceId> devices;  // the same, the other way
  base::Status read_status;
  bool loaded = false;

 private:
  [[nodiscard]] base::Status move_need(const FolderState& folder, std::string_view name,
                                       std::optional<NeedKind> from, std::optional<NeedKind> to);
};

}  // namespace weft::model
