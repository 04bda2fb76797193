// What a peer that measures is given instead of a folder's files: data made up in memory, or a file of it on our disk.
// Stands before the model: names in kBenchFolder are answered here, and only where the operator allows it ([lab] bench in
// weft.toml); all others go on to the model.
//   "memory"   data that no disk holds, of any size (share::kMemoryFd)
//   "disk"     kBenchFileBytes, without a name, made when it is first asked for and kept until the daemon ends
// Either is share::fill_pattern() over and over, so that who asks can tell what its blocks hash to.
// Thread: control; the file is written by the workers. Bounds: one file; what is asked of it is bounded as any peer's
// requests are.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "bep/model/fabric.hh"
#include "bep/model/workers.hh"
#include "engine/disk/file_open.hh"

namespace weft::run {

inline constexpr const char* kBenchFolder = ".weft-bench";
inline constexpr const char* kBenchMemory = "memory";
inline constexpr const char* kBenchDisk = "disk";
inline constexpr std::uint64_t kBenchFileBytes = std::uint64_t{512} << 20;
inline constexpr std::uint64_t kBenchMemoryBytes = std::uint64_t{1} << 50;

class BenchFiles final : public model::FileServer {
 public:
  struct Settings {
    bool allowed = false;
    bool direct = true;                      // the disk's file by O_DIRECT, where the file system takes it
    std::filesystem::path directory;         // where the file goes
  };
  // `next` and `workers` outlive this.
  BenchFiles(model::FileServer& next, model::Workers& workers, Settings settings);

  // kPermission: not allowed here; kNotFound: neither of the two names; kNoSpace, kIo: there is no place for the file.
  void open_for_peer(const base::DeviceId& device, const model::RemoteFile& file, model::ServedDone done) override;

 private:
  using Made = base::Result<std::optional<disk::OpenFile>>;   // none: it was there already
  void open_disk(model::ServedDone done);
  void on_made(Made made);

  model::FileServer& next_;
  model::Workers& workers_;
  const Settings settings_;
  std::optional<disk::OpenFile> file_;
  std::vector<model::ServedDone> waiting_;   // for the file to be made
};

// A file of kBenchFileBytes in `directory`, without a name soon after: with the pattern, or only with room for it; by O_DIRECT
// where `direct` and the file system takes it. `number`: another for each that may be made at the same time. Blocks. Errors: as
// disk::open_temp_for_write, and kIo.
enum class BenchContent : bool { kNone, kPattern };
[[nodiscard]] base::Result<disk::OpenFile> make_bench_file(const std::filesystem::path& directory, std::uint32_t number,
                                                           bool direct, BenchContent content);

}  // namespace weft::run
