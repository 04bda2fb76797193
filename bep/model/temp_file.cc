#include "bep/model/temp_file.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "bep/model/beneath.hh"
#include "bep/model/hasher.hh"
#include "bep/model/workers.hh"
#include "bep/proto/names.hh"
#include "engine/base/limits.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

using base::Errc;

// Reserving room costs a small file more than writing it does, and a small file that does not fit says so at once.
constexpr std::int64_t kReserveBytesMin = std::int64_t{1} << 20;

int open_temp_at(int dir, const std::string& base) {
  return ::openat(dir, base.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
}

// What stands under the temp name may be anything: an earlier run's file, read-only by now, or somebody's link. `size`: of
// what stands in it.
base::Result<base::UniqueFd> open_or_replace(int dir, const std::string& base, std::int64_t& size) {
  base::UniqueFd fd(in_writable(dir, [&] { return open_temp_at(dir, base); }));
  if (!fd && errno == EACCES) {
    if (::fchmodat(dir, base.c_str(), 0600, AT_SYMLINK_NOFOLLOW) == 0) fd = base::UniqueFd(open_temp_at(dir, base));
    else errno = EACCES;           // why it cannot be opened is what the user has to know
  }
  struct stat st {};
  const bool ours = fd && ::fstat(fd.get(), &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
  size = ours ? st.st_size : 0;
  if (ours) return fd;
  if (!fd && errno != ELOOP && errno != ENXIO) return base::fail_errno(errno, "cannot create temp file");
  if (::unlinkat(dir, base.c_str(), 0) != 0) return base::fail_errno(errno, "cannot replace temp file");
  fd = base::UniqueFd(open_temp_at(dir, base));
  if (!fd) return base::fail_errno(errno, "cannot create temp file");
  return fd;
}

base::Status reserve(int fd, std::int64_t size, std::int64_t size_before, bool sparse) {
  if (size < kReserveBytesMin) return {};
  if (!sparse) {
    const std::int64_t unit = base::kDirectAlignment;
    if (::fallocate(fd, 0, 0, (size + unit - 1) / unit * unit) == 0) return {};
    const int why = errno;
    if (why != EOPNOTSUPP && why != ENOSYS) {
      (void)::ftruncate(fd, size_before);      // what was reserved before the room ended is needed by others
      return base::fail_errno(why, "cannot reserve room for the file");
    }
  }
  if (size_before < size && ::ftruncate(fd, size) != 0)
    return base::fail_errno(errno, "cannot reserve room for the file");
  return {};
}

base::Status write_all(int fd, std::int64_t offset, base::Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return base::fail_errno(errno, "cannot write temp file");
    if (put == 0) return base::fail(Errc::kIo, "cannot write temp file");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += put;
  }
  return {};
}

// A worker's, for the copy that O_DIRECT wants on whole pages. Kept: memory that is given back and taken again is cleared by the
// kernel each time.
struct Aligned {
  static constexpr std::size_t kBytes = std::size_t{1} << 20;
  static constexpr std::align_val_t kAt{base::kDirectAlignment};
  std::byte* const at = static_cast<std::byte*>(::operator new(kBytes, kAt));
  Aligned() = default;
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  ~Aligned() { ::operator delete(at, kAt); }
};

base::Status write_direct(int fd, std::int64_t offset, base::Bytes bytes) {
  thread_local const Aligned piece;
  while (!bytes.empty()) {
    const base::Bytes part = bytes.first(std::min(bytes.size(), Aligned::kBytes));
    std::memcpy(piece.at, part.data(), part.size());   // std::ranges::copy goes byte by byte here
    TRY(write_all(fd, offset, {piece.at, part.size()}));
    offset += static_cast<std::int64_t>(part.size());
    bytes = bytes.subspan(part.size());
  }
  return {};
}

// True when the block stands in the file; its bytes are then in `buffer`.
bool has_block(int fd, const proto::Block& block, std::vector<std::byte>& buffer) {
  buffer.resize(static_cast<std::size_t>(block.size));
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t got = ::pread(fd, buffer.data() + done, buffer.size() - done,
                                static_cast<off_t>(block.offset) + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  return sha256(buffer) == block.hash;
}

// Where data may begin at or after `offset`; reserved room that was never written reads as a hole.
std::int64_t next_data(int fd, std::int64_t offset) {
  const off_t at = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  if (at >= 0) return at;
  return errno == ENXIO ? INT64_MAX : offset;
}

base::Status make_hole(int fd, const proto::Block& block) {
  if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, block.offset, block.size) == 0) return {};
  const std::vector<std::byte> zeros(static_cast<std::size_t>(block.size));
  return write_all(fd, block.offset, zeros);
}

}  // namespace

base::Result<TempFile> open_temp(Directories& directories, const std::string& name, std::int64_t size, bool sparse,
                                 DirectIo direct) {
  MUST(size >= 0);
  TempFile temp;
  const Place place = TRY(directories.make_parent_of(name, temp.made_parents));
  temp.temp_base = std::string(proto::base_of(proto::temp_name(name)));
  std::int64_t size_before = 0;
  temp.fd = TRY(open_or_replace(place.dir, temp.temp_base, size_before));
  temp.resumed = size_before > 0;
  if (temp.resumed && size >= Checkpoint::kFileBytesMin) temp.mark = Checkpoint::mark_of(temp.fd.get());
  const base::Status reserved = reserve(temp.fd.get(), size, size_before, sparse);
  if (!reserved) {
    if (!temp.resumed) ::unlinkat(place.dir, temp.temp_base.c_str(), 0);
    return tl::unexpected<base::Error>(reserved.error());
  }
  const bool wanted = direct == DirectIo::kAlways || (direct == DirectIo::kAuto && size >= kDirectBytesMin);
  if (wanted)                      // refused by the file system: none, and the buffered one serves
    temp.direct = base::UniqueFd(::openat(place.dir, temp.temp_base.c_str(),
                                          O_WRONLY | O_DIRECT | O_NOFOLLOW | O_CLOEXEC));
  return temp;
}

base::Status prepare_turn(const TempFile& temp, Prepare& prepare) {
  std::vector<std::byte> buffer;
  std::size_t turn = 0;
  std::int64_t data_from = -1;     // known start of data at or after the last look
  for (; !prepare.complete() && turn < kTurnBytes; ++prepare.next_block) {
    const proto::Block& block = prepare.blocks[prepare.next_block];
    if (block.size == 0) continue;
    const auto bytes = static_cast<std::uint32_t>(block.size);
    if (!prepare.known.empty() && prepare.known[prepare.next_block]) {
      prepare.bytes_kept += bytes;
      continue;
    }
    if (temp.resumed && data_from < block.offset) data_from = next_data(temp.fd.get(), block.offset);
    const bool written = temp.resumed && data_from < block.offset + block.size;
    if (written) turn += bytes;
    if (written && has_block(temp.fd.get(), block, buffer)) {
      prepare.bytes_kept += bytes;
      continue;
    }
    if (is_zero_block(block.hash, bytes)) {
      if (written) TRY(make_hole(temp.fd.get(), block));
      prepare.bytes_kept += bytes;
      continue;
    }
    bool copied = false;
    for (const base::UniqueFd& donor : prepare.donors) {
      turn += bytes;
      if (!has_block(donor.get(), block, buffer)) continue;
      TRY(write_all(temp.fd.get(), block.offset, buffer));
      copied = true;
      break;
    }
    if (copied) prepare.bytes_copied += bytes;
    else prepare.missing.push_back(static_cast<std::uint32_t>(prepare.next_block));
  }
  return {};
}

bool goes_direct(const TempFile& temp, const proto::Block& block) {
  constexpr std::int64_t kUnit = base::kDirectAlignment;
  return temp.direct && block.offset % kUnit == 0 && block.size % kUnit == 0;
}

base::Status write_block(const TempFile& temp, const proto::Block& block, base::Bytes bytes) {
  MUST(temp.fd);
  if (bytes.size() != static_cast<std::size_t>(block.size) || sha256(bytes) != block.hash)
    return base::fail(Errc::kCorrupt, "block does not match its hash");
  if (goes_direct(temp, block)) {
    const base::Status written = write_direct(temp.direct.get(), block.offset, bytes);
    // A file system that let itself be opened so and wants larger units still.
    if (written || written.error().sys_errno != EINVAL) return written;
  }
  return write_all(temp.fd.get(), block.offset, bytes);
}

}  // namespace weft::model
