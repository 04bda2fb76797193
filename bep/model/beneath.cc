#include "bep/model/beneath.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "bep/proto/names.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

using base::Errc;

// A component that is no directory, or a symbolic link, means: for the folder there is nothing there.
base::Result<base::UniqueFd> step_into(int dir, const char* component) {
  const int fd = ::openat(dir, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0) return base::UniqueFd(fd);
  if (errno == ENOTDIR || errno == ELOOP)
    return base::fail(Errc::kNotFound, "a parent is not a directory", errno);
  return base::fail_errno(errno, "cannot enter directory");
}

DiskState state_from(const struct stat& st) {
  DiskState state;
  if (S_ISREG(st.st_mode)) state.kind = DiskKind::kFile;
  else if (S_ISDIR(st.st_mode)) state.kind = DiskKind::kDirectory;
  else if (S_ISLNK(st.st_mode)) state.kind = DiskKind::kSymlink;
  state.size = st.st_size;
  state.modified_s = st.st_mtim.tv_sec;
  state.modified_ns = static_cast<std::int32_t>(st.st_mtim.tv_nsec);
  state.changed_s = st.st_ctim.tv_sec;
  state.permissions = st.st_mode & 0777;
  state.inode = st.st_ino;
  return state;
}

}  // namespace

base::Result<base::UniqueFd> open_root(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return base::fail_errno(errno, "cannot open the folder's directory");
  return base::UniqueFd(fd);
}

base::Result<base::UniqueFd> open_directory(int root, std::string_view name) {
  MUST(root >= 0);
  base::UniqueFd dir(::openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return base::fail_errno(errno, "cannot open the folder's directory");
  if (name.empty()) return dir;
  if (!proto::is_valid_name(name)) return base::fail(Errc::kInvalidArgument, "not a canonical name");
  while (!name.empty()) {
    const std::size_t slash = name.find('/');
    const std::string component(name.substr(0, slash));
    dir = TRY(step_into(dir.get(), component.c_str()));
    name = slash == std::string_view::npos ? std::string_view{} : name.substr(slash + 1);
  }
  return dir;
}

base::Result<Parent> open_parent(int root, std::string_view name) {
  if (!proto::is_valid_name(name)) return base::fail(Errc::kInvalidArgument, "not a canonical name");
  Parent parent;
  parent.dir = TRY(open_directory(root, proto::directory_of(name)));
  parent.base = std::string(proto::base_of(name));
  return parent;
}

base::Result<Parent> open_or_make_parent(int root, std::string_view name, bool& made) {
  base::Result<Parent> there = open_parent(root, name);
  if (there || there.error().code != Errc::kNotFound) return there;
  base::UniqueFd dir = TRY(open_directory(root, ""));
  std::string_view rest = proto::directory_of(name);
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string component(rest.substr(0, slash));
    const auto make = [&] { return ::mkdirat(dir.get(), component.c_str(), 0755); };
    if (in_writable(dir.get(), make) == 0) {
      made = true;
      (void)::fsync(dir.get());    // the finisher syncs the last directory only; this is a rare way
    } else if (errno != EEXIST) {
      return base::fail_errno(errno, "cannot create the parent directory");
    }
    dir = TRY(step_into(dir.get(), component.c_str()));
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  }
  return Parent{std::move(dir), std::string(proto::base_of(name))};
}

base::Result<base::UniqueFd> open_file(int root, std::string_view name, DiskState& state) {
  Parent parent = TRY(open_parent(root, name));
  return open_file_at({parent.dir.get(), std::move(parent.base)}, state);
}

base::Result<base::UniqueFd> open_file_at(const Place& place, DiskState& state, int extra_flags) {
  // Look before opening: opening a device node may act on the device. O_NONBLOCK covers a FIFO put there since.
  const DiskState before = TRY(state_at(place.dir, place.base));
  if (before.kind != DiskKind::kFile) return base::fail(Errc::kNotFound, "not a regular file");
  base::UniqueFd fd(::openat(place.dir, place.base.c_str(),
                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | extra_flags));
  if (!fd) {
    if (errno == ELOOP) return base::fail(Errc::kNotFound, "not a regular file", errno);
    return base::fail_errno(errno, "cannot open file");
  }
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return base::fail_errno(errno, "cannot read the file's state");
  state = state_from(st);
  if (state.kind != DiskKind::kFile) return base::fail(Errc::kNotFound, "not a regular file");
  return fd;
}

base::Result<DiskState> state_at(int dir, const std::string& base) {
  struct stat st {};
  if (::fstatat(dir, base.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOTDIR) return base::fail(Errc::kNotFound, "a parent is not a directory", errno);
    return base::fail_errno(errno, "cannot read the file's state");
  }
  return state_from(st);
}

base::Result<DiskState> state_of(int root, std::string_view name) {
  const Parent parent = TRY(open_parent(root, name));
  return state_at(parent.dir.get(), parent.base);
}

base::Result<std::string> read_link(int dir, const std::string& base) {
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(dir, base.c_str(), target.data(), target.size());
  if (length < 0) return base::fail_errno(errno, "cannot read the symbolic link");
  target.resize(static_cast<std::size_t>(length));
  return target;
}

MadeWritable make_writable(int dir, std::uint32_t& mode_before) {
  if (errno != EACCES) return MadeWritable::kNo;
  struct stat st {};
  if (::fstat(dir, &st) != 0) return MadeWritable::kNo;
  errno = EACCES;
  if ((st.st_mode & 0300) == 0300) return MadeWritable::kByOther;
  mode_before = st.st_mode & 07777;
  if (::fchmod(dir, mode_before | 0700) == 0) return MadeWritable::kByUs;
  errno = EACCES;
  return MadeWritable::kNo;
}

void restore_mode(int dir, std::uint32_t mode) { (void)::fchmod(dir, mode); }

base::Result<Place> Directories::keep(std::string_view name, base::Result<Parent> opened) {
  if (!opened) return tl::unexpected<base::Error>(opened.error());
  const int dir = opened->dir.get();
  MUST(open_.try_emplace(std::string(proto::directory_of(name)), std::move(opened->dir)).second);
  return Place{dir, std::move(opened->base)};
}

base::Result<Place> Directories::parent_of(std::string_view name) {
  const auto known = open_.find(proto::directory_of(name));
  if (known == open_.end()) return keep(name, open_parent(root_, name));
  if (!proto::is_valid_name(name)) return base::fail(Errc::kInvalidArgument, "not a canonical name");
  return Place{known->second.get(), std::string(proto::base_of(name))};
}

base::Result<Place> Directories::make_parent_of(std::string_view name, bool& made) {
  if (open_.contains(proto::directory_of(name))) return parent_of(name);
  return keep(name, open_or_make_parent(root_, name, made));
}

}  // namespace weft::model
