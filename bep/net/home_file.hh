// Small files of the home directory: read whole with a bound; keys are written once and never over another.
// Blocking; called at start, by `weft init`, and when a port was chosen. Errors: `why` names the file and the remedy.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/base/result.hh"

namespace weft::net {

inline constexpr std::size_t kHomeFileBytesMax = 64u << 10;  // the largest real one, an RSA key, has 3 KiB

[[nodiscard]] base::Result<std::string> read_home_file(const std::filesystem::path& file, std::string& why);

// Makes the directory with mode 0700 (and its parents) when it is not there.
[[nodiscard]] base::Status make_home(const std::filesystem::path& home, std::string& why);

// The file appears whole, synced and with `mode`, or not at all. kExists when the name is taken.
[[nodiscard]] base::Status write_new_home_file(const std::filesystem::path& file, std::string_view content, mode_t mode,
                                               std::string& why);

// The same, over what stood there.
[[nodiscard]] base::Status replace_home_file(const std::filesystem::path& file, std::string_view content, mode_t mode,
                                             std::string& why);

}  // namespace weft::net
