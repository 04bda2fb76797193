#include "bep/net/home_file.hh"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>

namespace weft::net {
namespace {

using base::fail;
using base::fail_errno;
namespace fs = std::filesystem;

class Fd {
 public:
  explicit Fd(int fd) noexcept : fd_(fd) {}
  ~Fd() { if (fd_ >= 0) ::close(fd_); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

std::string system_text(int sys_errno) { return std::system_category().message(sys_errno); }

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Gives `temporary` the name `file` unless that is taken; 0 or errno.
int rename_to_new(const fs::path& temporary, const fs::path& file) {
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system without the flag: a hard link also refuses a name that is taken.
  if (::link(temporary.c_str(), file.c_str()) != 0) return errno;
  ::unlink(temporary.c_str());
  return 0;
}

}  // namespace

base::Result<std::string> read_home_file(const fs::path& file, std::string& why) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    const int error = errno;
    why = "cannot open " + file.string() + ": " + system_text(error) +
          (error == ENOENT ? "; run `weft init` to make an identity, or name another --home"
                           : "; check its owner and mode");
    return fail_errno(error, "cannot open a file of the home directory");
  }
  std::string content(kHomeFileBytesMax + 1, '\0');
  std::size_t used = 0;
  while (used < content.size()) {
    const ssize_t got = ::read(fd.get(), content.data() + used, content.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      why = "cannot read " + file.string() + ": " + system_text(error);
      return fail_errno(error, "cannot read a file of the home directory");
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  if (used > kHomeFileBytesMax) {
    why = file.string() + " is larger than 64 KiB, which no certificate or key is; is it the right file?";
    return fail(base::Errc::kInvalidConfig, "a file of the home directory is too large");
  }
  content.resize(used);
  return content;
}

base::Status make_home(const fs::path& home, std::string& why) {
  std::error_code error;
  if (fs::is_directory(home, error)) return {};
  if (home.has_parent_path()) fs::create_directories(home.parent_path(), error);
  if (::mkdir(home.c_str(), 0700) == 0) return {};
  const int sys_errno = errno;
  why = "cannot make the directory " + home.string() + ": " + system_text(sys_errno) + "; choose another --home";
  return fail_errno(sys_errno, "cannot make the home directory");
}

namespace {

// `rename` puts the temporary file (absolute or not, as `file` is) in its place: 0 or errno.
base::Status write_home_file(const fs::path& file, std::string_view content, mode_t mode, std::string& why,
                             int (*rename)(const fs::path& from, const fs::path& to)) {
  const auto failed = [&](int error, const fs::path& temporary) -> base::Status {
    if (!temporary.empty()) ::unlink(temporary.c_str());
    why = "cannot write " + file.string() + ": " + system_text(error);
    if (error == EEXIST) why += "; it is never overwritten, choose another --home";
    return fail_errno(error, "cannot write a file of the home directory");
  };
  std::string pattern = (file.parent_path() / ("." + file.filename().string() + ".XXXXXX")).string();
  const Fd fd(::mkostemp(pattern.data(), O_CLOEXEC));
  if (fd.get() < 0) return failed(errno, {});
  // mkostemp makes it 0600; a key is never readable by others, not even for a moment.
  if (!write_all(fd.get(), content) || ::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0)
    return failed(errno, pattern);
  if (const int error = rename(pattern, file); error != 0) return failed(error, pattern);
  const fs::path parent = file.parent_path().empty() ? fs::path(".") : file.parent_path();
  const Fd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return failed(errno, {});
  return {};
}

}  // namespace

base::Status write_new_home_file(const fs::path& file, std::string_view content, mode_t mode, std::string& why) {
  return write_home_file(file, content, mode, why, rename_to_new);
}

base::Status replace_home_file(const fs::path& file, std::string_view content, mode_t mode, std::string& why) {
  return write_home_file(file, content, mode, why, [](const fs::path& from, const fs::path& to) {
    return std::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
  });
}

}  // namespace weft::net
