// What a temp file is known again by (temp_file.hh).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "bep/model/hasher.hh"
#include "bep/model/temp_file.hh"
#include "engine/base/bytes.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

constexpr std::size_t kBootBytes = 36, kMarkBytes = kBootBytes + 5 * sizeof(std::uint64_t);
constexpr std::size_t kHeadBytes = kMarkBytes + sizeof(base::Sha256);

// Its text, "01234567-89ab-…". False: there is none.
bool read_boot_id(base::MutableBytes out) {
  const base::UniqueFd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  return fd && ::read(fd.get(), out.data(), out.size()) == static_cast<ssize_t>(out.size());
}

base::Sha256 digest_of(const std::vector<proto::Block>& blocks) {
  std::vector<std::byte> hashes;
  hashes.reserve(blocks.size() * sizeof(base::Sha256));
  for (const proto::Block& block : blocks) hashes.insert(hashes.end(), block.hash.begin(), block.hash.end());
  return sha256(hashes);
}

std::uint64_t ns(const timespec& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

std::vector<std::byte> Checkpoint::mark_of(int fd) {
  std::vector<std::byte> mark(kMarkBytes);
  struct stat st {};
  if (!read_boot_id(base::MutableBytes(mark).first(kBootBytes)) || ::fstat(fd, &st) != 0) return {};
  base::ByteWriter out(base::MutableBytes(mark).subspan(kBootBytes));
  for (const std::uint64_t value : {std::uint64_t{st.st_dev}, std::uint64_t{st.st_ino}, static_cast<std::uint64_t>(st.st_size),
                                    ns(st.st_mtim), ns(st.st_ctim)})
    out.be(value);
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
