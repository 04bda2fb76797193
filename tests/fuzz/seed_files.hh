// Writes a fuzzer's seeds as files, for libFuzzer to begin with. Used by both mains.
#pragma once

#include <filesystem>
#include <fstream>

#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {

// False with a message on stderr when a file cannot be written.
inline bool write_seeds(const std::filesystem::path& directory) {
  Seeds seeds;
  make_seeds(seeds);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  for (const Seeds::Seed& seed : seeds.all()) {
    const std::filesystem::path file = directory / ("seed-" + seed.name);
    std::ofstream out(file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(seed.bytes.data()), static_cast<std::streamsize>(seed.bytes.size()));
    if (!out.flush()) {
      std::fprintf(stderr, "%s: cannot be written\n", file.c_str());
      return false;
    }
  }
  return true;
}

}  // namespace weft::fuzz
