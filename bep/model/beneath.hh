// Opening and looking at things beneath a folder's root without ever following a symbolic link, in any component.
// Why: a peer names the path; a link in the tree must not lead it (or us) out of the folder.
// How: one openat(O_NOFOLLOW) per component, from the root's descriptor. Names are canonical wire names
// (bep/proto/names.hh); a name that is not is refused with kInvalidArgument.
// Threads: any; no state. Errors: kNotFound also where a parent is no directory, or is a symbolic link: for the
// folder the thing is not there.
#pragma once

#include <cerrno>
#include <cstdint>
#include <map>
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

// A name's place in the tree. The descriptor belongs to the Directories that gave it.
struct Place {
  int dir = -1;
  std::string base;                // last component
};

// The parents of the names that one job works on: names that follow each other mostly share theirs, so each directory is
// opened once. What is open stays the directory that it was when somebody moves it: keep one for a job, no longer.
// Bounds: as many descriptors as different parents were asked for.
class Directories {
 public:
  explicit Directories(int root) : root_(root) {}
  [[nodiscard]] base::Result<Place> parent_of(std::string_view name);             // errors: as open_parent()
  [[nodiscard]] base::Result<Place> make_parent_of(std::string_view name, bool& made);

 private:
  [[nodiscard]] base::Result<Place> keep(std::string_view name, base::Result<Parent> opened);
  int root_;
  std::map<std::string, base::UniqueFd, std::less<>> open_;   // by wire name; "" is the root
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
[[nodiscard]] base::Result<base::UniqueFd> open_file(int root, std::string_view name, DiskState& state);
[[nodiscard]] base::Result<base::UniqueFd> open_file_at(const Place& place, DiskState& state, int extra_flags = 0);
[[nodiscard]] base::Result<DiskState> state_of(int root, std::string_view name);
[[nodiscard]] base::Result<DiskState> state_at(int dir, const std::string& base);
[[nodiscard]] base::Result<std::string> read_link(int dir, const std::string& base);

// Calls `operation` (returning 0 or -1 with errno); when it fails because we took our own write permission from
// `dir`, gives it back for the call and takes it away again. Directories such as 0555 are legal content.
template <typename Operation> int in_writable(int dir, Operation operation);
enum class MadeWritable : std::uint8_t { kNo, kByUs, kByOther };   // kByOther: another worker has, or the mode is not why
[[nodiscard]] MadeWritable make_writable(int dir, std::uint32_t& mode_before);
void restore_mode(int dir, std::uint32_t mode);

template <typename Operation> int in_writable(int dir, Operation operation) {
  int result = operation();
  // Another worker may change the mode between our calls, in both directions: a few tries are enough, each is cheap.
  for (int attempt = 0; result == -1 && attempt < 4; ++attempt) {
    std::uint32_t mode = 0;
    const MadeWritable made = make_writable(dir, mode);
    if (made == MadeWritable::kNo) return result;
    result = operation();
    if (made == MadeWritable::kByOther) continue;
    const int saved = errno;
    restore_mode(dir, mode);
    errno = saved;
  }
  return result;
}

}  // namespace weft::model
