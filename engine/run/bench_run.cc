#include "engine/run/bench_run.hh"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <utility>

#include "engine/run/bench_files.hh"
#include "engine/share/memory_file.hh"
#include "engine/wire/sha256.hh"

namespace weft::run {

namespace {

constexpr std::array kStateNames = {"none", "opening", "warming", "running", "ending", "done", "failed"};

base::Sha256 hash_of_pattern(std::uint32_t bytes) {
  std::vector<std::byte> block(bytes);
  share::fill_pattern(block, 0);
  return wire::sha256(block);
}

std::optional<BenchShown::Times> times_of(std::vector<std::uint32_t> us) {
  if (us.empty()) return std::nullopt;
  std::ranges::sort(us);
  const auto at = [&](std::size_t permille) {
    return base::microseconds(us[std::min(us.size() - 1, us.size() * permille / 1000)]);
  };
  return BenchShown::Times{.p50 = at(500), .p90 = at(900), .p99 = at(990), .p999 = at(999), .longest = at(1000)};
}

}  // namespace

const char* name_of(BenchState state) noexcept { return kStateNames[static_cast<std::size_t>(state)]; }

BenchRun::BenchRun(model::Fabric& fabric, base::Clock& clock, model::Workers& workers, std::filesystem::path directory,
                   bool direct)
    : fabric_(fabric), clock_(clock), workers_(workers), directory_(std::move(directory)), direct_(direct),
      timer_(workers.control()) {}

bool BenchRun::is_under_way(BenchState state) noexcept {
  return state != BenchState::kNone && state != BenchState::kDone && state != BenchState::kFailed;
}

base::Status BenchRun::start(const BenchWish& wish) {
  if (is_under_way(state_)) return base::fail(base::Errc::kUnavailable, "a measurement is under way already");
  if (wish.seconds < 1 || wish.seconds > kBenchSecondsMax)
    return base::fail(base::Errc::kInvalidArgument, "seconds: 1 to 3600 are wanted");
  const std::uint32_t block = wish.block_bytes;
  if (!std::has_single_bit(block) || block < base::kBlockBytesMin || block > base::kBlockBytesMax)
    return base::fail(base::Errc::kInvalidArgument, "block: a power of two from 128 KiB to 16 MiB is wanted");
  if (!fabric_.usable(wish.device))
    return base::fail(base::Errc::kUnavailable, "there is no usable path to the device: `weft paths` shows which there are");
  wish_ = wish;
  hash_ = hash_of_pattern(wish.block_bytes);
  size_ = wish.from_disk || wish.to_disk ? kBenchFileBytes : kBenchMemoryBytes;
  why_.clear();
  times_.reset();
  times_us_.clear();
  times_us_.reserve(std::size_t{1} << 16);
  bytes_ = 0;
  began_ = ended_ = {};
  synced_ = {};
  files_.clear();
  files_.resize(kFiles);
  outstanding_ = 0;
  pending_ = kFiles;
  go_to(BenchState::kOpening);
  if (wish.to_disk) make_files();
  else for (std::uint32_t i = 0; i < kFiles; ++i) open(i);
  return {};
}

void BenchRun::make_files() {
  for (std::uint32_t i = 0; i < kFiles; ++i)
    workers_.run(
        [directory = directory_, direct = direct_, i] { return make_bench_file(directory, 1 + i, direct, BenchContent::kNone); },
        [this, i](base::Result<disk::OpenFile> made) {
          if (!made) return on_opened(i, tl::unexpected(made.error()));
          files_[i].fd = std::move(made->fd);
          files_[i].direct = made->direct;
          open(i);
        });
}

void BenchRun::open(std::uint32_t file) {
  const model::RemoteFile remote{.folder = kBenchFolder, .name = wish_.from_disk ? kBenchDisk : kBenchMemory, .version = {},
                                 .size = static_cast<std::int64_t>(size_),
                                 .block_size = static_cast<std::int32_t>(wish_.block_bytes)};
  const int fd = files_[file].fd ? files_[file].fd.get() : wish_.verify ? share::kMemoryFd : share::kNowhereFd;
  fabric_.open(wish_.device, remote, fd, files_[file].direct,
               [this, file](base::Result<std::uint32_t> transfer) { on_opened(file, std::move(transfer)); });
}

void BenchRun::on_opened(std::uint32_t file, base::Result<std::uint32_t> transfer) {
  --pending_;
  if (transfer) {
    files_[file].transfer = *transfer;
    files_[file].open = true;
  } else if (why_.empty()) {
    why_ = transfer.error().code == base::Errc::kPermission
               ? "the other end gives no data to measure with: write bench = true under [lab] in its weft.toml and restart it"
               : std::string("not opened: ") + transfer.error().text;
  }
  if (pending_ > 0) return;
  if (!why_.empty() || state_ == BenchState::kEnding) return close_files();
  go_to(BenchState::kWarming);
  arm(kWarmUp);
  fill();
}

// As many blocks as the sessions take, from the files in turn.
void BenchRun::fill() {
  const std::uint32_t window = std::max(kFiles, fabric_.window_blocks(wish_.device, wish_.block_bytes));
  while (outstanding_ < window) {
    const auto least = std::ranges::min_element(files_, {}, &File::asked);
    order(static_cast<std::uint32_t>(least - files_.begin()));
  }
}

void BenchRun::order(std::uint32_t file) {
  File& f = files_[file];
  const std::uint64_t offset = std::exchange(f.next, (f.next + wish_.block_bytes) % size_);
  ++f.asked;
  ++outstanding_;
  fabric_.fetch({.transfer = f.transfer, .offset = offset, .size = wish_.block_bytes, .hash = hash_},
                [this, file, ordered = clock_.now()](base::Status status) { on_block(file, ordered, status); });
}

void BenchRun::on_block(std::uint32_t file, base::Instant ordered, const base::Status& status) {
  --outstanding_;
  --files_[file].asked;
  if (!status && state_ != BenchState::kEnding) return end(std::string("a block failed: ") + status.error().text);
  if (state_ == BenchState::kRunning) {
    bytes_ += wish_.block_bytes;
    if (times_us_.size() < kTimesMax) times_us_.push_back(static_cast<std::uint32_t>((clock_.now() - ordered).us()));
  }
  if (state_ == BenchState::kWarming || state_ == BenchState::kRunning) return fill();
  if (outstanding_ == 0) close_files();
}

void BenchRun::arm(base::Duration after) {
  timer_.expires_after(std::chrono::nanoseconds(after.ns));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) on_timer();
  });
}

void BenchRun::on_timer() {
  if (state_ == BenchState::kRunning) return end("");
  if (state_ != BenchState::kWarming) return;
  go_to(BenchState::kRunning);
  arm(base::seconds(wish_.seconds));
}

void BenchRun::go_to(BenchState state) {
  const base::Instant now = clock_.now();
  if (state == BenchState::kRunning) began_ = now;
  if (state_ == BenchState::kRunning) ended_ = now;
  state_ = state;
}

void BenchRun::stop() {
  if (is_under_way(state_)) end("");
}

void BenchRun::end(std::string why) {
  if (state_ == BenchState::kEnding) return;
  timer_.cancel();
  why_ = std::move(why);
  go_to(BenchState::kEnding);
  // What is under way ends by itself, opens too.
  if (pending_ == 0 && outstanding_ == 0) close_files();
}

void BenchRun::close_files() {
  go_to(BenchState::kEnding);
  pending_ = 1;
  for (File& file : files_) {
    if (!std::exchange(file.open, false)) continue;
    ++pending_;
    fabric_.close(file.transfer, [this] { on_closed(); });
  }
  on_closed();
}

void BenchRun::on_closed() {
  if (--pending_ > 0) return;
  if (!wish_.to_disk) return finish();
  workers_.run(
      [this, begun = clock_.now()]() -> base::Result<base::Duration> {
        for (const File& file : files_)
          if (file.fd && ::fdatasync(file.fd.get()) != 0) return base::fail_errno(errno, "the disk refused what was written");
        return clock_.now() - begun;
      },
      [this](base::Result<base::Duration> synced) {
        if (synced) synced_ = *synced;
        else if (why_.empty()) why_ = synced.error().text;
        finish();
      });
}

void BenchRun::finish() {
  files_.clear();
  times_ = times_of(std::exchange(times_us_, {}));
  go_to(why_.empty() ? BenchState::kDone : BenchState::kFailed);
}

BenchShown BenchRun::shown() const {
  BenchShown shown{.state = state_, .wish = wish_, .why = why_, .bytes = bytes_, .blocks = bytes_ / wish_.block_bytes,
                   .synced = synced_, .times = times_};
  if (began_ != base::Instant{} && state_ >= BenchState::kRunning)
    shown.running = (state_ == BenchState::kRunning ? clock_.now() : ended_) - began_;
  return shown;
}

}  // namespace weft::run
