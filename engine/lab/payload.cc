#include "engine/lab/payload.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <vector>

#include "engine/base/prng.hh"
#include "engine/base/unique_fd.hh"

namespace weft::lab {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kPiece = 1u << 20;
constexpr std::uint32_t kFilesPerFolder = 1000;

void fill(std::vector<char>& piece, base::Prng& dice) {
  for (std::size_t i = 0; i + sizeof(std::uint64_t) <= piece.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t word = dice.next();
    std::memcpy(piece.data() + i, &word, sizeof word);
  }
}

bool write_file(const fs::path& file, std::uint64_t bytes, std::vector<char>& piece, base::Prng& dice,
                const GoOn& go_on) {
  const base::UniqueFd out(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!out) return false;
  for (std::uint64_t left = bytes; left > 0;) {
    if (!go_on()) {
      errno = EINTR;
      return false;
    }
    fill(piece, dice);
    for (std::size_t at = 0, count = std::min<std::uint64_t>(left, kPiece); at < count;) {
      const ssize_t done = ::write(out.get(), piece.data() + at, count - at);
      if (done < 0) return false;
      at += static_cast<std::size_t>(done);
      left -= static_cast<std::uint64_t>(done);
    }
  }
  return true;
}

// All of it is on the disk at the end: nothing is written back while something is measured. At once, because thousands
// of small files one by one take as many turns of the disk.
bool settle(const fs::path& directory) {
  const base::UniqueFd there(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return there && ::syncfs(there.get()) == 0;
}

std::set<std::string> names_below(const fs::path& directory) {
  std::set<std::string> names;
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    if (at->is_regular_file(error)) names.insert(at->path().lexically_relative(directory).string());
  return names;
}

bool same_bytes(const fs::path& one, const fs::path& other) {
  std::ifstream a(one, std::ios::binary), b(other, std::ios::binary);
  if (!a || !b) return false;
  std::vector<char> piece_a(kPiece), piece_b(kPiece);
  while (true) {
    a.read(piece_a.data(), static_cast<std::streamsize>(kPiece));
    b.read(piece_b.data(), static_cast<std::streamsize>(kPiece));
    if (a.gcount() != b.gcount()) return false;
    if (a.gcount() == 0) return a.eof() && b.eof();
    if (std::memcmp(piece_a.data(), piece_b.data(), static_cast<std::size_t>(a.gcount())) != 0) return false;
  }
}

}  // namespace

model::ConfigResult<void> make_payload(const fs::path& directory, std::uint64_t bytes, std::uint32_t files,
                                       std::uint64_t seed, const GoOn& go_on) {
  std::error_code error;
  base::Prng dice(seed);
  std::vector<char> piece(kPiece);
  for (std::uint32_t i = 0; i < files; ++i) {
    const fs::path folder = files > kFilesPerFolder ? directory / fmt::format("part-{:03}", i / kFilesPerFolder)
        : directory;
    fs::create_directories(folder, error);
    const fs::path file = folder / fmt::format("file-{:06}.bin", i);
    if (!write_file(file, bytes / files + (i == 0 ? bytes % files : 0), piece, dice, go_on))
      return tl::unexpected(file.string() + ": cannot be written: " + ::strerror(errno));
  }
  if (!settle(directory)) return tl::unexpected(directory.string() + ": cannot be synced: " + ::strerror(errno));
  return {};
}

std::string first_difference(const fs::path& ours, const fs::path& theirs) {
  const std::set<std::string> here = names_below(ours), there = names_below(theirs);
  for (const std::string& name : here)
    if (!there.contains(name)) return name + " has not arrived";
  for (const std::string& name : there)
    if (!here.contains(name)) return name + " was never sent";
  for (const std::string& name : here)
    if (!same_bytes(ours / name, theirs / name)) return name + " has other bytes";
  return here.empty() ? "there is nothing to compare" : "";
}

}  // namespace weft::lab
