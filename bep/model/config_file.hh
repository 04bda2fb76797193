// Small configuration files read whole and replaced whole. Blocking; any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "bep/model/config.hh"

namespace weft::model {

// The whole file, refused above `bytes_max`. `if_missing` is the remedy for a file that is not
// there.
[[nodiscard]] ConfigResult<std::string> read_config_file(const std::filesystem::path& file,
                                                         std::size_t bytes_max,
                                                         const std::string& if_missing);

// Replaces the file in one rename, after its bytes are on disk; mode 0600. On failure the old file
// is untouched.
[[nodiscard]] ConfigResult<void> write_config_file(const std::filesystem::path& file,
                                                   std::string_view text);

}  // namespace weft::model
