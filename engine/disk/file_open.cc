#include "engine/disk/file_open.hh"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "engine/base/limits.hh"
#include "engine/base/must.hh"

namespace weft::disk {
namespace {

using base::Errc;
using base::UniqueFd;

constexpr int kDirectoryFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// O_NONBLOCK: a FIFO that took the file's place since we looked must not hold us up.
constexpr int kFileFlags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr int kAttemptsMax = 8;  // for what the kernel asks to try again

// A name with the NUL that system calls want. The copy's bound is the name's own.
class CName {
 public:
  explicit CName(std::string_view name) noexcept {
    MUST(name.size() <= kNameBytesMax);
    if (!name.empty()) std::memcpy(text_.data(), name.data(), name.size());
    text_[name.size()] = '\0';
  }
  [[nodiscard]] const char* get() const noexcept { return text_.data(); }

 private:
  std::array<char, kNameBytesMax + 1> text_;
};

bool is_component(std::string_view part) {
  return !part.empty() && part != "." && part != "..";
}

bool is_safe_name(std::string_view name) {
  if (name.size() > kNameBytesMax || name.find('\0') != std::string_view::npos) return false;
  while (true) {
    const std::size_t slash = name.find('/');
    if (!is_component(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

tl::unexpected<base::Error> fail_open(int error) {
  if (error == ELOOP || error == EXDEV) {
    return base::fail(Errc::kPermission, "the name passes through a symbolic link", ELOOP);
  }
  if (error == ENXIO || error == ENODEV || error == EISDIR) {
    return base::fail(Errc::kUnsupported, "not a regular file", error);
  }
  return base::fail_errno(error, "cannot open the file");
}

// O_NOFOLLOW with O_DIRECTORY says ENOTDIR of a symbolic link; the caller is to hear ELOOP as from
// openat2.
int error_of_component(int directory_fd, const char* part, int error) {
  struct stat found {};
  if (error == ENOTDIR && ::fstatat(directory_fd, part, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISLNK(found.st_mode)) {
    return ELOOP;
  }
  return error;
}

base::Result<UniqueFd> walk_to(int directory_fd, std::string_view path) {
  UniqueFd at;
  while (true) {
    const std::size_t slash = path.find('/');
    const CName part(path.substr(0, slash));
    const int from = at ? at.get() : directory_fd;
    UniqueFd next(::openat(from, part.get(), kDirectoryFlags));
    if (!next) return fail_open(error_of_component(from, part.get(), errno));
    at = std::move(next);
    if (slash == std::string_view::npos) return at;
    path.remove_prefix(slash + 1);
  }
}

base::Result<UniqueFd> open_directory(int directory_fd, std::string_view path, bool use_openat2) {
  if (!use_openat2) return walk_to(directory_fd, path);
  const CName name(path);
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int error = EAGAIN;
  for (int attempt = 0; attempt < kAttemptsMax && (error == EAGAIN || error == EINTR); ++attempt) {
    const long fd = ::syscall(SYS_openat2, directory_fd, name.get(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    error = errno;
  }
  // Linux before 5.6, a seccomp filter that does not know the call, or renames without end on the
  // way: the walk answers all of them, and if it was a real EPERM, the walk meets it again.
  if (error == ENOSYS || error == EPERM || error == EAGAIN || error == EINVAL || error == E2BIG) {
    return walk_to(directory_fd, path);
  }
  return fail_open(error);
}

// Whether the file system takes our alignment; where it does not say (Linux before 6.1), setting
// the flag decides.
bool takes_alignment(int fd) {
  struct statx found {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &found) != 0) return true;
  if ((found.stx_mask & STATX_DIOALIGN) == 0) return true;
  return found.stx_dio_offset_align != 0 && found.stx_dio_mem_align != 0 &&
         base::kDirectAlignment % found.stx_dio_offset_align == 0 &&
         base::kDirectAlignment % found.stx_dio_mem_align == 0;
}

// Whether the page cache seems to hold the file: a page at its start, middle and end answers
// without the disk.
// A guess is enough: a wrong one costs speed. Where RWF_NOWAIT is not known the answer is no.
bool is_cached(int fd, std::uint64_t size) {
  std::array<std::byte, 64> some;  // asking for few bytes tells as much as asking for a page
  const iovec into{some.data(), some.size()};
  const std::uint64_t last = size - std::min<std::uint64_t>(size, some.size());
  for (const std::uint64_t at : {std::uint64_t{0}, size / 2, last}) {
    if (::preadv2(fd, &into, 1, static_cast<off_t>(at), RWF_NOWAIT) <= 0) return false;
  }
  return true;
}

// Takes O_NONBLOCK off again (io_uring would answer EAGAIN instead of waiting) and O_DIRECT on
// where it is wanted. Setting it here rather than in open(): some file systems create the file
// first and refuse the flag after.
base::Result<bool> settle_flags(int fd, bool want_direct) {
  if (want_direct && takes_alignment(fd) && ::fcntl(fd, F_SETFL, O_DIRECT) == 0) return true;
  if (::fcntl(fd, F_SETFL, 0) != 0) return base::fail_errno(errno, "cannot set the file's flags");
  return false;
}

OpenFile describe(UniqueFd fd, const struct stat& found, bool direct) {
  OpenFile file;
  file.fd = std::move(fd);
  file.direct = direct;
  file.size = static_cast<std::uint64_t>(found.st_size);
  file.mtime_s = found.st_mtim.tv_sec;
  file.mtime_ns = static_cast<std::int32_t>(found.st_mtim.tv_nsec);
  file.mode = found.st_mode & 07777u;
  return file;
}

base::Result<struct stat> stat_regular(int fd) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return base::fail_errno(errno, "cannot look at the file");
  if (!S_ISREG(found.st_mode)) return base::fail(Errc::kUnsupported, "not a regular file");
  return found;
}

base::Status reserve(int fd, std::uint64_t bytes) {
  if (bytes == 0) return {};
  int error = EINTR;
  for (int attempt = 0; attempt < kAttemptsMax && error == EINTR; ++attempt) {
    error = ::fallocate(fd, 0, 0, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
  }
  // Not every file system can reserve; writes then find out for themselves.
  if (error == 0 || error == EOPNOTSUPP || error == ENOSYS || error == EINTR) return {};
  if (error == EFBIG) return base::fail(Errc::kLimit, "larger than this file system takes", EFBIG);
  return base::fail_errno(error, "cannot reserve room for the file");
}

// Writing into a file that has another name too would change that one.
tl::unexpected<base::Error> fail_linked() {
  return base::fail(Errc::kPermission, "the temporary file has other names");
}

struct Created {
  UniqueFd fd;
  bool fresh = true;
};

base::Result<Created> create_temp(const Parent& parent, const char* leaf, TempFile use) {
  const int flags = O_RDWR | kFileFlags;
  UniqueFd fd(::openat(parent.fd(), leaf, flags | O_CREAT | O_EXCL, 0600));
  if (fd) return Created{std::move(fd), true};
  if (errno != EEXIST || use == TempFile::kFresh) return fail_open(errno);
  struct stat found {};
  if (::fstatat(parent.fd(), leaf, &found, AT_SYMLINK_NOFOLLOW) != 0) return fail_open(errno);
  if (S_ISLNK(found.st_mode)) return fail_open(ELOOP);
  if (!S_ISREG(found.st_mode)) return base::fail(Errc::kUnsupported, "not a regular file");
  if (found.st_nlink != 1) return fail_linked();
  fd = UniqueFd(::openat(parent.fd(), leaf, flags));
  if (!fd) return fail_open(errno);
  return Created{std::move(fd), false};
}

base::Result<OpenFile> prepare_temp(UniqueFd fd, std::uint64_t size, const OpenPolicy& policy) {
  const struct stat found = TRY(stat_regular(fd.get()));
  if (found.st_nlink != 1) return fail_linked();
  if ((found.st_mode & 07777u) != 0600 && ::fchmod(fd.get(), 0600) != 0) {
    return base::fail_errno(errno, "cannot set the temporary file's mode");
  }
  const bool direct = TRY(settle_flags(fd.get(), size >= policy.direct_bytes_min));
  const std::uint64_t mask = base::kDirectAlignment - 1;
  if (const base::Status reserved = reserve(fd.get(), (size + mask) & ~mask); !reserved) {
    // What was reserved before the disk was full goes back.
    [[maybe_unused]] const int cut = ::ftruncate(fd.get(), found.st_size);
    return tl::unexpected<base::Error>(reserved.error());
  }
  const struct stat now = TRY(stat_regular(fd.get()));
  return describe(std::move(fd), now, direct);
}

}  // namespace

base::Result<Parent> open_parent(int directory_fd, std::string_view name,
                                 const OpenPolicy& policy) {
  MUST(directory_fd >= 0);
  if (!is_safe_name(name)) {
    return base::fail(Errc::kInvalidArgument, "the name is not a plain relative path");
  }
  Parent parent;
  parent.borrowed = directory_fd;
  const std::size_t slash = name.rfind('/');
  parent.leaf = slash == std::string_view::npos ? name : name.substr(slash + 1);
  if (slash != std::string_view::npos) {
    parent.owned = TRY(open_directory(directory_fd, name.substr(0, slash), policy.use_openat2));
  }
  return parent;
}

base::Result<OpenFile> open_for_read(int directory_fd, std::string_view name,
                                     const OpenPolicy& policy) {
  const Parent parent = TRY(open_parent(directory_fd, name, policy));
  const CName leaf(parent.leaf);
  // Looked at before it is opened: opening a device can do things.
  struct stat found {};
  if (::fstatat(parent.fd(), leaf.get(), &found, AT_SYMLINK_NOFOLLOW) != 0) return fail_open(errno);
  if (S_ISLNK(found.st_mode)) return fail_open(ELOOP);
  if (!S_ISREG(found.st_mode)) return base::fail(Errc::kUnsupported, "not a regular file");
  UniqueFd fd(::openat(parent.fd(), leaf.get(), O_RDONLY | kFileFlags));
  if (!fd) return fail_open(errno);
  found = TRY(stat_regular(fd.get()));  // and again: another file may have taken the name
  const auto size = static_cast<std::uint64_t>(found.st_size);
  const bool want_direct = size >= policy.direct_bytes_min &&
                           (policy.direct_when_cached || !is_cached(fd.get(), size));
  const bool direct = TRY(settle_flags(fd.get(), want_direct));
  return describe(std::move(fd), found, direct);
}

base::Result<OpenFile> open_temp_for_write(int directory_fd, std::string_view name,
                                           std::uint64_t size, TempFile use,
                                           const OpenPolicy& policy) {
  constexpr auto kSizeMax =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) - base::kDirectAlignment;
  if (size > kSizeMax) return base::fail(Errc::kInvalidArgument, "the file's size is beyond 2^63");
  const Parent parent = TRY(open_parent(directory_fd, name, policy));
  const CName leaf(parent.leaf);
  Created created = TRY(create_temp(parent, leaf.get(), use));
  auto prepared = prepare_temp(std::move(created.fd), size, policy);
  if (!prepared && created.fresh) ::unlinkat(parent.fd(), leaf.get(), 0);
  return prepared;
}

base::Status make_buffered(OpenFile& file) {
  MUST(file.fd);
  if (!file.direct) return {};
  if (::fcntl(file.fd.get(), F_SETFL, 0) != 0) {
    return base::fail_errno(errno, "cannot set the file's flags");
  }
  file.direct = false;
  return {};
}

}  // namespace weft::disk
