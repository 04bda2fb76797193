// A directory of its own for one test, removed at the end.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/base/must.hh"

namespace weft::model {

class TempHome {
 public:
  TempHome() {
    std::string name = (std::filesystem::temp_directory_path() / "weft_model_XXXXXX").string();
    MUST(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempHome() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TempHome(const TempHome&) = delete;
  TempHome& operator=(const TempHome&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void write(const char* name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::string read(const char* name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace weft::model
