// The writing half of index_db.hh. One name at a time: what its entries contributed to the totals
// is taken away, the row is changed, what they contribute now is added.
#include <algorithm>

#include "bep/model/index_state.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

constexpr std::int64_t kDropPage = 1000;  // names in memory while a device's entries are dropped

}  // namespace

std::vector<Entry> IndexDb::State::entries(const FolderState& folder, std::string_view name) {
  std::vector<Entry> found;
  Query query(sql(Sql::kEntries));
  query.bind(folder.row).bind(name);
  while (query.step()) found.push_back(read_entry(query));
  note(query);
  return found;
}

base::Status IndexDb::State::move_need(const FolderState& folder, std::string_view name,
                                       std::optional<NeedKind> from, std::optional<NeedKind> to) {
  if (from == to) return {};
  const auto change = [&](Sql which, NeedKind kind) {
    return Query(sql(which))
        .bind(folder.row)
        .bind(static_cast<std::int64_t>(kind))
        .bind(name)
        .run();
  };
  if (from) TRY(change(Sql::kDropNeed, *from));
  if (to) TRY(change(Sql::kAddNeed, *to));
  return {};
}

base::Status IndexDb::State::put_file(FolderState& folder, std::int64_t device,
                                      const LocalFile& file, std::int64_t sequence) {
  const std::string_view name = file.info.name;
  MUST(!name.empty());
  std::vector<Entry> found = entries(folder, name);
  if (!read_status) return read_status;  // totals must not be built on a failed read
  const auto before = account(folder, found, Sign::kTakeAway);

  auto own = found.begin();
  while (own != found.end() && own->device < device) ++own;
  const PackedFile packed(file, sequence);
  if (own != found.end() && own->device == device) {
    const std::int64_t row = own->row;
    *own = entry_of(file, device);
    Query update(sql(Sql::kUpdateFile));
    packed.bind_to(update);
    TRY(update.bind(row).run());
  } else {
    found.insert(own, entry_of(file, device));
    Query insert(sql(Sql::kInsertFile));
    packed.bind_to(insert);
    TRY(insert.bind(folder.row).bind(device).bind(name).run());
  }
  return move_need(folder, name, before, account(folder, found, Sign::kAdd));
}

base::Status IndexDb::State::remove_file(FolderState& folder, std::int64_t device,
                                         std::string_view name) {
  std::vector<Entry> found = entries(folder, name);
  if (!read_status) return read_status;
  const auto before = account(folder, found, Sign::kTakeAway);
  const auto own =
      std::find_if(found.begin(), found.end(), [&](const Entry& e) { return e.device == device; });
  MUST(own != found.end());
  TRY(Query(sql(Sql::kDeleteFile)).bind(own->row).run());
  found.erase(own);
  return move_need(folder, name, before, account(folder, found, Sign::kAdd));
}

base::Status IndexDb::update_local(std::string_view folder, std::span<const LocalFile> files) {
  FolderState* state = state_->folder(folder);
  if (state == nullptr) return base::fail(base::Errc::kNotFound, "index database: unknown folder");
  return state_->transact(*state, [&]() -> base::Status {
    for (const LocalFile& file : files)
      TRY(state_->put_file(*state, kLocalDevice, file, ++state->sequence));
    return {};
  });
}

base::Status IndexDb::update_local(std::string_view folder,
                                   std::span<const proto::FileInfo> files) {
  std::vector<LocalFile> plain;
  plain.reserve(files.size());
  for (const proto::FileInfo& file : files) plain.push_back({file, 0});
  return update_local(folder, plain);
}

base::Status IndexDb::update_remote(std::string_view folder, const base::DeviceId& device,
                                    std::span<const proto::FileInfo> files) {
  FolderState* state = state_->folder(folder);
  if (state == nullptr) return base::fail(base::Errc::kNotFound, "index database: unknown folder");
  const std::int64_t row = TRY(state_->make_row_of(device));
  return state_->transact(*state, [&]() -> base::Status {
    for (const proto::FileInfo& file : files)
      TRY(state_->put_file(*state, row, {file, 0}, file.sequence));
    return {};
  });
}

base::Status IndexDb::drop_remote(std::string_view folder, const base::DeviceId& device) {
  FolderState* state = state_->folder(folder);
  if (state == nullptr) return base::fail(base::Errc::kNotFound, "index database: unknown folder");
  const auto row = state_->row_of(device);
  if (!row) return {};
  return state_->transact(*state, [&]() -> base::Status {
    for (;;) {
      std::vector<std::string> names;
      {
        Query query(state_->sql(Sql::kNamesOfDevice));
        query.bind(state->row).bind(*row).bind(kDropPage);
        while (query.step()) names.emplace_back(query.text(0));
        if (query.failed()) return tl::unexpected(query.error());
      }
      if (names.empty()) return {};
      for (const std::string& name : names) TRY(state_->remove_file(*state, *row, name));
    }
  });
}

}  // namespace weft::model
