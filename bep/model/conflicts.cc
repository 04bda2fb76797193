#include "bep/model/conflicts.hh"

#include "bep/proto/names.hh"
#include "engine/base/must.hh"

namespace weft::model {

bool is_conflict(const proto::FileInfo& local, const proto::FileInfo& incoming, std::uint64_t short_id) {
  const proto::Ordering order = local.version.compare(incoming.version);
  if (order == proto::Ordering::kConcurrentGreater || order == proto::Ordering::kConcurrentLesser) return true;
  return incoming.version.value_of(short_id) > local.version.value_of(short_id);
}

std::string conflict_name_for(const std::optional<proto::FileInfo>& local, const proto::FileInfo& incoming,
                              std::uint64_t short_id, std::time_t now) {
  if (!local || local->deleted || local->type != proto::FileType::kFile) return {};
  if (proto::is_conflict_name(local->name)) return {};
  if (!is_conflict(*local, incoming, short_id)) return {};
  // The same content in both versions loses nothing.
  if (!incoming.deleted && incoming.type == proto::FileType::kFile && !local->blocks.empty() &&
      local->blocks == incoming.blocks)
    return {};
  std::tm when{};
  MUST(::localtime_r(&now, &when) != nullptr);
  return proto::conflict_name(local->name,
                              {when.tm_year + 1900, when.tm_mon + 1, when.tm_mday, when.tm_hour, when.tm_min,
                               when.tm_sec},
                              incoming.modified_by);
}

proto::FileInfo entry_of_copy(const proto::FileInfo& local, const std::string& copy_name, std::uint64_t short_id,
                              std::time_t now) {
  MUST(!local.deleted);
  proto::FileInfo copy = local;
  copy.name = copy_name;
  copy.version = {};
  copy.version.update(short_id, static_cast<std::uint64_t>(now));
  copy.modified_by = short_id;
  copy.sequence = 0;
  copy.previous_blocks_hash.clear();
  return copy;
}

}  // namespace weft::model
