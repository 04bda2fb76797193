#include "engine/run/bench_files.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <string>
#include <utility>

#include "engine/share/memory_file.hh"

namespace weft::run {

base::Result<base::UniqueFd> make_bench_file(const std::filesystem::path& directory, std::uint64_t bytes,
                                             BenchContent content) {
  base::UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd) return base::fail_errno(errno, "no file without a name can be made in the directory");
  if (::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes)) != 0) return base::fail(base::Errc::kNoSpace, "the disk is full");
  if (content == BenchContent::kNone) return fd;
  std::vector<std::byte> block(std::size_t{8} * base::kSlotBytes);
  share::fill_pattern(block, 0);
  for (std::uint64_t at = 0; at < bytes;) {
    const auto wrote = ::pwrite(fd.get(), block.data(), std::min<std::uint64_t>(block.size(), bytes - at),
                                static_cast<off_t>(at));
    if (wrote < 0) return base::fail_errno(errno, "the file cannot be written");
    at += static_cast<std::uint64_t>(wrote);
  }
  // Out of the page cache: what is measured is the disk.
  if (::fdatasync(fd.get()) != 0) return base::fail_errno(errno, "the file cannot be written");
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  return fd;
}

base::Result<model::ServedFile> reopen_bench_file(int fd, bool direct) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  model::ServedFile file;
  if (direct) file.fd = base::UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_DIRECT));
  file.direct = static_cast<bool>(file.fd);
  if (!file.fd) file.fd = base::UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  struct stat about {};
  if (!file.fd || ::fstat(file.fd.get(), &about) != 0) return base::fail_errno(errno, "the file cannot be opened again");
  file.size = static_cast<std::uint64_t>(about.st_size);
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
      [directory = settings_.directory, made = static_cast<bool>(file_)]() -> base::Result<base::UniqueFd> {
        if (made) return base::UniqueFd();   // it comes here all the same: answers come later, never inside the call
        return make_bench_file(directory, kBenchFileBytes, BenchContent::kPattern);
      },
      [this](base::Result<base::UniqueFd> made) { on_made(std::move(made)); });
}

void BenchFiles::on_made(base::Result<base::UniqueFd> made) {
  if (made && *made) file_ = std::move(*made);
  for (const model::ServedDone& done : std::exchange(waiting_, {})) {
    if (made) done(reopen_bench_file(file_.get(), settings_.direct));
    else done(tl::unexpected(made.error()));
  }
}

}  // namespace weft::run
