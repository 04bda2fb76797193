// A directory for the life of the process, in memory where the machine has /dev/shm.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace weft::fuzz {

class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = (::access("/dev/shm", W_OK) == 0 ? std::string("/dev/shm")
                                                           : std::filesystem::temp_directory_path().string()) +
                          "/weft-fuzz-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
      std::perror(pattern.c_str());
      std::exit(2);
    }
    path_ = pattern;
  }
  ~TempDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace weft::fuzz
