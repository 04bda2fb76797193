// The tables of the index and the text of every statement.
#include "bep/model/index_state.hh"
#include "engine/base/must.hh"

namespace weft::model {

namespace {

// folders.tally, remotes.tally: packed 64-bit numbers (index_db.cc). files.device 0 is ours. need
// holds a row for each name that we need, so that need() reads nothing else.
constexpr const char* kSchemaText = R"(
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE folders(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, index_id INTEGER NOT NULL,
  sequence INTEGER NOT NULL, tally BLOB NOT NULL, path TEXT NOT NULL DEFAULT '');
CREATE TABLE devices(id INTEGER PRIMARY KEY, device BLOB NOT NULL UNIQUE);
CREATE TABLE remotes(folder INTEGER NOT NULL, device INTEGER NOT NULL, index_id INTEGER NOT NULL,
  tally BLOB NOT NULL, PRIMARY KEY(folder, device)) WITHOUT ROWID;
CREATE TABLE files(id INTEGER PRIMARY KEY, folder INTEGER NOT NULL, device INTEGER NOT NULL,
  name TEXT NOT NULL, sequence INTEGER NOT NULL, type INTEGER NOT NULL, bits INTEGER NOT NULL,
  flags INTEGER NOT NULL, size INTEGER NOT NULL, permissions INTEGER NOT NULL,
  modified_s INTEGER NOT NULL, modified_ns INTEGER NOT NULL, modified_by INTEGER NOT NULL, version BLOB NOT NULL,
  block_size INTEGER NOT NULL, symlink BLOB, extra BLOB, block_key INTEGER NOT NULL,
  blocks BLOB NOT NULL);
CREATE UNIQUE INDEX files_by_name ON files(folder, name, device);
CREATE INDEX files_by_sequence ON files(folder, device, sequence);
CREATE INDEX files_by_blocks ON files(folder, block_key) WHERE device = 0 AND block_key <> 0;
CREATE TABLE need(folder INTEGER NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY(folder, kind, name)) WITHOUT ROWID;
CREATE TABLE partials(folder INTEGER NOT NULL, name TEXT NOT NULL, version BLOB NOT NULL,
  have BLOB NOT NULL, PRIMARY KEY(folder, name)) WITHOUT ROWID;
CREATE TABLE facts(device BLOB NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY(device, key)) WITHOUT ROWID;
INSERT INTO meta(key, value) VALUES('clean', 1);
PRAGMA user_version = 2;
)";
constexpr const char* kFromVersion1 =
    "BEGIN IMMEDIATE; ALTER TABLE folders ADD COLUMN path TEXT NOT NULL DEFAULT ''; "
    "PRAGMA user_version = 2; COMMIT";
static_assert(kSchemaVersion == 2, "the last lines of the texts above say it too");

}  // namespace

// Creates the tables in a new file; refuses what is not ours or not of this schema.
base::Status open_schema(Database& database) {
  // One process: the lock is taken now and kept, and WAL then needs no shared memory.
  TRY(database.execute(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA temp_store = MEMORY; "
      "PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864"));
  // FULL for the few writes until "unclean" is on disk (State::load), NORMAL after it.
  TRY(database.execute("PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT"));
  const std::int64_t version = TRY(database.number("PRAGMA user_version"));
  const std::int64_t tables = TRY(database.number("SELECT COUNT(*) FROM sqlite_schema"));
  if (version == 0 && tables == 0)
    return database.execute((std::string("BEGIN IMMEDIATE;") + kSchemaText + "COMMIT").c_str());
  if (version == 1) return database.execute(kFromVersion1);
  if (version != kSchemaVersion)
    return base::fail(base::Errc::kUnsupported, "index database: of another schema");
  return {};
}

#define WEFT_FILE_COLUMNS                                                                        \
  "name, sequence, type, bits, flags, size, permissions, modified_s, modified_ns, modified_by, " \
  "version, block_size, symlink, extra"

const char* text_of(Sql statement) noexcept {
  switch (statement) {
    case Sql::kBegin: return "BEGIN IMMEDIATE";
    case Sql::kCommit: return "COMMIT";
    case Sql::kRollback: return "ROLLBACK";
    case Sql::kSetClean: return "UPDATE meta SET value = ? WHERE key = 'clean'";
    case Sql::kAddFolder:
      return "INSERT INTO folders(name, index_id, sequence, tally) VALUES(?, ?, 0, ?)";
    case Sql::kSaveFolder: return "UPDATE folders SET sequence = ?, tally = ? WHERE id = ?";
    case Sql::kSetPath: return "UPDATE folders SET path = ? WHERE id = ?";
    case Sql::kAddDevice: return "INSERT INTO devices(device) VALUES(?)";
    case Sql::kSaveRemote:
      return "INSERT OR REPLACE INTO remotes(folder, device, index_id, tally) VALUES(?, ?, ?, ?)";
    case Sql::kEntries:
      return "SELECT id, device, version, type, bits, flags, size, modified_s, modified_ns FROM "
             "files "
             "WHERE folder = ? AND name = ? ORDER BY device";
    case Sql::kInsertFile:
      return "INSERT INTO files(sequence, type, bits, flags, size, permissions, modified_s, "
             "modified_ns, "
             "modified_by, version, block_size, symlink, extra, block_key, blocks, folder, device, "
             "name) "
             "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    case Sql::kUpdateFile:
      return "UPDATE files SET sequence = ?, type = ?, bits = ?, flags = ?, size = ?, permissions "
             "= ?, "
             "modified_s = ?, modified_ns = ?, modified_by = ?, version = ?, block_size = ?, "
             "symlink = ?, "
             "extra = ?, block_key = ?, blocks = ? WHERE id = ?";
    case Sql::kDeleteFile: return "DELETE FROM files WHERE id = ?";
    case Sql::kNamesOfDevice:
      return "SELECT name FROM files WHERE folder = ? AND device = ? ORDER BY sequence LIMIT ?";
    case Sql::kAddNeed: return "INSERT OR REPLACE INTO need(folder, kind, name) VALUES(?, ?, ?)";
    case Sql::kDropNeed: return "DELETE FROM need WHERE folder = ? AND kind = ? AND name = ?";
    case Sql::kFileOfDevice:
      return "SELECT " WEFT_FILE_COLUMNS
             ", blocks FROM files WHERE folder = ? AND name = ? AND device = ?";
    case Sql::kFileByRow: return "SELECT " WEFT_FILE_COLUMNS ", blocks FROM files WHERE id = ?";
    case Sql::kLocalSince:
      return "SELECT " WEFT_FILE_COLUMNS
             ", blocks FROM files WHERE folder = ? AND device = 0 AND "
             "sequence > ? ORDER BY sequence LIMIT ?";
    case Sql::kListLocal:
      return "SELECT " WEFT_FILE_COLUMNS
             " FROM files WHERE folder = ? AND device = 0 AND name > ? "
             "ORDER BY name LIMIT ?";
    case Sql::kLocalByBlocks:
      // Left to itself, the planner saves the sorting and walks the whole folder by name.
      return "SELECT " WEFT_FILE_COLUMNS
             ", blocks FROM files INDEXED BY files_by_blocks WHERE folder = ? AND block_key = ? AND "
             "device = 0 AND block_key <> 0 AND flags = 0 AND bits & 3 = 0 ORDER BY name LIMIT ?";
    case Sql::kMaxSequence:
      return "SELECT MAX(sequence) FROM files WHERE folder = ? AND device = ?";
    case Sql::kNeedAscending:
      return "SELECT name FROM need WHERE folder = ? AND kind = ? AND name > ? ORDER BY name LIMIT "
             "?";
    case Sql::kNeedDescending:
      return "SELECT name FROM need WHERE folder = ? AND kind = ? AND name < ? "
             "ORDER BY name DESC LIMIT ?";
    case Sql::kSetPartial:
      return "INSERT OR REPLACE INTO partials(folder, name, version, have) VALUES(?, ?, ?, ?)";
    case Sql::kPartial: return "SELECT version, have FROM partials WHERE folder = ? AND name = ?";
    case Sql::kClearPartial: return "DELETE FROM partials WHERE folder = ? AND name = ?";
    case Sql::kSetFact: return "INSERT OR REPLACE INTO facts(device, key, value) VALUES(?, ?, ?)";
    case Sql::kFact: return "SELECT value FROM facts WHERE device = ? AND key = ?";
    case Sql::kCount: break;
  }
  MUST(!"a statement outside the enum");
  return "";
}

#undef WEFT_FILE_COLUMNS

}  // namespace weft::model
