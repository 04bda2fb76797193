// The files that are moved: made from a seed, and compared when they have arrived. Blocking; any one thread.
// Contents are random, so that no block equals another and nothing is found on the disk instead of being fetched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "bep/model/config.hh"

namespace weft::lab {

// Asked now and then; false ends the work early.
using GoOn = std::function<bool()>;

// Makes `files` files of together `bytes` bytes below `directory`, a thousand in each folder. Errors: a sentence.
[[nodiscard]] model::ConfigResult<void> make_payload(const std::filesystem::path& directory, std::uint64_t bytes,
                                                     std::uint32_t files, std::uint64_t seed, const GoOn& go_on);

// "" when both hold the same files with the same bytes, else the first difference. `theirs` may be missing.
[[nodiscard]] std::string first_difference(const std::filesystem::path& ours, const std::filesystem::path& theirs);

}  // namespace weft::lab
