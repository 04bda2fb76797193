#include "bep/model/folder_root.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "bep/model/beneath.hh"

namespace weft::model {
namespace {

constexpr std::size_t kIgnoreBytesMax = std::size_t{1} << 20;

FolderRoot refused(std::string sentence) { return {base::UniqueFd{}, std::move(sentence)}; }

std::string system_text(int error) { return std::generic_category().message(error); }

// nullopt-like: true and empty text when there is no such file.
bool read_ignore_file(int root, std::string& text) {
  base::UniqueFd fd(::openat(root, ".stignore", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return errno == ENOENT;
  text.resize(kIgnoreBytesMax);
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return got >= 0;
}

}  // namespace

bool has_ignore_pattern(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) continue;
    line = line.substr(first);
    if (line.starts_with("//") || line.starts_with("#escape")) continue;
    return true;
  }
  return false;
}

bool same_directory(int a, int b) {
  struct stat first {};
  struct stat second {};
  if (::fstat(a, &first) != 0 || ::fstat(b, &second) != 0) return false;
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

FolderRoot open_folder_root(const FolderConfig& config, bool is_new) {
  if (!config.refusal.empty()) return refused(config.refusal);
  const std::string path = config.path.string();
  std::error_code error;
  if (is_new) std::filesystem::create_directories(config.path, error);   // its failure shows in the next line
  base::Result<base::UniqueFd> root = open_root(path);
  if (!root && root.error().code == base::Errc::kNotFound)
    return refused("folder path missing: " + path + " does not exist; mount or create it, or correct the path in "
                   "config.xml");
  if (!root) return refused("cannot open folder path " + path + ": " + system_text(root.error().sys_errno));
  struct stat st {};
  if (::fstatat(root->get(), config.marker_name.c_str(), &st, 0) != 0) {
    if (errno != ENOENT)
      return refused("cannot look for the folder marker in " + path + ": " + system_text(errno));
    if (!is_new)
      return refused("folder marker missing: " + path + "/" + config.marker_name +
                     " is gone, is the disk mounted? If the folder is right, create the marker directory again");
    if (::mkdirat(root->get(), config.marker_name.c_str(), 0755) != 0)
      return refused("cannot create the folder marker in " + path + ": " + system_text(errno));
  }
  std::string patterns;
  if (!read_ignore_file(root->get(), patterns)) return refused("cannot read " + path + "/.stignore");
  if (has_ignore_pattern(patterns))
    return refused("ignore patterns are not supported yet: " + path +
                   "/.stignore has patterns, and without them files would be synced that were meant to be left out; "
                   "remove the patterns or share this folder with another program");
  return {std::move(*root), {}};
}

}  // namespace weft::model
