#include "engine/run/bench_files.hh"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <string>
#include <utility>

#include "engine/disk/slot_buffers.hh"
#include "engine/share/memory_file.hh"

namespace weft::run {

namespace {

constexpr std::uint32_t kOfOurSource = 0;   // number of the file that peers are given

base::Status write_pattern(int fd, std::uint64_t bytes) {
  const disk::SlotBuffers memory = TRY(disk::SlotBuffers::allocate(8));   // aligned as O_DIRECT wants it
  const base::MutableBytes block = memory.all();
  MUST(bytes % block.size() == 0);
  share::fill_pattern(block, 0);
  for (std::uint64_t at = 0; at < bytes; at += block.size())
    if (::pwrite(fd, block.data(), block.size(), static_cast<off_t>(at)) != static_cast<ssize_t>(block.size()))
      return base::fail_errno(errno, "the file cannot be written");
  // Out of the page cache: what is measured is the disk.
  if (::fdatasync(fd) != 0) return base::fail_errno(errno, "the file cannot be written");
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  return {};
}

}  // namespace

base::Result<disk::OpenFile> make_bench_file(const std::filesystem::path& directory, std::uint32_t number, bool direct,
                                             BenchContent content) {
  const base::UniqueFd at(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!at) return base::fail_errno(errno, "the directory for the file cannot be opened");
  const std::string name = ".weft-bench-" + std::to_string(number);
  // kReuse: what a weft that was killed in between has left.
  disk::OpenFile file = TRY(disk::open_temp_for_write(
      at.get(), name, kBenchFileBytes, disk::TempFile::kReuse,
      {.direct_bytes_min = direct ? disk::kDirectBytesMin : disk::kNeverDirect}));
  ::unlinkat(at.get(), name.c_str(), 0);
  if (content == BenchContent::kPattern) TRY(write_pattern(file.fd.get(), kBenchFileBytes));
  return file;
}

BenchFiles::BenchFiles(model::FileServer& next, model::Workers& workers, Settings settings)
    : next_(next), workers_(workers), settings_(std::move(settings)) {}

void BenchFiles::open_for_peer(const base::DeviceId& device, const model::RemoteFile& file, model::ServedDone done) {
  if (file.folder != kBenchFolder) return next_.open_for_peer(device, file, std::move(done));
  const auto answer = [&](base::Result<model::ServedFile> result) {
    boost::asio::post(workers_.control(), [done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    });
  };
  if (!settings_.allowed) return answer(base::fail(base::Errc::kPermission, "[lab] bench is not set here"));
  if (file.name == kBenchDisk) return open_disk(std::move(done));
  if (file.name != kBenchMemory) return answer(base::fail(base::Errc::kNotFound, "no such source"));
  // `direct`: offsets are to be aligned, as the pattern's are.
  answer(model::ServedFile{.fd = {}, .direct = true, .memory = true, .size = kBenchMemoryBytes});
}

void BenchFiles::open_disk(model::ServedDone done) {
  waiting_.push_back(std::move(done));
  if (waiting_.size() > 1) return;
  workers_.run(
      [directory = settings_.directory, direct = settings_.direct, made = file_.has_value()]() -> Made {
        if (made) return Made();   // it comes here all the same: answers come later, never inside the call
        return make_bench_file(directory, kOfOurSource, direct, BenchContent::kPattern).map([](disk::OpenFile file) {
          return std::optional(std::move(file));
        });
      },
      [this](Made made) { on_made(std::move(made)); });
}

void BenchFiles::on_made(Made made) {
  if (made && *made) file_ = std::move(**made);
  for (const model::ServedDone& done : std::exchange(waiting_, {})) {
    if (!made) {
      done(tl::unexpected(made.error()));
      continue;
    }
    base::UniqueFd own(::fcntl(file_->fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!own) done(base::fail_errno(errno, "the file cannot be opened again"));
    else done(model::ServedFile{.fd = std::move(own), .direct = file_->direct, .memory = false, .size = kBenchFileBytes});
  }
}

}  // namespace weft::run
