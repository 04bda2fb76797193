// Opening and looking at things beneath a folder's root without ever following a symbolic link, in any component.
// Why: a peer names the path; a link in the tree must not lead it (or us) out of the folder.
// How: one openat(O_NOFOLLOW) per component, from the root's descriptor. Names are canonical wire names
// (bep/proto/names.hh); a name that is not is refused with kInvalidArgument.
// Threads: any; no state. Errors: kNotFound also where a parent is no directory, or is a symbolic link: for the
// folder the thing is not there.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.hh"
#include "engine/base/unique_fd.hh"

namespace weft::model {

enum class DiskKind : std::uint8_t { kFile, kDirectory, kSymlink, kOther };

struct DiskState {
  DiskKind kind = DiskKind::kOther;
  std::int64_t size = 0;
  std::int64_t modified_s = 0;
  std::int32_t modified_ns = 0;
  std::int64_t changed_s = 0;      // of content or attributes; nobody can set it
  std::uint32_t permissions = 0;   // low 9 bits
  std::uint64_t inode = 0;
};

struct Parent {
  base::UniqueFd dir;
  std::string base;                // last component
};

// The root of a folder; must be a directory (here links are followed: the user wrote this path).
[[nodiscard]] base::Result<base::UniqueFd> open_root(const std::string& path);
[[nodiscard]] base::Result<Parent> open_parent(int root, std::string_view name);
// The same, and makes the directories that are missing on the way (0755); `made` is set when there were any. What
// stands on the way and is no directory, or is a symbolic link, stays an error.
[[nodiscard]] base::Result<Parent> open_or_make_parent(int root, std::string_view name, bool& made);
// A directory of the tree; "" is the root itself.
[[nodiscard]] base::Result<base::UniqueFd> open_directory(int root, std::string_view name);
// A regular file for reading, never blocking on a FIFO; `state` as of the open descriptor.
[[nodiscard]] base::Result<base::UniqueFd> open_file(int root, std::string_view name, DiskState& state,
                                                     int extra_flags = 0);
[[nodiscard]] base::Result<DiskState> state_of(int root, std::string_view name);
[[nodiscard]] base::Result<DiskState> state_at(int dir, const std::string& base);
[[nodiscard]] base::Result<std::string> read_link(int dir, const std::string& base);

// Calls `operation` (returning 0 or -1 with errno); when it fails because we took our own write permission from
// `dir`, gives it back for the call and takes it away again. Directories such as 0555 are legal content.
template <typename Operation> int in_writable(int dir, Operation operation);
[[nodiscard]] bool make_writable(int dir, std::uint32_t& mode_before);
void restore_mode(int dir, std::uint32_t mode);

template <typename Operation> int in_writable(int dir, Operation operation) {
  int result = operation();
  // A second worker may restore the mode between our two calls: a few tries are enough, each is cheap.
  for (int attempt = 0; result == -1 && attempt < 4; ++attempt) {
    std::uint32_t mode = 0;
    if (!make_writable(dir, mode)) return result;
    result = operation();
    const int saved = errno;
    restore_mode(dir, mode);
    errno = saved;
  }
  return result;
}

}  // namespace weft::model
