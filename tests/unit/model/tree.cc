#include "tests/unit/model/tree.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "bep/model/hasher.hh"
#include "engine/base/must.hh"
#include "engine/base/prng.hh"

namespace weft::model::test {
namespace fs = std::filesystem;

TempDir::TempDir() {
  std::string pattern = (fs::temp_directory_path() / "weft-model-XXXXXX").string();
  MUST(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(path_, error); it != fs::recursive_directory_iterator();
       it.increment(error))
    if (it->is_directory(error) && !it->is_symlink(error)) fs::permissions(it->path(), fs::perms::owner_all, error);
  fs::remove_all(path_, error);
}

void write_file(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << content;
  out.close();
  MUST(out.good());
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string random_bytes(std::size_t count, std::uint64_t seed) {
  base::Prng prng(seed);
  std::string bytes(count, '\0');
  for (std::size_t i = 0; i < count; i += 8) {
    const std::uint64_t word = prng.next();
    for (std::size_t j = 0; j < 8 && i + j < count; ++j) bytes[i + j] = static_cast<char>(word >> (8 * j));
  }
  return bytes;
}

void set_mtime(const fs::path& path, std::int64_t seconds, std::int64_t nanoseconds) {
  const timespec times[2] = {{0, UTIME_OMIT}, {seconds, nanoseconds}};
  MUST(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

std::map<std::string, std::string> snapshot(const fs::path& root) {
  std::map<std::string, std::string> lines;
  std::error_code error;                       // others may be at work in the tree: what goes meanwhile is left out
  for (auto it = fs::recursive_directory_iterator(root, error); it != fs::recursive_directory_iterator();
       it.increment(error)) {
    const fs::path path = it->path();
    const std::string name = path.lexically_relative(root).string();
    struct stat st {};
    if (name.starts_with(".stfolder") || ::lstat(path.c_str(), &st) != 0) continue;
    std::ostringstream line;
    if (S_ISLNK(st.st_mode)) {
      line << "link " << fs::read_symlink(path, error).string();
    } else if (S_ISDIR(st.st_mode)) {
      line << "dir " << std::oct << (st.st_mode & 0777);
    } else {
      const std::string content = read_file(path);
      const base::Sha256 hash = sha256(std::as_bytes(std::span(content)));
      line << "file " << std::oct << (st.st_mode & 0777) << std::dec << ' ' << st.st_mtim.tv_sec << '.'
           << st.st_mtim.tv_nsec << ' ' << content.size() << ' ' << std::hex;
      for (const std::byte byte : hash) line << std::to_integer<int>(byte) << '.';
    }
    lines[name] = line.str();
  }
  return lines;
}

std::size_t count_names_with(const fs::path& root, const std::string& part) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    count += entry.path().filename().string().find(part) != std::string::npos ? 1 : 0;
  return count;
}

}  // namespace weft::model::test
