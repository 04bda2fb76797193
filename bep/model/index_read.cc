// The reading half of index_db.hh.
#include <algorithm>

#include "bep/model/index_state.hh"

namespace weft::model {
namespace {

// Above every valid UTF-8 text in SQLite's byte order.
constexpr std::string_view kAboveAllNames = "\xFF";

std::int64_t to_limit(std::size_t limit) {
  return static_cast<std::int64_t>(std::min<std::size_t>(limit, INT32_MAX));
}

}  // namespace

double percent(const Completion& completion) noexcept {
  if (completion.global_bytes == 0) return 100;
  if (completion.need_bytes == 0) return completion.need_deletes > 0 ? 95 : 100;
  return 100.0 * (1.0 - static_cast<double>(completion.need_bytes) /
                            static_cast<double>(completion.global_bytes));
}

std::optional<LocalFile> IndexDb::State::file_by_row(std::int64_t row) {
  Query query(sql(Sql::kFileByRow));
  query.bind(row);
  if (query.step()) return read_file(query, true);
  note(query);
  return std::nullopt;
}

std::vector<base::DeviceId> IndexDb::State::holders_of(std::span<const Entry> found) const {
  std::vector<base::DeviceId> holders;
  if (found.empty()) return holders;
  const Entry& global = global_of(found);
  for (const Entry& entry : found)
    if (entry.device != kLocalDevice && !entry.invalid && entry.version == global.version)
      holders.push_back(device_of(entry.device));
  std::sort(holders.begin(), holders.end());
  return holders;
}

std::optional<LocalFile> IndexDb::get_local(std::string_view folder, std::string_view name) const {
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return std::nullopt;
  Query query(state_->sql(Sql::kFileOfDevice));
  query.bind(state->row).bind(name).bind(kLocalDevice);
  if (query.step()) return read_file(query, true);
  state_->note(query);
  return std::nullopt;
}

std::optional<proto::FileInfo> IndexDb::get_remote(std::string_view folder,
                                                   const base::DeviceId& device,
                                                   std::string_view name) const {
  const FolderState* state = state_->folder(folder);
  const auto row = state_->row_of(device);
  if (state == nullptr || !row) return std::nullopt;
  Query query(state_->sql(Sql::kFileOfDevice));
  query.bind(state->row).bind(name).bind(*row);
  if (query.step()) return std::move(read_file(query, true).info);
  state_->note(query);
  return std::nullopt;
}

std::optional<proto::FileInfo> IndexDb::get_global(std::string_view folder,
                                                   std::string_view name) const {
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return std::nullopt;
  const std::vector<Entry> found = state_->entries(*state, name);
  if (found.empty()) return std::nullopt;
  auto file = state_->file_by_row(global_of(found).row);
  if (!file) return std::nullopt;
  return std::move(file->info);
}

std::vector<base::DeviceId> IndexDb::holders(std::string_view folder, std::string_view name) const {
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return {};
  return state_->holders_of(state_->entries(*state, name));
}

void IndexDb::for_each_local_since(std::string_view folder, std::int64_t after, std::size_t limit,
                                   base::FunctionRef<bool(const LocalFile&)> visit) const {
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return;
  Query query(state_->sql(Sql::kLocalSince));
  query.bind(state->row).bind(after).bind(to_limit(limit));
  while (query.step())
    if (!visit(read_file(query, true))) return;
  state_->note(query);
}

std::vector<LocalFile> IndexDb::list_local(std::string_view folder, std::string_view after,
                                           std::size_t limit) const {
  std::vector<LocalFile> files;
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return files;
  Query query(state_->sql(Sql::kListLocal));
  query.bind(state->row).bind(after).bind(to_limit(limit));
  while (query.step()) files.push_back(read_file(query, false));
  state_->note(query);
  return files;
}

std::vector<std::string> IndexDb::find_local_by_blocks(std::string_view folder,
                                                       const proto::FileInfo& wanted,
                                                       std::size_t limit) const {
  std::vector<std::string> names;
  const FolderState* state = state_->folder(folder);
  if (state == nullptr || wanted.blocks.empty()) return names;
  Query query(state_->sql(Sql::kLocalByBlocks));
  query.bind(state->row).bind(block_key_of(wanted)).bind(to_limit(limit));
  while (query.step()) {
    LocalFile file = read_file(query, true);
    if (file.info.blocks == wanted.blocks) names.push_back(std::move(file.info.name));
  }
  state_->note(query);
  return names;
}

std::int64_t IndexDb::max_sequence_local(std::string_view folder) const {
  const FolderState* state = state_->folder(folder);
  return state == nullptr ? 0 : state->sequence;
}

std::int64_t IndexDb::max_sequence_remote(std::string_view folder,
                                          const base::DeviceId& device) const {
  const FolderState* state = state_->folder(folder);
  const auto row = state_->row_of(device);
  if (state == nullptr || !row) return 0;
  Query query(state_->sql(Sql::kMaxSequence));
  query.bind(state->row).bind(*row);
  if (query.step()) return query.integer(0);
  state_->note(query);
  return 0;
}

std::vector<std::string> IndexDb::need(std::string_view folder, NeedKind kind,
                                       std::string_view after, std::size_t limit) const {
  std::vector<std::string> names;
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return names;
  const bool descending = kind == NeedKind::kDeletedDirectory;
  Query query(state_->sql(descending ? Sql::kNeedDescending : Sql::kNeedAscending));
  query.bind(state->row).bind(static_cast<std::int64_t>(kind));
  query.bind(descending && after.empty() ? kAboveAllNames : after).bind(to_limit(limit));
  while (query.step()) names.emplace_back(query.text(0));
  state_->note(query);
  return names;
}

std::optional<NeedItem> IndexDb::need_of(std::string_view folder, std::string_view name) const {
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return std::nullopt;
  const std::vector<Entry> found = state_->entries(*state, name);
  if (found.empty()) return std::nullopt;
  const Entry* own = found.front().device == kLocalDevice ? &found.front() : nullptr;
  const Candidate have = own != nullptr ? own->candidate() : Candidate{};
  const Entry& global = global_of(found);
  if (!needs(global.candidate(), own != nullptr ? &have : nullptr)) return std::nullopt;
  auto file = state_->file_by_row(global.row);
  if (!file) return std::nullopt;
  NeedItem item{std::move(file->info), state_->holders_of(found), std::nullopt};
  if (own == nullptr) return item;
  item.local = state_->file_by_row(own->row);
  if (!item.local) return std::nullopt;  // only after a failed read
  return item;
}

FolderCounts IndexDb::counts(std::string_view folder) const {
  const FolderState* state = state_->folder(folder);
  return state == nullptr ? FolderCounts{} : state->counts;
}

Completion IndexDb::completion(std::string_view folder, const base::DeviceId& device) const {
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return {};
  const Counts& global = state->counts.global;
  const auto row = state_->row_of(device);
  const auto remote = row ? state->remotes.find(*row) : state->remotes.end();
  const DeviceTally tally = remote == state->remotes.end() ? DeviceTally{} : remote->second.tally;
  Completion out;
  out.global_bytes = global.bytes;
  out.global_items = global.files + global.directories + global.symlinks;
  // Below zero only by a damaged file that still decodes.
  out.need_bytes = std::max<std::int64_t>(0, out.global_bytes - tally.synced_bytes);
  out.need_items = std::max<std::int64_t>(0, out.global_items - tally.synced_items);
  out.need_deletes = tally.stale_deletes;
  out.sequence = max_sequence_remote(folder, device);
  return out;
}

Completion IndexDb::completion_local(std::string_view folder) const {
  const FolderState* state = state_->folder(folder);
  if (state == nullptr) return {};
  const Counts& global = state->counts.global;
  const Counts& lacking = state->counts.need;
  Completion out;
  out.global_bytes = global.bytes;
  out.global_items = global.files + global.directories + global.symlinks;
  out.need_bytes = lacking.bytes;
  out.need_items = lacking.files + lacking.directories + lacking.symlinks;
  out.need_deletes = lacking.deleted;
  out.sequence = state->sequence;
  return out;
}

}  // namespace weft::model
