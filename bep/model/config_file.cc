#include "bep/model/config_file.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace weft::model {
namespace {

// False with errno set. The file is complete on disk before it returns true.
bool write_whole_file(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool good = true;
  while (good && !text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    good = written >= 0;
    if (good) text.remove_prefix(static_cast<std::size_t>(written));
  }
  good = good && ::fsync(fd) == 0;
  const int saved = errno;
  ::close(fd);
  errno = saved;
  return good;
}

}  // namespace

ConfigResult<std::string> read_config_file(const std::filesystem::path& file, std::size_t bytes_max,
                                           const std::string& if_missing) {
  const std::string name = file.string();
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    const int error = errno;
    return tl::unexpected(name + ": " + std::strerror(error) + "; " +
                          (error == ENOENT ? if_missing : "check its owner and mode"));
  }
  std::string text;
  std::string piece(64 << 10, '\0');
  while (in && text.size() <= bytes_max) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece, 0, static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad())
    return tl::unexpected(name + ": cannot be read; check that it is a file and the disk is well");
  if (text.size() > bytes_max)
    return tl::unexpected(name + ": is larger than " + std::to_string(bytes_max >> 20) +
                          " MiB, which no configuration is; restore it from a backup");
  return text;
}

ConfigResult<void> write_config_file(const std::filesystem::path& file, std::string_view text) {
  const std::string temporary = file.string() + ".new";
  if (write_whole_file(temporary, text) && ::rename(temporary.c_str(), file.c_str()) == 0)
    return {};
  const std::string reason = std::strerror(errno);
  ::unlink(temporary.c_str());
  return tl::unexpected(file.string() + ": cannot be written: " + reason +
                        "; check the directory's owner and free space");
}

}  // namespace weft::model
