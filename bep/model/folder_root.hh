// Whether a folder may run now: its directory, its marker, its ignore file. Looked at before every scan and pull.
// Why so strict: a disk that is not mounted looks like a folder in which everything was deleted.
// Threads: control; a handful of system calls.
#pragma once

#include <string>

#include "bep/model/config.hh"
#include "engine/base/unique_fd.hh"

namespace weft::model {

struct FolderRoot {
  base::UniqueFd fd;               // empty when there is an error
  std::string error;               // one sentence for the user
};

// `is_new`: the index has nothing of ours. Then directory and marker are made where they are missing.
[[nodiscard]] FolderRoot open_folder_root(const FolderConfig& config, bool is_new);

// Does the text of a .stignore exclude anything? Comments, empty lines and directives do not.
[[nodiscard]] bool has_ignore_pattern(std::string_view text);

// The same directory, though its path may have been replaced since `fd` was opened.
[[nodiscard]] bool same_directory(int a, int b);

}  // namespace weft::model
