// Opens the files that disk agents read and write. A name comes from a peer or from a disk that
// others write to: whatever it says, the file opened lies beneath the folder's directory and is a
// regular file.
// Threads: control or its workers; these calls block. No state.
// Names:   relative, components separated by single '/', none of them "", "." or ".."; at most
//          kNameBytesMax bytes, no NUL. No component may be a symbolic link. Anything else is
//          refused before the disk is asked (kInvalidArgument); a symbolic link on the way is
//          kPermission with ELOOP.
// Direct:  O_DIRECT where it is worth it (README.md): size >= OpenPolicy::direct_bytes_min, the
//          file system takes kDirectAlignment, and a file to be read is not in the page cache
//          already. OpenFile::direct says what came out and goes into DiskJob::direct. A direct
//          file refuses (EINVAL) memory, offsets and lengths off kDirectAlignment: code that uses
//          plain pread or pwrite opens with kNeverDirect, or calls make_buffered() first.
// Source:  openat2(2); where it is missing or forbidden, a walk with O_NOFOLLOW per component.
// Not here: which names a folder holds, ignores, renaming, fsync (bep/model).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/result.hh"
#include "engine/base/unique_fd.hh"

namespace weft::disk {

inline constexpr std::size_t kNameBytesMax = 4095;                  // PATH_MAX without its NUL
inline constexpr std::uint64_t kDirectBytesMin = 4u << 20;  // README.md, "When O_DIRECT is used"
inline constexpr std::uint64_t kNeverDirect = UINT64_MAX;

struct OpenPolicy {
  std::uint64_t direct_bytes_min = kDirectBytesMin;   // kNeverDirect: always through the page cache
  bool direct_when_cached = false;                    // true: reads bypass a full cache
  bool use_openat2 = true;                            // false: always walk component by component
};

struct OpenFile {
  base::UniqueFd fd;
  bool direct = false;
  std::uint64_t size = 0;          // bytes, at the time of the open
  std::int64_t mtime_s = 0;        // seconds since 1970 …
  std::int32_t mtime_ns = 0;       // … and nanoseconds, 0 … 999 999 999
  std::uint32_t mode = 0;          // permission bits, 07777
};

// The directory that a name's last component lies in, and that component. For open, rename and
// unlink without a race: openat/renameat/unlinkat(fd(), leaf) cannot be led elsewhere by a symbolic
// link put in place since.
struct Parent {
  base::UniqueFd owned;            // none when the file lies directly in the folder's directory
  int borrowed = -1;               // the caller's directory fd
  std::string_view leaf;           // part of the caller's name, which must outlive this
  [[nodiscard]] int fd() const noexcept { return owned ? owned.get() : borrowed; }
};
[[nodiscard]] base::Result<Parent> open_parent(int directory_fd, std::string_view name,
                                               const OpenPolicy& policy = {});

// A regular file, read only. Errors: kNotFound, kPermission (also: a symbolic link), kUnsupported
// (not a regular file: FIFOs and devices are not opened at all), kInvalidArgument (name), kIo.
[[nodiscard]] base::Result<OpenFile> open_for_read(int directory_fd, std::string_view name,
                                                   const OpenPolicy& policy = {});

enum class TempFile : bool {
  kFresh,   // must not exist yet (kExists)
  kReuse,   // what an earlier run left is opened with its contents; otherwise created
};
// A temporary file, read and write, mode 0600, in a directory that exists. Room for `size` bytes,
// rounded up to kDirectAlignment, is reserved where the file system can: kNoSpace then comes here
// and not in the middle of a transfer. The file may be longer than `size` from now on; the caller
// truncates it before it renames it. On an error a file that this call created is gone again, and
// one that it found has its old length.
// Further errors: kPermission also for a found file with other names (hard links), kNoSpace,
// kReadOnly.
[[nodiscard]] base::Result<OpenFile> open_temp_for_write(int directory_fd, std::string_view name,
                                                         std::uint64_t size, TempFile use,
                                                         const OpenPolicy& policy = {});

// Turns O_DIRECT off again, also while a disk agent has the file installed (its aligned I/O stays
// valid).
[[nodiscard]] base::Status make_buffered(OpenFile& file);

}  // namespace weft::disk
