#include "bep/model/index_counts.hh"

#include "engine/base/bytes.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

void add(Counts& counts, const Entry& entry, std::int64_t sign) {
  if (entry.deleted) {
    counts.deleted += sign;
    return;
  }
  switch (entry.type) {
    case proto::FileType::kFile:
      counts.files += sign;
      counts.bytes += sign * entry.size;
      break;
    case proto::FileType::kDirectory: counts.directories += sign; break;
    case proto::FileType::kSymlink: counts.symlinks += sign; break;
  }
}

// As stock counts "local": not what is ignored, unsupported or to be rescanned, but receive-only
// changes.
void add_local(FolderCounts& counts, const Entry& entry, std::int64_t sign) {
  const bool receive_only = (entry.flags & kLocalReceiveOnly) != 0;
  if (receive_only) add(counts.receive_only_changed, entry, sign);
  if (receive_only || (entry.flags == 0 && !entry.invalid)) add(counts.local, entry, sign);
}

NeedKind kind_of(const Entry& global) {
  const bool directory = global.type == proto::FileType::kDirectory;
  if (global.deleted) return directory ? NeedKind::kDeletedDirectory : NeedKind::kDeletedOther;
  if (directory) return NeedKind::kDirectory;
  return global.type == proto::FileType::kSymlink ? NeedKind::kSymlink : NeedKind::kFile;
}

void add_remote(FolderState& folder, const Entry& global, const Entry& entry, std::int64_t sign) {
  RemoteState& remote = folder.remotes[entry.device];
  remote.changed = true;
  const Candidate have = entry.candidate();
  const bool lacking = needs(global.candidate(), &have);
  if (global.deleted) {
    remote.tally.stale_deletes += lacking ? sign : 0;
  } else if (!lacking) {
    remote.tally.synced_items += sign;
    remote.tally.synced_bytes += sign * (global.type == proto::FileType::kFile ? global.size : 0);
  }
}

// The fields in the order in which they are stored.
template <typename Totals, typename Visit>
void for_each_number(Totals& totals, Visit visit) {
  for (auto* c : {&totals.local, &totals.global, &totals.need, &totals.receive_only_changed})
    for (auto* number : {&c->files, &c->directories, &c->symlinks, &c->deleted, &c->bytes})
      visit(*number);
}
constexpr std::size_t kCountsBytes = 20 * sizeof(std::int64_t);
constexpr std::size_t kTallyBytes = 3 * sizeof(std::int64_t);

}  // namespace

std::vector<std::byte> pack_counts(const FolderCounts& counts) {
  std::vector<std::byte> out(kCountsBytes);
  base::ByteWriter writer(out);
  for_each_number(counts, [&](std::int64_t n) { writer.be(static_cast<std::uint64_t>(n)); });
  MUST(writer.room() == 0);
  return out;
}

bool unpack_counts(base::Bytes bytes, FolderCounts& out) {
  base::ByteReader reader(bytes);
  for_each_number(
      out, [&](std::int64_t& n) { n = static_cast<std::int64_t>(reader.be<std::uint64_t>()); });
  return reader.ok() && reader.empty();
}

std::vector<std::byte> pack_tally(const DeviceTally& tally) {
  std::vector<std::byte> out(kTallyBytes);
  base::ByteWriter writer(out);
  for (const std::int64_t n : {tally.synced_items, tally.synced_bytes, tally.stale_deletes})
    writer.be(static_cast<std::uint64_t>(n));
  return out;
}

bool unpack_tally(base::Bytes bytes, DeviceTally& out) {
  base::ByteReader reader(bytes);
  for (std::int64_t* n : {&out.synced_items, &out.synced_bytes, &out.stale_deletes})
    *n = static_cast<std::int64_t>(reader.be<std::uint64_t>());
  return reader.ok() && reader.empty();
}

const Entry& global_of(std::span<const Entry> entries) {
  MUST(!entries.empty());
  std::vector<Candidate> candidates;
  candidates.reserve(entries.size());
  for (const Entry& entry : entries) candidates.push_back(entry.candidate());
  return entries[pick_global(candidates)];
}

std::optional<NeedKind> account(FolderState& folder, std::span<const Entry> entries, Sign sign) {
  if (entries.empty()) return std::nullopt;
  const auto step = static_cast<std::int64_t>(sign);
  const Entry* local = entries.front().device == kLocalDevice ? &entries.front() : nullptr;
  if (local != nullptr) add_local(folder.counts, *local, step);
  const Entry& global = global_of(entries);
  const Candidate candidate = global.candidate();
  // An invalid global, or one without a version, is nobody's need and part of no total.
  if (candidate.invalid || candidate.version->empty()) return std::nullopt;
  add(folder.counts.global, global, step);
  for (const Entry& entry : entries)
    if (entry.device != kLocalDevice) add_remote(folder, global, entry, step);
  const Candidate have = local != nullptr ? local->candidate() : Candidate{};
  if (!needs(candidate, local != nullptr ? &have : nullptr)) return std::nullopt;
  add(folder.counts.need, global, step);
  return kind_of(global);
}

}  // namespace weft::model
