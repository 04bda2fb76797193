// When the local copy of a file must be kept beside the one that replaces it, and how the two entries then read.
// Rule (as Syncthing 1.19): the versions are concurrent, or the incoming one counts more changes of ours than we
// know of. Directories and symbolic links make no copies, and a conflict copy is not copied again.
// Pure.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

#include "bep/proto/file_info.hh"

namespace weft::model {

[[nodiscard]] bool is_conflict(const proto::FileInfo& local, const proto::FileInfo& incoming, std::uint64_t short_id);
// "" when no copy is to be kept. `now` in local time is part of the name.
[[nodiscard]] std::string conflict_name_for(const std::optional<proto::FileInfo>& local,
                                            const proto::FileInfo& incoming, std::uint64_t short_id,
                                            std::time_t now);
// The index entry of the copy: the local content under a new name, as a change of ours.
[[nodiscard]] proto::FileInfo entry_of_copy(const proto::FileInfo& local, const std::string& copy_name,
                                            std::uint64_t short_id, std::time_t now);

}  // namespace weft::model
