// A directory of its own for one test: in the working directory (the build tree, on a real disk
// when meson runs the tests), in /tmp where that cannot be written. Gone with the object.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/unique_fd.hh"

namespace weft::disk::test {

class TempDir {
 public:
  TempDir() {
    for (const char* pattern : {"./disk_test.XXXXXX", "/tmp/disk_test.XXXXXX"}) {
      std::string text = pattern;
      if (::mkdtemp(text.data()) == nullptr) continue;
      path_ = std::filesystem::absolute(text);
      break;
    }
    fd_ = base::UniqueFd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_TRUE(fd_) << "no directory to test in";
  }
  ~TempDir() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::string path(const std::string& name) const { return path_ / name; }
  void write(const std::string& name, const std::vector<std::byte>& content) const {
    const base::UniqueFd file(::openat(fd(), name.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644));
    ASSERT_TRUE(file);
    ASSERT_EQ(::write(file.get(), content.data(), content.size()),
              static_cast<ssize_t>(content.size()));
  }
  [[nodiscard]] std::vector<std::byte> read(const std::string& name) const {
    std::vector<std::byte> content(std::filesystem::file_size(path(name)));
    const base::UniqueFd file(::openat(fd(), name.c_str(), O_RDONLY));
    EXPECT_TRUE(file);
    EXPECT_EQ(::read(file.get(), content.data(), content.size()),
              static_cast<ssize_t>(content.size()));
    return content;
  }

 private:
  std::filesystem::path path_;
  base::UniqueFd fd_;
};

}  // namespace weft::disk::test
