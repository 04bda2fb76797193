// Real directory trees for the tests of bep/model: made, changed and compared by name, kind, mode, mtime and bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace weft::model::test {

// A directory of its own, removed at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& path, const std::string& content);   // makes parents
[[nodiscard]] std::string read_file(const std::filesystem::path& path);
// Repeatable bytes that do not compress and have no equal blocks.
[[nodiscard]] std::string random_bytes(std::size_t count, std::uint64_t seed);
void set_mtime(const std::filesystem::path& path, std::int64_t seconds, std::int64_t nanoseconds);

// Everything that is synced, one line per entry; temp files show as they are (there should be none at the end).
[[nodiscard]] std::map<std::string, std::string> snapshot(const std::filesystem::path& root);
[[nodiscard]] std::size_t count_names_with(const std::filesystem::path& root, const std::string& part);

}  // namespace weft::model::test
