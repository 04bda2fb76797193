#include "bep/model/index_state.hh"

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::model {
namespace {

base::Error damaged() {
  return error_of_sqlite(SQLITE_CORRUPT);
}

}  // namespace

IndexDb::State::~State() {
  if (!loaded) return;
  // After a failure nothing is lost: the next open() leaves a gap in the sequence numbers.
  static_cast<void>(Query(sql(Sql::kSetClean)).bind(1).run());
}

base::Status IndexDb::State::prepare_all() {
  for (std::size_t i = 0; i < kSqlCount; ++i)
    statements[i] = TRY(database.prepare(text_of(static_cast<Sql>(i))));
  return {};
}

base::Status IndexDb::State::load() {
  Statement select = TRY(database.prepare("SELECT id, device FROM devices"));
  Query device(select);
  while (device.step()) {
    base::DeviceId id{};
    if (device.bytes(1).size() != id.size()) return tl::unexpected(damaged());
    std::ranges::copy(device.bytes(1), id.begin());
    rows[id] = device.integer(0);
    devices[device.integer(0)] = id;
  }
  if (device.failed()) return tl::unexpected(device.error());

  const bool clean = TRY(database.number("SELECT value FROM meta WHERE key = 'clean'")) != 0;
  Statement select_folders =
      TRY(database.prepare("SELECT name, id, index_id, sequence, tally, path FROM folders"));
  Query folder_row(select_folders);
  std::map<std::int64_t, FolderState*> by_row;
  while (folder_row.step()) {
    FolderCounts counts;
    if (!unpack_counts(folder_row.bytes(4), counts)) return tl::unexpected(damaged());
    FolderState& state = folders[std::string(folder_row.text(0))];
    state.row = folder_row.integer(1);
    state.index_id = static_cast<std::uint64_t>(folder_row.integer(2));
    state.sequence = folder_row.integer(3) + (clean ? 0 : kSequenceGap);
    state.counts = counts;
    state.path = folder_row.text(5);
    by_row[state.row] = &state;
  }
  if (folder_row.failed()) return tl::unexpected(folder_row.error());

  Statement select_remotes =
      TRY(database.prepare("SELECT folder, device, index_id, tally FROM remotes"));
  Query remote(select_remotes);
  while (remote.step()) {
    DeviceTally tally;
    const auto owner = by_row.find(remote.integer(0));
    if (owner == by_row.end() || !devices.contains(remote.integer(1)) ||
        !unpack_tally(remote.bytes(3), tally))
      return tl::unexpected(damaged());
    owner->second->remotes[remote.integer(1)] = {static_cast<std::uint64_t>(remote.integer(2)),
                                                 tally, false};
  }
  if (remote.failed()) return tl::unexpected(remote.error());

  for (auto& [name, state] : folders)
    TRY(save_folder(state));  // the gap must be kept once it may have been used
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
  if (query.failed() && read_status) read_status = tl::unexpected(query.error());
}

base::Status IndexDb::State::run(Sql which) {
  return Query(sql(which)).run();
}

base::Status IndexDb::State::save_folder(FolderState& folder) {
  const auto tally = pack_counts(folder.counts);
  TRY(Query(sql(Sql::kSaveFolder))
          .bind(folder.sequence)
          .bind(base::Bytes(tally))
          .bind(folder.row)
          .run());
  for (auto& [device, remote] : folder.remotes) {
    if (!remote.changed) continue;
    const auto packed = pack_tally(remote.tally);
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
  if (!read_status) return read_status;
  const FolderState before = folder;
  TRY(run(Sql::kBegin));
  base::Status done = work();
  if (done) done = save_folder(folder);
  if (done) done = run(Sql::kCommit);
  if (!done) {
    folder = before;
    static_cast<void>(
        run(Sql::kRollback));  // SQLite may have rolled back by itself: then this one fails
  }
  return done;
}

}  // namespace weft::model
