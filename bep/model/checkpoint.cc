// What a temp file is known again by (temp_file.hh).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bep/model/hasher.hh"
#include "bep/model/temp_file.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

constexpr std::size_t kBootBytes = 16, kMarkBytes = kBootBytes + 5 * sizeof(std::uint64_t);
constexpr std::size_t kHeadBytes = kMarkBytes + sizeof(base::Sha256);

// "01234567-89ab-…": 32 hexadecimal digits. False: there is none.
bool read_boot_id(std::byte* out) {
  const base::UniqueFd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text{};
  const ssize_t got = fd ? ::read(fd.get(), text.data(), text.size()) : -1;
  std::size_t digits = 0;
  for (ssize_t i = 0; i < got && digits < 2 * kBootBytes; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (value < 0) continue;
    std::byte& byte = out[digits / 2];
    byte = digits % 2 == 0 ? static_cast<std::byte>(value << 4) : byte | static_cast<std::byte>(value);
    ++digits;
  }
  return digits == 2 * kBootBytes;
}

// Offsets and sizes follow from the number of blocks and the file's size; they are hashed all the same.
base::Sha256 digest_of(const std::vector<proto::Block>& blocks) {
  std::vector<std::byte> text;
  text.reserve(blocks.size() * (sizeof(base::Sha256) + 2 * sizeof(std::int64_t)));
  for (const proto::Block& block : blocks) {
    for (const std::int64_t number : {block.offset, std::int64_t{block.size}})
      for (unsigned shift = 0; shift < 64; shift += 8)
        text.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(number) >> shift));
    text.insert(text.end(), block.hash.begin(), block.hash.end());
  }
  return sha256(text);
}

std::uint64_t ns(const timespec& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

std::vector<std::byte> Checkpoint::mark_of(int fd) {
  std::vector<std::byte> mark(kMarkBytes);
  struct stat st {};
  if (!read_boot_id(mark.data()) || ::fstat(fd, &st) != 0) return {};
  const std::array<std::uint64_t, 5> values = {st.st_dev, st.st_ino, static_cast<std::uint64_t>(st.st_size), ns(st.st_mtim),
                                               ns(st.st_ctim)};
  std::byte* out = mark.data() + kBootBytes;
  for (const std::uint64_t value : values)
    for (unsigned shift = 0; shift < 64; shift += 8) *out++ = static_cast<std::byte>(value >> shift);
  return mark;
}

std::vector<std::byte> Checkpoint::make(int fd, const std::vector<proto::Block>& blocks, const std::vector<bool>& have) {
  MUST(have.size() == blocks.size());
  if (::fdatasync(fd) != 0) return {};
  std::vector<std::byte> bytes = mark_of(fd);
  if (bytes.empty()) return {};
  const base::Sha256 wanted = digest_of(blocks);
  bytes.insert(bytes.end(), wanted.begin(), wanted.end());
  bytes.resize(kHeadBytes + (have.size() + 7) / 8);
  for (std::size_t i = 0; i < have.size(); ++i)
    if (have[i]) bytes[kHeadBytes + i / 8] |= static_cast<std::byte>(1u << (i % 8));
  return bytes;
}

std::vector<bool> Checkpoint::read(base::Bytes bytes, base::Bytes mark, const std::vector<proto::Block>& blocks) {
  if (mark.empty() || bytes.size() != kHeadBytes + (blocks.size() + 7) / 8) return {};
  if (!std::ranges::equal(mark, bytes.first(kMarkBytes))) return {};
  if (!std::ranges::equal(digest_of(blocks), bytes.subspan(kMarkBytes, sizeof(base::Sha256)))) return {};
  std::vector<bool> have(blocks.size());
  for (std::size_t i = 0; i < have.size(); ++i)
    have[i] = (bytes[kHeadBytes + i / 8] & static_cast<std::byte>(1u << (i % 8))) != std::byte{};
  return have;
}

}  // namespace weft::model
