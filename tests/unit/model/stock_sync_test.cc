// One folder with a stock Syncthing on loopback, both directions, no discovery, no relay, nothing but the two of us.
// Skipped with a reason where no syncthing is installed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <regex>

#include "bep/proto/device_id.hh"
#include "tests/unit/model/node.hh"

namespace weft::model::test {
namespace {

namespace fs = std::filesystem;

pid_t spawn(std::vector<std::string> arguments, const fs::path& output) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  // A process group of its own: stock runs as a monitor and a child, and both must end.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  if (::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environ) != 0) pid = -1;
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

class StockSyncTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const pid_t pid = spawn({"syncthing", "generate", "--home", home().string(), "--no-default-folder"}, log());
    int status = -1;
    if (pid < 0 || ::waitpid(pid, &status, 0) != pid || status != 0)
      GTEST_SKIP() << "syncthing is not installed";
    std::string why;
    stock_ = net::Identity::load(home(), why)->id();
    node_.emplace(io_, "weft");
    node_->share_with(stock_);
    fs::create_directories(stock_root());
  }
  void TearDown() override {
    stop_stock();
    if (HasFailure()) std::cerr << read_file(log());
  }
  void start() {
    node_->start();
    node_->listen();
    write_config();
    start_stock();
  }
  void start_stock() {
    pid_ = spawn({"syncthing", "serve", "--home", home().string(), "--no-browser", "--no-restart", "--no-upgrade"},
                 log());
    ASSERT_GT(pid_, 0);
  }
  void stop_stock() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
  }
  void write_config() {
    std::string xml = read_file(home() / "config.xml");
    const auto set = [&](const std::string& element, const std::string& value) {
      xml = std::regex_replace(xml, std::regex("<" + element + ">[^<]*</" + element + ">"),
                               "<" + element + ">" + value + "</" + element + ">");
    };
    for (const char* off : {"globalAnnounceEnabled", "localAnnounceEnabled", "relaysEnabled", "natEnabled",
                            "startBrowser", "crashReportingEnabled", "setLowPriority"})
      set(off, "false");
    set("urAccepted", "-1");
    set("autoUpgradeIntervalH", "0");
    set("reconnectionIntervalS", "5");
    set("listenAddress", "tcp://127.0.0.1:0");
    xml = std::regex_replace(xml, std::regex("<gui enabled=\"true\""), "<gui enabled=\"false\"");
    const std::string id = proto::to_text(node_->id());
    const std::string added =
        "    <folder id=\"f\" label=\"f\" path=\"" + stock_root().string() +
        "\" type=\"sendreceive\" rescanIntervalS=\"2\" fsWatcherEnabled=\"false\" fsWatcherDelayS=\"10\""
        " ignorePerms=\"false\" autoNormalize=\"true\"><device id=\"" + id +
        "\"/><maxConflicts>10</maxConflicts></folder>\n    <device id=\"" + id +
        "\" name=\"weft\" compression=\"metadata\"><address>" + node_->links->listeners().at(0).actual +
        "</address></device>\n";
    xml.insert(xml.find("    <gui "), added);
    std::ofstream(home() / "config.xml") << xml;
  }
  void expect_same() {
    EXPECT_TRUE(run_until(io_, [this] {
      return node_->in_sync() && snapshot(node_->root()) == snapshot(stock_root()) &&
             percent(*node_->model->completion("f", stock_)) == 100.0;
    }));
    EXPECT_EQ(snapshot(node_->root()), snapshot(stock_root()));
  }
  [[nodiscard]] fs::path home() const { return dir_.path() / "home"; }
  [[nodiscard]] fs::path stock_root() const { return dir_.path() / "folder"; }
  [[nodiscard]] fs::path log() const { return dir_.path() / "log"; }

  TempDir dir_;
  boost::asio::io_context io_;
  base::DeviceId stock_{};
  std::optional<Node> node_;
  pid_t pid_ = -1;
};

TEST_F(StockSyncTest, BothDirectionsChangesAndARestart) {
  write_file(stock_root() / "stock/big", random_bytes(5'000'000, 1));
  write_file(node_->root() / "weft/big", random_bytes(7'000'001, 2));
  for (int i = 0; i < 150; ++i) {
    write_file(stock_root() / "stock/small" / std::to_string(i), random_bytes(static_cast<std::size_t>(i) * 11, 3));
    write_file(node_->root() / "weft/small" / std::to_string(i), random_bytes(static_cast<std::size_t>(i) * 13, 4));
  }
  write_file(stock_root() / "empty-of-stock", "");
  write_file(node_->root() / "empty-of-weft", "");
  fs::create_symlink("stock/big", stock_root() / "link-of-stock");
  fs::create_symlink("../weft/big", node_->root() / "weft/link");
  fs::create_directories(node_->root() / "bare/directory");
  start();
  expect_same();

  write_file(stock_root() / "stock/small/7", "changed by stock");
  fs::remove(stock_root() / "stock/small/8");
  fs::rename(stock_root() / "weft/big", stock_root() / "weft/renamed-by-stock");
  fs::remove_all(stock_root() / "bare");
  expect_same();
  write_file(node_->root() / "weft/small/7", "changed by weft");
  fs::remove(node_->root() / "weft/small/8");
  fs::rename(node_->root() / "stock/big", node_->root() / "stock/renamed-by-weft");
  fs::remove(node_->root() / "link-of-stock");
  ASSERT_TRUE(node_->model->scan("f").has_value());
  EXPECT_TRUE(run_until(io_, [this] { return !fs::exists(stock_root() / "link-of-stock"); }));
  expect_same();

  stop_stock();
  ASSERT_TRUE(run_until(io_, [this] { return node_->model->peer(stock_) == nullptr; }));
  write_file(stock_root() / "while-away", "x");
  write_file(node_->root() / "meanwhile", "y");
  ASSERT_TRUE(node_->model->scan("f").has_value());
  start_stock();
  expect_same();
  EXPECT_EQ(read_file(node_->root() / "while-away"), "x");
  ASSERT_NE(node_->model->peer(stock_), nullptr);
  EXPECT_LT(node_->model->peer(stock_)->counters().index_entries_in, 20u);    // news, not the whole index
  EXPECT_LT(node_->model->peer(stock_)->counters().index_entries_out, 20u);
}

}  // namespace
}  // namespace weft::model::test
