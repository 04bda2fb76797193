#include "bep/model/index_db.hh"

#include <openssl/rand.h>

#include <algorithm>

#include "bep/model/index_state.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

std::vector<std::byte> pack_numbers(std::span<const std::int64_t> numbers) {
  std::vector<std::byte> out(numbers.size() * sizeof(std::int64_t));
  base::ByteWriter writer(out);
  for (const std::int64_t number : numbers) writer.be(static_cast<std::uint64_t>(number));
  return out;
}

bool unpack_numbers(base::Bytes bytes, std::span<std::int64_t> out) {
  base::ByteReader reader(bytes);
  for (std::int64_t& number : out) number = static_cast<std::int64_t>(reader.be<std::uint64_t>());
  return reader.ok() && reader.empty();
}

// The four totals of a folder as they stand in folders.tally: five numbers each.
constexpr std::size_t kFolderNumbers = 20, kRemoteNumbers = 3;

std::array<std::int64_t, kFolderNumbers> to_numbers(const FolderCounts& counts) {
  std::array<std::int64_t, kFolderNumbers> out{};
  std::size_t at = 0;
  for (const Counts* c : {&counts.local, &counts.global, &counts.need, &counts.receive_only_changed})
    for (const std::int64_t number : {c->files, c->directories, c->symlinks, c->deleted, c->bytes})
      out[at++] = number;
  MUST(at == kFolderNumbers);
  return out;
}

FolderCounts from_numbers(std::span<const std::int64_t, kFolderNumbers> numbers) {
  FolderCounts counts;
  std::size_t at = 0;
  for (Counts* c : {&counts.local, &counts.global, &counts.need, &counts.receive_only_changed})
    for (std::int64_t* number : {&c->files, &c->directories, &c->symlinks, &c->deleted, &c->bytes})
      *number = numbers[at++];
  return counts;
}

constexpr base::Error kDamaged{base::Errc::kCorrupt, 0, "index database: damaged, delete the file to rebuild it"};

base::Result<std::int64_t> number_of(Database& database, const char* sql) {
  Statement statement = TRY(database.prepare(sql));
  Query query(statement);
  if (!query.step()) return tl::unexpected(query.failed() ? query.error() : kDamaged);
  return query.integer(0);
}

// Creates the tables in a new file; refuses what is not ours or not of this schema.
base::Status open_schema(Database& database) {
  // One process: the lock is taken now and kept, and WAL then needs no shared memory.
  TRY(database.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA temp_store = MEMORY; "
                       "PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864"));
  // FULL for the few writes until "unclean" is on disk (State::load), NORMAL after it.
  TRY(database.execute("PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT"));
  const std::int64_t version = TRY(number_of(database, "PRAGMA user_version"));
  const std::int64_t tables = TRY(number_of(database, "SELECT COUNT(*) FROM sqlite_schema"));
  if (version == 0 && tables == 0)
    return database.execute((std::string("BEGIN IMMEDIATE;") + schema_text() + "COMMIT").c_str());
  if (version != kSchemaVersion) return base::fail(base::Errc::kUnsupported, "index database: of another schema");
  return {};
}

std::string sentence(const std::filesystem::path& file, const base::Error& error) {
  const std::string name = file.string();
  switch (error.code) {
    case base::Errc::kUnavailable: return name + ": is in use by another weft; stop that one first";
    case base::Errc::kUnsupported:
      return name + ": was written by another version of weft; delete it and the files beside it that begin "
                    "with its name, it is rebuilt by a scan";
    case base::Errc::kCorrupt:
      return name + ": is damaged; delete it and the files beside it that begin with its name, it is rebuilt by "
                    "a scan";
    case base::Errc::kNoSpace: return name + ": cannot be opened, the disk is full; free some space";
    default: return name + ": cannot be opened; check the owner and mode of it and of its directory";
  }
}

}  // namespace

IndexDb::IndexDb(std::unique_ptr<State> state) : state_(std::move(state)) {}
IndexDb::~IndexDb() = default;

ConfigResult<std::unique_ptr<IndexDb>> IndexDb::open(const std::filesystem::path& file) {
  const auto open_state = [&]() -> base::Result<std::unique_ptr<State>> {
    Database database = TRY(Database::open(file));
    TRY(open_schema(database));
    auto state = std::make_unique<State>(std::move(database));
    TRY(state->prepare_all());
    TRY(state->load());
    return state;
  };
  auto state = open_state();
  if (!state) return tl::unexpected(sentence(file, state.error()));
  return std::unique_ptr<IndexDb>(new IndexDb(std::move(*state)));
}

IndexDb::State::~State() {
  if (!loaded) return;
  // After a failure nothing is lost: the next open() leaves a gap in the sequence numbers.
  static_cast<void>(Query(sql(Sql::kSetClean)).bind(1).run());
}

base::Status IndexDb::State::prepare_all() {
  for (std::size_t i = 0; i < kSqlCount; ++i) statements[i] = TRY(database.prepare(text_of(static_cast<Sql>(i))));
  return {};
}

base::Status IndexDb::State::load() {
  Statement select = TRY(database.prepare("SELECT id, device FROM devices"));
  Query device(select);
  while (device.step()) {
    base::DeviceId id{};
    if (device.bytes(1).size() != id.size()) return tl::unexpected(kDamaged);
    std::ranges::copy(device.bytes(1), id.begin());
    rows[id] = device.integer(0);
    devices[device.integer(0)] = id;
  }
  if (device.failed()) return tl::unexpected(device.error());

  const bool clean = TRY(number_of(database, "SELECT value FROM meta WHERE key = 'clean'")) != 0;
  Statement select_folders = TRY(database.prepare("SELECT name, id, index_id, sequence, tally FROM folders"));
  Query folder_row(select_folders);
  std::map<std::int64_t, FolderState*> by_row;
  while (folder_row.step()) {
    std::array<std::int64_t, kFolderNumbers> numbers{};
    if (!unpack_numbers(folder_row.bytes(4), numbers)) return tl::unexpected(kDamaged);
    FolderState& state = folders[std::string(folder_row.text(0))];
    state.row = folder_row.integer(1);
    state.index_id = static_cast<std::uint64_t>(folder_row.integer(2));
    state.sequence = folder_row.integer(3) + (clean ? 0 : kSequenceGap);
    state.counts = from_numbers(numbers);
    by_row[state.row] = &state;
  }
  if (folder_row.failed()) return tl::unexpected(folder_row.error());

  Statement select_remotes = TRY(database.prepare("SELECT folder, device, index_id, tally FROM remotes"));
  Query remote(select_remotes);
  while (remote.step()) {
    std::array<std::int64_t, kRemoteNumbers> numbers{};
    const auto owner = by_row.find(remote.integer(0));
    if (owner == by_row.end() || !devices.contains(remote.integer(1)) || !unpack_numbers(remote.bytes(3), numbers))
      return tl::unexpected(kDamaged);
    owner->second->remotes[remote.integer(1)] = {static_cast<std::uint64_t>(remote.integer(2)),
                                                 {numbers[0], numbers[1], numbers[2]}, false};
  }
  if (remote.failed()) return tl::unexpected(remote.error());

  for (auto& [name, state] : folders) TRY(save_folder(state));  // the gap must be kept once it may have been used
  TRY(Query(sql(Sql::kSetClean)).bind(0).run());
  TRY(database.execute("PRAGMA synchronous = NORMAL"));
  loaded = true;
  return {};
}

FolderState* IndexDb::State::folder(std::string_view name) {
  const auto at = folders.find(name);
  return at == folders.end() ? nullptr : &at->second;
}

std::optional<std::int64_t> IndexDb::State::row_of(const base::DeviceId& device) const {
  const auto at = rows.find(device);
  if (at == rows.end()) return std::nullopt;
  return at->second;
}

base::Result<std::int64_t> IndexDb::State::make_row_of(const base::DeviceId& device) {
  if (const auto row = row_of(device)) return *row;
  TRY(Query(sql(Sql::kAddDevice)).bind(base::Bytes(device)).run());
  const std::int64_t row = database.last_row_id();
  MUST(row != kLocalDevice);
  rows[device] = row;
  devices[row] = device;
  return row;
}

const base::DeviceId& IndexDb::State::device_of(std::int64_t row) const {
  const auto at = devices.find(row);
  MUST(at != devices.end());
  return at->second;
}

void IndexDb::State::note(const Query& query) {
  if (query.failed() && read_error) read_error = tl::unexpected(query.error());
}

base::Status IndexDb::State::run(Sql which) { return Query(sql(which)).run(); }

base::Status IndexDb::State::save_folder(FolderState& folder) {
  const auto tally = pack_numbers(to_numbers(folder.counts));
  TRY(Query(sql(Sql::kSaveFolder)).bind(folder.sequence).bind(base::Bytes(tally)).bind(folder.row).run());
  for (auto& [device, remote] : folder.remotes) {
    if (!remote.changed) continue;
    const std::array numbers = {remote.tally.synced_items, remote.tally.synced_bytes, remote.tally.stale_deletes};
    static_assert(numbers.size() == kRemoteNumbers);
    const auto packed = pack_numbers(numbers);
    TRY(Query(sql(Sql::kSaveRemote))
            .bind(folder.row)
            .bind(device)
            .bind(static_cast<std::int64_t>(remote.index_id))
            .bind(base::Bytes(packed))
            .run());
    remote.changed = false;
  }
  return {};
}

base::Status IndexDb::State::transact(FolderState& folder, base::FunctionRef<base::Status()> work) {
  if (!read_error) return read_error;
  const FolderState before = folder;
  TRY(run(Sql::kBegin));
  base::Status done = work();
  if (done) done = save_folder(folder);
  if (done) done = run(Sql::kCommit);
  if (!done) {
    folder = before;
    static_cast<void>(run(Sql::kRollback));  // SQLite may have rolled back by itself: then this one fails
  }
  return done;
}

base::Status IndexDb::status() const { return state_->read_error; }

base::Result<std::uint64_t> IndexDb::ensure_folder(std::string_view folder) {
  if (const FolderState* known = state_->folder(folder)) return known->index_id;
  FolderState fresh;
  while (fresh.index_id == 0)
    MUST(RAND_bytes(reinterpret_cast<unsigned char*>(&fresh.index_id), sizeof fresh.index_id) == 1);
  const auto tally = pack_numbers(to_numbers(fresh.counts));
  TRY(Query(state_->sql(Sql::kAddFolder))
          .bind(folder)
          .bind(static_cast<std::int64_t>(fresh.index_id))
          .bind(base::Bytes(tally))
          .run());
  fresh.row = state_->database.last_row_id();
  state_->folders.emplace(std::string(folder), fresh);
  return fresh.index_id;
}

base::Status IndexDb::drop_folder(std::string_view folder) {
  FolderState* state = state_->folder(folder);
  if (state == nullptr) return {};
  const std::string row = std::to_string(state->row);
  std::string sql = "BEGIN IMMEDIATE;";
  for (const char* table : {"files", "need", "partials", "remotes"})
    sql += std::string("DELETE FROM ") + table + " WHERE folder = " + row + ";";
  sql += "DELETE FROM folders WHERE id = " + row + "; COMMIT";
  if (const base::Status done = state_->database.execute(sql.c_str()); !done) {
    static_cast<void>(state_->run(Sql::kRollback));
    return done;
  }
  state_->folders.erase(state_->folders.find(folder));
  return {};
}

std::uint64_t IndexDb::remote_index_id(std::string_view folder, const base::DeviceId& device) const {
  const FolderState* state = state_->folder(folder);
  const auto row = state_->row_of(device);
  if (state == nullptr || !row) return 0;
  const auto remote = state->remotes.find(*row);
  return remote == state->remotes.end() ? 0 : remote->second.index_id;
}

base::Status IndexDb::set_remote_index_id(std::string_view folder, const base::DeviceId& device,
                                          std::uint64_t index_id) {
  FolderState* state = state_->folder(folder);
  if (state == nullptr) return base::fail(base::Errc::kNotFound, "index database: unknown folder");
  const std::int64_t row = TRY(state_->make_row_of(device));
  return state_->transact(*state, [&]() -> base::Status {
    RemoteState& remote = state->remotes[row];
    remote.index_id = index_id;
    remote.changed = true;
    return {};
  });
}

base::Status IndexDb::set_partial(std::string_view folder, std::string_view name, const PartialFile& partial) {
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return base::fail(base::Errc::kNotFound, "index database: unknown folder");
  const auto version = pack_version(partial.version);
  return Query(state_->sql(Sql::kSetPartial))
      .bind(state->row)
      .bind(name)
      .bind(base::Bytes(version))
      .bind(base::Bytes(partial.have))
      .run();
}

std::optional<PartialFile> IndexDb::partial(std::string_view folder, std::string_view name) const {
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return std::nullopt;
  Query query(state_->sql(Sql::kPartial));
  query.bind(state->row).bind(name);
  PartialFile partial;
  if (!query.step() || !unpack_version(query.bytes(0), partial.version)) {
    state_->note(query);
    return std::nullopt;
  }
  const base::Bytes have = query.bytes(1);
  partial.have.assign(have.begin(), have.end());
  return partial;
}

base::Status IndexDb::clear_partial(std::string_view folder, std::string_view name) {
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return base::fail(base::Errc::kNotFound, "index database: unknown folder");
  return Query(state_->sql(Sql::kClearPartial)).bind(state->row).bind(name).run();
}

base::Status IndexDb::set_device_fact(const base::DeviceId& device, std::string_view key, std::string_view value) {
  return Query(state_->sql(Sql::kSetFact)).bind(base::Bytes(device)).bind(key).bind(value).run();
}

std::optional<std::string> IndexDb::device_fact(const base::DeviceId& device, std::string_view key) const {
  Query query(state_->sql(Sql::kFact));
  query.bind(base::Bytes(device)).bind(key);
  if (!query.step()) {
    state_->note(query);
    return std::nullopt;
  }
  return std::string(query.text(0));
}

}  // namespace weft::model
