#include "bep/model/finisher.hh"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <set>

#include "bep/model/beneath.hh"
#include "bep/model/scanner.hh"
#include "bep/proto/names.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

using base::Errc;
using Outcome = FinishResult::Outcome;

constexpr std::uint32_t kModeUnknown = 0644;      // of a new file whose sender has no permissions
constexpr std::uint32_t kModeUnknownDirectory = 0755;

FinishResult applied(const proto::FileInfo& info) { return {Outcome::kApplied, {}, info, false, false}; }
FinishResult failed(base::Error error) { return {Outcome::kFailed, error, {}, false, false}; }
FinishResult failed_errno(const char* text) { return failed(base::fail_errno(errno, text).value()); }
FinishResult changed() { return {Outcome::kChanged, {}, {}, false, false}; }

// What stands at the target's name; nullopt: nothing.
base::Result<std::optional<DiskEntry>> look(int dir, const std::string& base) {
  const base::Result<DiskState> state = state_at(dir, base);
  if (!state && state.error().code == Errc::kNotFound) return std::optional<DiskEntry>{};
  if (!state) return tl::unexpected<base::Error>(state.error());
  DiskEntry entry{base, *state, {}};
  if (state->kind == DiskKind::kSymlink) entry.symlink_target = TRY(read_link(dir, base));
  return std::optional<DiskEntry>(std::move(entry));
}

class Batch {
 public:
  explicit Batch(const FinishOptions& options) : options_(options), directories_(options.root) {}

  // The content of one temp file is on its way to the disk, with its final size, mode and time.
  base::Status prepare_file(const FinishItem& item) {
    const int fd = item.temp->fd.get();
    struct stat st {};
    const bool has_size = ::fstat(fd, &st) == 0 && st.st_size == item.target.size;   // of small files nearly always
    if (!has_size && ::ftruncate(fd, item.target.size) != 0) return base::fail_errno(errno, "cannot set the size");
    std::uint32_t mode = kModeUnknown;
    if (keeps_mode(item)) mode = item.target.permissions & 0777;
    else if (item.local && item.local->type == proto::FileType::kFile) mode = item.local->permissions & 0777;
    if (::fchmod(fd, mode) != 0) return base::fail_errno(errno, "cannot set permissions");
    TRY(set_time(fd, item.target));
    if (options_.fsync && item.target.size > 0)
      (void)::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);   // only a head start for fsync below
    return {};
  }
  base::Status sync_file(const FinishItem& item) {
    if (options_.fsync && ::fsync(item.temp->fd.get()) != 0) return base::fail_errno(errno, "cannot sync file");
    return {};
  }

  FinishResult apply(FinishItem& item) {
    bool made = false;
    const base::Result<Place> place = item.target.deleted ? directories_.parent_of(item.target.name)
                                                          : directories_.make_parent_of(item.target.name, made);
    if (!place) {
      if (item.target.deleted && place.error().code == Errc::kNotFound) return applied(item.target);
      return failed(place.error());
    }
    const base::Result<std::optional<DiskEntry>> disk = look(place->dir, place->base);
    if (!disk) return failed(disk.error());
    if (item.target.deleted && !*disk) return applied(item.target);
    if (!is_as_indexed(item, *disk)) return changed();
    FinishResult result = item.target.deleted ? remove(item, *place, **disk) : put(item, *place, *disk);
    result.made_parents = made;
    if (result.outcome == Outcome::kApplied) touched_.insert(place->dir);
    return result;
  }

  base::Status sync_directories() {
    if (!options_.fsync) return {};
    for (const int dir : touched_)
      if (::fsync(dir) != 0) return base::fail_errno(errno, "cannot sync directory");
    return {};
  }

 private:
  [[nodiscard]] bool keeps_mode(const FinishItem& item) const {
    return !options_.ignore_perms && !item.target.no_permissions;
  }

  [[nodiscard]] bool is_as_indexed(const FinishItem& item, const std::optional<DiskEntry>& disk) const {
    if (!item.local) {
      if (!disk) return true;
      // Somebody made the very thing already: taking it over loses nothing.
      if (item.target.type == proto::FileType::kDirectory) return disk->state.kind == DiskKind::kDirectory;
      return item.target.type == proto::FileType::kSymlink && same_on_disk(item.target, *disk, true);
    }
    return disk && same_on_disk(*item.local, *disk, options_.ignore_perms);
  }

  static base::Status set_time(int fd, const proto::FileInfo& info) {
    const timespec times[2] = {{0, UTIME_OMIT}, {info.modified_s, info.modified_ns}};
    if (::futimens(fd, times) != 0) return base::fail_errno(errno, "cannot set the modification time");
    return {};
  }

  FinishResult put(FinishItem& item, const Place& place, const std::optional<DiskEntry>& disk) {
    switch (item.target.type) {
      case proto::FileType::kDirectory: return put_directory(item, place, disk);
      case proto::FileType::kSymlink: return put_symlink(item, place, disk);
      case proto::FileType::kFile: return item.temp ? put_file(item, place, disk) : put_metadata(item, place);
    }
    MUST(false);
  }

  FinishResult put_directory(const FinishItem& item, const Place& place, const std::optional<DiskEntry>& disk) {
    const int dir = place.dir;
    const char* base = place.base.c_str();
    FinishResult result = applied(item.target);
    if (disk && !item.conflict_name.empty()) {
      const base::Status kept = keep_copy(item, place);
      if (!kept) return failed(kept.error());
      result.kept_copy = true;
    } else if (disk && disk->state.kind != DiskKind::kDirectory &&
               in_writable(dir, [&] { return ::unlinkat(dir, base, 0); }) != 0) {
      return failed_errno("cannot make way for the directory");
    }
    const std::uint32_t mode = keeps_mode(item) ? item.target.permissions & 0777 : kModeUnknownDirectory;
    const bool there = disk && disk->state.kind == DiskKind::kDirectory;
    if (!there && in_writable(dir, [&] { return ::mkdirat(dir, base, 0700); }) != 0)
      return failed_errno("cannot create directory");
    if (there && !keeps_mode(item)) return result;
    base::UniqueFd made(::openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat st {};
    if (!made || ::fstat(made.get(), &st) != 0) return failed_errno("cannot open directory");
    if (::fchmod(made.get(), (st.st_mode & 07000) | mode) != 0) return failed_errno("cannot set permissions");
    return result;
  }

  FinishResult put_symlink(const FinishItem& item, const Place& place, const std::optional<DiskEntry>& disk) {
    if (item.target.symlink_target.empty())
      return failed({Errc::kInvalidArgument, 0, "the symbolic link has no target"});
    if (disk && disk->state.kind == DiskKind::kSymlink && disk->symlink_target == item.target.symlink_target)
      return applied(item.target);
    const int dir = place.dir;
    const std::string temp(proto::base_of(proto::temp_name(item.target.name)));
    (void)::unlinkat(dir, temp.c_str(), 0);
    if (in_writable(dir, [&] { return ::symlinkat(item.target.symlink_target.c_str(), dir, temp.c_str()); }) != 0)
      return failed_errno("cannot create symbolic link");
    FinishResult result = take_name(item, place, disk, temp);
    // It costs nothing to make again, and as a link under a temp name no one would ever take it away.
    if (result.outcome != Outcome::kApplied) (void)::unlinkat(dir, temp.c_str(), 0);
    return result;
  }

  FinishResult put_file(const FinishItem& item, const Place& place, const std::optional<DiskEntry>& disk) {
    FinishResult result = take_name(item, place, disk, item.temp->temp_base);
    if (result.outcome == Outcome::kApplied) note_time(item.temp->fd.get(), result.info);
    return result;
  }

  FinishResult take_name(const FinishItem& item, const Place& place, const std::optional<DiskEntry>& disk,
                         const std::string& temp) {
    const int dir = place.dir;
    FinishResult result = applied(item.target);
    bool linked = false;           // what stands there has both names
    if (disk && !item.conflict_name.empty()) {
      const base::Result<bool> kept = link_copy(item, place, *disk);
      if (!kept) return failed(kept.error());
      linked = *kept;
      result.kept_copy = true;
    } else if (disk && disk->state.kind == DiskKind::kDirectory &&
               in_writable(dir, [&] { return ::unlinkat(dir, place.base.c_str(), AT_REMOVEDIR); }) != 0) {
      return failed_errno("the directory in its place is not empty");
    }
    if (in_writable(dir, [&] { return ::renameat(dir, temp.c_str(), dir, place.base.c_str()); }) == 0)
      return result;
    const FinishResult failure = failed_errno("cannot rename temp file");
    if (result.kept_copy) undo_copy(item, place, linked);
    return failure;
  }

  // The copy's name beside the old one, so that at no moment, and after no crash, the name stands for nothing: the
  // rename of the new content over it is atomic. false: the file system has no such links, it was renamed.
  static base::Result<bool> link_copy(const FinishItem& item, const Place& place, const DiskEntry& disk) {
    const int dir = place.dir;
    const std::string copy(proto::base_of(item.conflict_name));
    if (disk.state.kind == DiskKind::kFile) {
      const auto keep = [&] { return ::linkat(dir, place.base.c_str(), dir, copy.c_str(), 0); };
      if (in_writable(dir, keep) == 0) return true;
      if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK)
        return base::fail_errno(errno, "cannot keep the conflict copy");
    }
    TRY(keep_copy(item, place));
    return false;
  }

  static void undo_copy(const FinishItem& item, const Place& place, bool linked) {
    const int dir = place.dir;
    const std::string copy(proto::base_of(item.conflict_name));
    if (linked) (void)in_writable(dir, [&] { return ::unlinkat(dir, copy.c_str(), 0); });
    else (void)in_writable(dir, [&] { return ::renameat(dir, copy.c_str(), dir, place.base.c_str()); });
  }

  static base::Status keep_copy(const FinishItem& item, const Place& place) {
    const int dir = place.dir;
    const std::string copy(proto::base_of(item.conflict_name));
    const auto keep = [&] { return ::renameat2(dir, place.base.c_str(), dir, copy.c_str(), RENAME_NOREPLACE); };
    if (in_writable(dir, keep) == 0) return {};
    if (errno != EINVAL) return base::fail_errno(errno, "cannot keep the conflict copy");
    // A file system without RENAME_NOREPLACE. Between look and rename only we make names of this form.
    if (::faccessat(dir, copy.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      return base::fail(Errc::kExists, "cannot keep the conflict copy");
    if (::renameat(dir, place.base.c_str(), dir, copy.c_str()) == 0) return {};
    return base::fail_errno(errno, "cannot keep the conflict copy");
  }

  // Same content, other mode or time.
  FinishResult put_metadata(const FinishItem& item, const Place& place) {
    DiskState state;
    const base::Result<base::UniqueFd> fd = open_file(options_.root, item.target.name, state);
    if (!fd) return failed(fd.error());
    if (keeps_mode(item) && ::fchmod(fd->get(), item.target.permissions & 0777) != 0)
      return failed_errno("cannot set permissions");
    const base::Status timed = set_time(fd->get(), item.target);
    if (!timed) return failed(timed.error());
    if (options_.fsync && ::fsync(fd->get()) != 0) return failed_errno("cannot sync file");
    FinishResult result = applied(item.target);
    note_time(fd->get(), result.info);
    (void)place;
    return result;
  }

  // A file system with coarse times gives back another time than was set; the next scan must not see a change.
  static void note_time(int fd, proto::FileInfo& info) {
    struct stat st {};
    if (::fstat(fd, &st) != 0) return;
    info.modified_s = st.st_mtim.tv_sec;
    info.modified_ns = static_cast<std::int32_t>(st.st_mtim.tv_nsec);
  }

  FinishResult remove(const FinishItem& item, const Place& place, const DiskEntry& disk) {
    const int dir = place.dir;
    const char* base = place.base.c_str();
    FinishResult result = applied(item.target);
    if (!item.conflict_name.empty()) {
      const base::Status kept = keep_copy(item, place);
      if (!kept) return failed(kept.error());
      result.kept_copy = true;
      return result;
    }
    if (disk.state.kind != DiskKind::kDirectory) {
      if (in_writable(dir, [&] { return ::unlinkat(dir, base, 0); }) == 0) return result;
      return failed_errno("cannot delete file");
    }
    remove_temps(dir, base);
    if (in_writable(dir, [&] { return ::unlinkat(dir, base, AT_REMOVEDIR); }) == 0) return result;
    return failed_errno("the directory has something in it that is not synced");
  }

  // Our own unfinished files do not keep a directory alive.
  static void remove_temps(int parent, const char* base) {
    const int fd = ::openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR* dir = fd >= 0 ? ::fdopendir(fd) : nullptr;
    if (dir == nullptr) {
      if (fd >= 0) ::close(fd);
      return;
    }
    std::vector<std::string> temps;
    while (const dirent* item = ::readdir(dir))
      if (proto::is_temp_name(item->d_name)) temps.emplace_back(item->d_name);
    for (const std::string& temp : temps) (void)::unlinkat(fd, temp.c_str(), 0);
    ::closedir(dir);
  }

  const FinishOptions& options_;
  Directories directories_;
  std::set<int> touched_;                      // directories in which a name was changed
};

}  // namespace

std::vector<FinishResult> apply_batch(const FinishOptions& options, std::span<FinishItem> items) {
  MUST(options.root >= 0);
  MUST(items.size() <= kFinishBatchMax);
  Batch batch(options);
  std::vector<base::Status> ready(items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    if (items[i].temp) ready[i] = batch.prepare_file(items[i]);
  for (std::size_t i = 0; i < items.size(); ++i)
    if (items[i].temp && ready[i]) ready[i] = batch.sync_file(items[i]);
  std::vector<FinishResult> results;
  results.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    results.push_back(ready[i] ? batch.apply(items[i]) : failed(ready[i].error()));
  const base::Status synced = batch.sync_directories();
  if (!synced)
    for (FinishResult& result : results)
      if (result.outcome == Outcome::kApplied) result = failed(synced.error());
  return results;
}

}  // namespace weft::model
