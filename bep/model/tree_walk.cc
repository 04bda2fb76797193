#include "bep/model/tree_walk.hh"

#include <fcntl.h>

#include <cerrno>

#include "bep/proto/names.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

// A name that is not UTF-8 must not go raw into JSON or a terminal.
std::string printable(std::string_view name) {
  if (proto::is_utf8(name)) return std::string(name);
  std::string text;
  for (const char c : name) text.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  return text;
}

}  // namespace

TreeWalk::TreeWalk(base::UniqueFd root) : root_(std::move(root)) { MUST(root_); }

void TreeWalk::enter(base::UniqueFd fd, std::string prefix, Turn& turn) {
  DIR* dir = ::fdopendir(fd.get());
  if (dir == nullptr) {
    turn.problems.push_back({prefix, "cannot read directory"});
    return;
  }
  (void)fd.release();              // now the stream's
  levels_.push_back({std::unique_ptr<DIR, CloseDir>(dir), std::move(prefix)});
}

TreeWalk::Turn TreeWalk::next(std::size_t entries_max) {
  MUST(entries_max > 0);
  Turn turn;
  if (root_) enter(std::move(root_), "", turn);
  while (!levels_.empty() && turn.entries.size() + turn.problems.size() + turn.temps.size() < entries_max) {
    errno = 0;
    const dirent* item = ::readdir(levels_.back().dir.get());
    if (item == nullptr) {
      if (errno != 0) turn.problems.push_back({levels_.back().prefix, "cannot read directory"});
      levels_.pop_back();
      continue;
    }
    const std::string_view base(item->d_name);
    if (base != "." && base != "..") take_entry(*item, turn);
  }
  turn.complete = levels_.empty();
  return turn;
}

void TreeWalk::take_entry(const dirent& item, Turn& turn) {
  const std::string base(item.d_name);
  const std::string name = levels_.back().prefix + base;
  const int dir = ::dirfd(levels_.back().dir.get());
  if (proto::is_internal_name(name)) return;
  if (!proto::is_valid_name(name)) {
    turn.problems.push_back({printable(name), "the name cannot be synced (not UTF-8, or too long)"});
    return;
  }
  const base::Result<DiskState> state = state_at(dir, base);
  if (!state) {
    if (state.error().code != base::Errc::kNotFound) turn.problems.push_back({name, "cannot read its state"});
    return;                        // gone since the directory was read
  }
  DiskEntry entry{name, *state, {}};
  if (proto::is_temp_name(name)) {
    if (state->kind == DiskKind::kFile) turn.temps.push_back(std::move(entry));
    return;
  }
  switch (state->kind) {
    case DiskKind::kOther:
      turn.problems.push_back({name, "neither file, directory nor symbolic link"});
      return;
    case DiskKind::kSymlink: {
      base::Result<std::string> target = read_link(dir, base);
      if (!target) {
        turn.problems.push_back({name, target.error().text});
        return;
      }
      entry.symlink_target = std::move(*target);
      break;
    }
    case DiskKind::kFile:
    case DiskKind::kDirectory:
      break;
  }
  turn.entries.push_back(std::move(entry));
  if (state->kind != DiskKind::kDirectory) return;
  if (levels_.size() >= kWalkDepthMax) {
    turn.problems.push_back({name, "directories are nested too deeply"});
    return;
  }
  base::UniqueFd fd(::openat(dir, base.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd) enter(std::move(fd), name + "/", turn);
  else if (errno != ENOENT) turn.problems.push_back({name, "cannot read directory"});
}

}  // namespace weft::model
