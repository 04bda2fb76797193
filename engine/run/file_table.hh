// The files that one data core reads for peers or writes for us, by the number control gave them. The same number
// names the file to the disk agent.
// Owner: one data core. Bounds: CoreLimits::files. Control makes the numbers, so a number that is
// wrong in a command is our bug; a number in a peer's REQUEST is checked here.
//
//   kFree --install--> kInstalling --disk--> kReady --close--> kClosing --busy == 0--> kRemoving --disk--> kFree
//                           | failed: kFree, kFileFailed                               (then kFileGone)
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "engine/base/limits.hh"
#include "engine/base/slot_pool.hh"
#include "engine/base/types.hh"

namespace weft::run {

// A file's number: generation | core | index. Unique in the device, so that a handle in a RELEASE says whose it is.
struct FileNumber {
  static constexpr std::uint32_t kIndexBits = 12, kCoreBits = 4;
  static_assert(base::kFilesPerCoreMax == 1u << kIndexBits && base::kCoresMax <= 1u << kCoreBits);
  static constexpr std::uint32_t of(std::uint32_t core, base::SlotRef ref) { return ref.word() | core << kIndexBits; }
  static constexpr std::uint32_t core(std::uint32_t number) { return (number >> kIndexBits) & ((1u << kCoreBits) - 1); }
  static constexpr std::uint32_t index(std::uint32_t number) { return number & ((1u << kIndexBits) - 1); }
  static constexpr base::SlotRef ref(std::uint32_t number) {
    return base::SlotRef::from_word((number & 0xFFFF0000u) | index(number));
  }
};

struct FileEntry {
  enum class State : std::uint8_t { kFree, kInstalling, kReady, kClosing, kRemoving };
  State state = State::kFree;
  bool serving = false;
  bool direct = false;
  bool unhashed = false;         // share::kNowhereFd
  base::SessionId session{};
  std::uint32_t number = 0;      // the whole word, generation included
  std::uint32_t busy = 0;        // extents or blocks that still need it
  std::uint64_t size = 0;        // serving: of the file
};

class FileTable {
 public:
  explicit FileTable(std::uint32_t count) : count_(count), entries_(std::make_unique<FileEntry[]>(count)) {
    MUST(count >= 1 && count <= base::kFilesPerCoreMax);
  }
  // By control's number; nullptr when the number is not (or no more) in use.
  [[nodiscard]] FileEntry* find(std::uint32_t number) noexcept {
    if (FileNumber::index(number) >= count_) return nullptr;
    FileEntry& entry = entries_[FileNumber::index(number)];
    return entry.state != FileEntry::State::kFree && entry.number == number ? &entry : nullptr;
  }
  [[nodiscard]] FileEntry& at(std::uint32_t index) noexcept {
    MUST(index < count_);
    return entries_[index];
  }

 private:
  const std::uint32_t count_;
  std::unique_ptr<FileEntry[]> entries_;
};

}  // namespace weft::run
