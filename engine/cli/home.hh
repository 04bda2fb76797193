// A home directory read whole: what `weft serve` needs before it starts anything, and what the other commands share.
// Threads: one; blocking. Errors: the sentence for people.
#pragma once

#include <filesystem>
#include <string>

#include "bep/model/config.hh"
#include "bep/model/weft_toml.hh"
#include "bep/net/identity.hh"

namespace weft::cli {

struct Home {
  model::Config config;                // prepared: our device is in it and in every folder
  model::WeftConfig weft;
  net::Identity identity;
};
[[nodiscard]] model::ConfigResult<Home> load_home(const std::filesystem::path& home);

[[nodiscard]] std::string host_name();

}  // namespace weft::cli
