#include "bep/model/index_db.hh"

#include <openssl/rand.h>

#include "bep/model/index_state.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

std::string sentence(const std::filesystem::path& file, const base::Error& error) {
  const std::string name = file.string();
  switch (error.code) {
    case base::Errc::kUnavailable: return name + ": is in use by another weft; stop that one first";
    case base::Errc::kUnsupported:
      return name +
             ": was written by another version of weft; delete it and the files beside it that "
             "begin "
             "with its name, it is rebuilt by a scan";
    case base::Errc::kCorrupt:
      return name +
             ": is damaged; delete it and the files beside it that begin with its name, it is "
             "rebuilt by "
             "a scan";
    case base::Errc::kNoSpace:
      return name + ": cannot be opened, the disk is full; free some space";
    default:
      return name + ": cannot be opened; check the owner and mode of it and of its directory";
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

base::Status IndexDb::status() const {
  return state_->read_status;
}

base::Result<std::uint64_t> IndexDb::ensure_folder(std::string_view folder) {
  if (const FolderState* known = state_->folder(folder)) return known->index_id;
  FolderState fresh;
  while (fresh.index_id == 0)
    MUST(RAND_bytes(reinterpret_cast<unsigned char*>(&fresh.index_id), sizeof fresh.index_id) == 1);
  const auto tally = pack_counts(fresh.counts);
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

std::vector<std::string> IndexDb::folder_ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, state] : state_->folders) ids.push_back(id);
  return ids;
}

std::string IndexDb::folder_path(std::string_view folder) const {
  const FolderState* state = state_->folder(folder);
  return state == nullptr ? std::string{} : state->path;
}

base::Status IndexDb::set_folder_path(std::string_view folder, std::string_view path) {
  FolderState* state = state_->folder(folder);
  if (state == nullptr) return base::fail(base::Errc::kNotFound, "index database: unknown folder");
  TRY(Query(state_->sql(Sql::kSetPath)).bind(path).bind(state->row).run());
  state->path = path;
  return {};
}

std::vector<base::DeviceId> IndexDb::remote_devices(std::string_view folder) const {
  std::vector<base::DeviceId> devices;
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return devices;
  for (const auto& [row, remote] : state->remotes) {
    const base::DeviceId& device = state_->device_of(row);
    if (remote.index_id != 0 || max_sequence_remote(folder, device) != 0) devices.push_back(device);
  }
  return devices;
}

std::uint64_t IndexDb::remote_index_id(std::string_view folder,
                                       const base::DeviceId& device) const {
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

base::Status IndexDb::set_partial(std::string_view folder, std::string_view name,
                                  const PartialFile& partial) {
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

base::Status IndexDb::set_device_fact(const base::DeviceId& device, std::string_view key,
                                      std::string_view value) {
  return Query(state_->sql(Sql::kSetFact)).bind(base::Bytes(device)).bind(key).bind(value).run();
}

std::optional<std::string> IndexDb::device_fact(const base::DeviceId& device,
                                                std::string_view key) const {
  Query query(state_->sql(Sql::kFact));
  query.bind(base::Bytes(device)).bind(key);
  if (!query.step()) {
    state_->note(query);
    return std::nullopt;
  }
  return std::string(query.text(0));
}

}  // namespace weft::model
