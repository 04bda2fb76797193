// A measurement from its order to its end, over a datapath that the test plays; and what a peer is given to measure with.
#include "engine/run/bench_run.hh"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <map>

#include "engine/run/bench_files.hh"
#include "engine/share/memory_file.hh"
#include "engine/wire/sha256.hh"

namespace weft::run {
namespace {

const base::DeviceId kPeer = [] {
  base::DeviceId id;
  id.fill(std::byte{2});
  return id;
}();

struct TestClock final : base::Clock {
  base::Instant now() noexcept override { return at; }
  base::Instant at{1'000'000'000};
};

// Opens and closes at once; blocks wait for the test.
class PlayedFabric final : public model::Fabric {
 public:
  explicit PlayedFabric(boost::asio::io_context& io) : io_(io) {}
  bool usable(const base::DeviceId&) const override { return up; }
  void open(const base::DeviceId&, const model::RemoteFile& file, int fd, bool direct, model::OpenDone done) override {
    opened.push_back(file);
    fds.push_back(fd);
    directs.push_back(direct);
    ++open_now;
    boost::asio::post(io_, [this, done = std::move(done), number = opened.size()] {
      if (open_answer) return done(static_cast<std::uint32_t>(number));
      --open_now;
      done(tl::unexpected(open_answer.error()));
    });
  }
  void fetch(const model::BlockOrder& order, model::BlockDone done) override {
    orders.push_back(order);
    waiting.push_back(std::move(done));
  }
  std::uint32_t window_blocks(const base::DeviceId&, std::uint32_t) const override { return 8; }
  void close(std::uint32_t, std::function<void()> gone) override {
    --open_now;
    boost::asio::post(io_, std::move(gone));
  }
  void on_link_up(net::Link&) override {}
  void on_link_down(net::Link&) override {}
  void on_private(net::Link&, int, base::Bytes) override {}
  void answer(std::size_t count, const base::Status& status = {}) {
    for (; count > 0 && !waiting.empty(); --count) {
      const model::BlockDone done = std::move(waiting.front());
      waiting.erase(waiting.begin());
      done(status);
    }
  }

  bool up = true;
  base::Status open_answer;
  std::vector<model::RemoteFile> opened;
  std::vector<int> fds;
  std::vector<bool> directs;
  int open_now = 0;
  std::vector<model::BlockOrder> orders;
  std::vector<model::BlockDone> waiting;

 private:
  boost::asio::io_context& io_;
};

class BenchRunTest : public testing::Test {
 protected:
  static std::filesystem::path make_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "weft_bench_XXXXXX").string();
    MUST(::mkdtemp(name.data()) != nullptr);
    return name;
  }
  ~BenchRunTest() override {
    workers.stop();
    std::filesystem::remove_all(directory);
  }
  void turn() {
    io.restart();
    io.poll();
  }
  // Until the state is reached; the workers and the timer have their own time.
  void wait_for(BenchState state) {
    for (int i = 0; i < 5000 && run.shown().state != state; ++i) {
      turn();
      ::usleep(1000);
    }
    ASSERT_STREQ(name_of(run.shown().state), name_of(state)) << run.shown().why;
  }
  boost::asio::io_context io;
  model::Workers workers{io, 2};
  const std::filesystem::path directory = make_directory();
  TestClock clock;
  PlayedFabric fabric{io};
  BenchRun run{fabric, clock, workers, directory, true};
};

TEST_F(BenchRunTest, CountsWhatIsDoneBetweenTheWarmUpAndTheEnd) {
  EXPECT_EQ(run.shown().state, BenchState::kNone);
  ASSERT_TRUE(run.start({.device = kPeer, .verify = false, .seconds = 1, .block_bytes = 1u << 18}));
  EXPECT_FALSE(run.start({.device = kPeer})) << "one at a time";
  turn();
  ASSERT_EQ(run.shown().state, BenchState::kWarming);
  EXPECT_EQ(fabric.opened.size(), BenchRun::kFiles);
  EXPECT_EQ(fabric.opened[0].folder, kBenchFolder);
  EXPECT_EQ(fabric.opened[0].name, kBenchMemory);
  EXPECT_EQ(fabric.fds[0], share::kNowhereFd);
  EXPECT_EQ(fabric.orders.size(), 8u) << "the window";
  fabric.answer(5);
  EXPECT_EQ(fabric.orders.size(), 13u);
  EXPECT_EQ(run.shown().bytes, 0u) << "the warm-up does not count";
  wait_for(BenchState::kRunning);
  clock.at += base::milliseconds(7);
  fabric.answer(3);
  EXPECT_EQ(run.shown().bytes, 3u << 18);
  EXPECT_EQ(run.shown().blocks, 3u);
  EXPECT_EQ(run.shown().running, base::milliseconds(7));
  wait_for(BenchState::kEnding);
  const std::size_t ordered = fabric.orders.size();
  fabric.answer(100);
  EXPECT_EQ(fabric.orders.size(), ordered) << "asked for more after the end";
  turn();
  const BenchShown shown = run.shown();
  EXPECT_EQ(shown.state, BenchState::kDone);
  EXPECT_EQ(shown.bytes, 3u << 18);
  ASSERT_TRUE(shown.times);
  EXPECT_EQ(shown.times->longest, base::milliseconds(7));
  EXPECT_EQ(fabric.open_now, 0);
}

TEST_F(BenchRunTest, EveryBlockIsOrderedWithTheHashOfThePattern) {
  ASSERT_TRUE(run.start({.device = kPeer, .verify = true, .seconds = 1}));
  turn();
  EXPECT_EQ(fabric.fds[0], share::kMemoryFd);
  for (const model::BlockOrder& order : fabric.orders) {
    std::vector<std::byte> block(order.size);
    share::fill_pattern(block, order.offset);
    EXPECT_EQ(order.hash, wire::sha256(block));
  }
}

TEST_F(BenchRunTest, GoesToTheDiskAndSyncs) {
  ASSERT_TRUE(run.start({.device = kPeer, .from_disk = true, .to_disk = true, .seconds = 1}));
  wait_for(BenchState::kWarming);
  EXPECT_EQ(fabric.opened[0].name, kBenchDisk);
  for (std::size_t i = 0; i < fabric.fds.size(); ++i) EXPECT_GE(fabric.fds[i], 0);
  run.stop();
  fabric.answer(100);
  wait_for(BenchState::kDone);
  EXPECT_GT(run.shown().synced, base::Duration{-1});
  EXPECT_TRUE(std::filesystem::is_empty(directory)) << "files without names only";
}

TEST_F(BenchRunTest, SaysWhyNot) {
  EXPECT_EQ(run.start({.device = kPeer, .seconds = 0}).error().code, base::Errc::kInvalidArgument);
  EXPECT_EQ(run.start({.device = kPeer, .seconds = kBenchSecondsMax + 1}).error().code, base::Errc::kInvalidArgument);
  EXPECT_EQ(run.start({.device = kPeer, .block_bytes = 100'000}).error().code, base::Errc::kInvalidArgument);
  EXPECT_EQ(run.start({.device = kPeer, .block_bytes = 1u << 25}).error().code, base::Errc::kInvalidArgument);
  fabric.up = false;
  EXPECT_EQ(run.start({.device = kPeer}).error().code, base::Errc::kUnavailable);
  fabric.up = true;
  fabric.open_answer = base::fail(base::Errc::kPermission, "no");
  ASSERT_TRUE(run.start({.device = kPeer}));
  turn();
  turn();
  EXPECT_EQ(run.shown().state, BenchState::kFailed);
  EXPECT_NE(run.shown().why.find("[lab]"), std::string::npos);
  EXPECT_EQ(fabric.open_now, 0);
}

TEST_F(BenchRunTest, ABlockThatFailsEndsIt) {
  ASSERT_TRUE(run.start({.device = kPeer}));
  turn();
  fabric.answer(1, base::fail(base::Errc::kUnavailable, "no path is left"));
  EXPECT_EQ(run.shown().state, BenchState::kEnding);
  fabric.answer(100);
  turn();
  EXPECT_EQ(run.shown().state, BenchState::kFailed);
  EXPECT_NE(run.shown().why.find("no path is left"), std::string::npos);
  EXPECT_EQ(fabric.open_now, 0);
  fabric.waiting.clear();
  EXPECT_TRUE(run.start({.device = kPeer})) << "the next one may begin";
}

// ---- what a peer is given

struct NoFiles final : model::FileServer {
  void open_for_peer(const base::DeviceId&, const model::RemoteFile& file, model::ServedDone) override {
    asked.push_back(file.folder);
  }
  std::vector<std::string> asked;
};

class BenchFilesTest : public BenchRunTest {
 protected:
  base::Result<model::ServedFile> open(BenchFiles& files, const char* name) {
    std::optional<base::Result<model::ServedFile>> answer;
    files.open_for_peer(kPeer, {.folder = kBenchFolder, .name = name, .version = {}},
                        [&](base::Result<model::ServedFile> result) { answer = std::move(result); });
    EXPECT_FALSE(answer) << "answered inside the call";
    for (int i = 0; i < 20'000 && !answer; ++i) {
      turn();
      ::usleep(1000);
    }
    MUST(answer);
    return std::move(*answer);
  }
  NoFiles model_files;
};

TEST_F(BenchFilesTest, OnlyWhereItIsAllowedAndOnlyItsOwnFolder) {
  BenchFiles refused(model_files, workers, {.allowed = false, .direct = true, .directory = directory});
  EXPECT_EQ(open(refused, kBenchMemory).error().code, base::Errc::kPermission);
  EXPECT_EQ(open(refused, kBenchDisk).error().code, base::Errc::kPermission);
  BenchFiles allowed(model_files, workers, {.allowed = true, .direct = true, .directory = directory});
  EXPECT_EQ(open(allowed, "passwords").error().code, base::Errc::kNotFound);
  const auto memory = open(allowed, kBenchMemory);
  ASSERT_TRUE(memory);
  EXPECT_TRUE(memory->memory);
  EXPECT_FALSE(memory->fd);
  EXPECT_TRUE(model_files.asked.empty());
  allowed.open_for_peer(kPeer, {.folder = "photos", .name = "a", .version = {}}, [](auto) {});
  EXPECT_EQ(model_files.asked, std::vector<std::string>{"photos"});
}

TEST_F(BenchFilesTest, TheDisksFileIsThePatternAndIsMadeOnce) {
  BenchFiles files(model_files, workers, {.allowed = true, .direct = false, .directory = directory});
  const auto one = open(files, kBenchDisk), two = open(files, kBenchDisk);
  ASSERT_TRUE(one) << one.error().text;
  ASSERT_TRUE(two);
  EXPECT_EQ(one->size, kBenchFileBytes);
  std::vector<std::byte> read(100'000), pattern(100'000);
  const std::uint64_t at = kBenchFileBytes - read.size();
  ASSERT_EQ(::pread(two->fd.get(), read.data(), read.size(), static_cast<off_t>(at)), static_cast<ssize_t>(read.size()));
  share::fill_pattern(pattern, at);
  EXPECT_EQ(read, pattern);
}

}  // namespace
}  // namespace weft::run
