#include "bep/model/index_counts.hh"

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

// As stock counts "local": not what is ignored, unsupported or to be rescanned, but receive-only changes.
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

}  // namespace

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
