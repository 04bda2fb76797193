// Walks a folder's tree in turns: directories before what is in them, symbolic links reported and never followed.
// Threads: one at a time; it moves between control and a worker as a value, a turn runs on a worker.
// Bounds: entries per turn by the caller; depth kWalkDepthMax (each level holds one descriptor).
// Skips silently: what is never synced (folder marker, .stignore, .stversions at the root). Temp files come apart.
// Reports as unusable: names that are not valid UTF-8, directories that cannot be read, devices, sockets, FIFOs.
#pragma once

#include <dirent.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "bep/model/beneath.hh"
#include "engine/base/unique_fd.hh"

namespace weft::model {

inline constexpr std::size_t kWalkDepthMax = 200;

struct DiskEntry {
  std::string name;                // canonical wire name
  DiskState state;
  std::string symlink_target;
};
struct WalkProblem {
  std::string name;                // as printable text
  const char* text = "";           // static
};

class TreeWalk {
 public:
  struct Turn {
    std::vector<DiskEntry> entries;
    std::vector<WalkProblem> problems;
    std::vector<DiskEntry> temps;  // our own unfinished files
    bool complete = false;
  };
  explicit TreeWalk(base::UniqueFd root);   // its own descriptor of the root
  TreeWalk(TreeWalk&&) noexcept = default;
  TreeWalk& operator=(TreeWalk&&) noexcept = default;
  [[nodiscard]] Turn next(std::size_t entries_max);

 private:
  struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  struct Level {
    std::unique_ptr<DIR, CloseDir> dir;
    std::string prefix;            // "" or "a/b/"
  };
  void enter(base::UniqueFd fd, std::string prefix, Turn& turn);
  void take_entry(const dirent& item, Turn& turn);
  std::vector<Level> levels_;
  base::UniqueFd root_;
};

}  // namespace weft::model
