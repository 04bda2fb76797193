// Links with a stock Syncthing on loopback, no discovery, no relay, nothing but the two of us.
// Skipped with a reason where no syncthing is installed.
#include <gtest/gtest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fstream>
#include <iostream>

#include "bep/net/link_manager.hh"
#include "bep/proto/device_id.hh"
#include "tests/unit/net/support.hh"

namespace weft::net::test {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::ip::tcp;

std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

pid_t spawn(std::vector<std::string> arguments, const fs::path& output) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
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

std::string output_of(const std::vector<std::string>& arguments, const fs::path& scratch) {
  const pid_t pid = spawn(arguments, scratch);
  int status = -1;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid || status != 0) return {};
  return slurp(scratch);
}

std::uint16_t free_port(asio::io_context& io) {
  tcp::acceptor probe(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  return probe.local_endpoint().port();
}

class StockTest : public testing::Test {
 protected:
  void SetUp() override {
    if (output_of({"syncthing", "--version"}, scratch()).empty()) GTEST_SKIP() << "syncthing is not installed";
    generated_ = output_of({"syncthing", "generate", "--home", home().string(), "--no-default-folder"}, scratch());
    ASSERT_TRUE(fs::exists(home() / "cert.pem")) << generated_;
    std::string why;
    auto identity = Identity::load(home(), why);
    ASSERT_TRUE(identity) << why;
    stock_.emplace(std::move(*identity));
  }
  void TearDown() override {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);  // its own polite end takes ten seconds, and its home goes anyway
    int status = 0;
    ::waitpid(pid_, &status, 0);
    if (HasFailure()) std::cerr << slurp(dir_.path() / "serve.log");
  }
  [[nodiscard]] fs::path home() const { return dir_.path() / "home"; }
  [[nodiscard]] fs::path scratch() const { return dir_.path() / "out"; }

  // Starts stock with us as its one device, at `our_address`.
  void start_stock(const Identity& us, const std::string& our_address) {
    stock_port_ = free_port(io);
    std::string xml = slurp(home() / "config.xml");
    const auto set = [&](const std::string& element, const std::string& value) {
      const std::string open = "<" + element + ">";
      const std::size_t from = xml.find(open);
      ASSERT_NE(from, std::string::npos) << element;
      const std::size_t begin = from + open.size();
      xml.replace(begin, xml.find("</", begin) - begin, value);
    };
    for (const char* off : {"globalAnnounceEnabled", "localAnnounceEnabled", "relaysEnabled", "natEnabled",
                            "startBrowser", "crashReportingEnabled", "setLowPriority"})
      set(off, "false");
    set("urAccepted", "-1");
    set("autoUpgradeIntervalH", "0");
    set("listenAddress", "tcp://127.0.0.1:" + std::to_string(stock_port_));
    const std::string gui_on = "<gui enabled=\"true\"";
    xml.replace(xml.find(gui_on), gui_on.size(), "<gui enabled=\"false\"");
    xml.insert(xml.find("    <gui "), "    <device id=\"" + proto::to_text(us.id()) +
                                          "\" name=\"weft\" compression=\"metadata\"><address>" + our_address +
                                          "</address></device>\n");
    std::ofstream(home() / "config.xml") << xml;
    pid_ = spawn({"syncthing", "serve", "--home", home().string(), "--no-browser", "--no-restart", "--no-upgrade"},
                 dir_.path() / "serve.log");
    ASSERT_GT(pid_, 0);
  }
  // Answers its ClusterConfig as a peer without folders.
  static void answer(Link& link) { link.connection().send_cluster_config({}, base::Instant{1}); }
  static bool has_cluster_config(const Recorder& seen) {
    return !seen.messages.empty() && std::holds_alternative<proto::ClusterConfigReceived>(seen.messages.front());
  }

  asio::io_context io;
  std::optional<Identity> stock_;
  std::string generated_;
  std::uint16_t stock_port_ = 0;

 private:
  TempDir dir_;
  pid_t pid_ = -1;
};

TEST_F(StockTest, ItsHomeLoadsAndGivesTheIdItPrints) {
  const std::string id = proto::to_text(stock_->id());
  EXPECT_NE(generated_.find(id), std::string::npos) << generated_;
  EXPECT_NE(output_of({"syncthing", "--device-id", "--home", home().string()}, scratch()).find(id), std::string::npos);
}

TEST_F(StockTest, ItReadsAHomeOfOurs) {
  const fs::path ours = home().parent_path() / "ours";
  std::string why;
  const auto identity = Identity::generate(ours, why);
  ASSERT_TRUE(identity) << why;
  EXPECT_NE(output_of({"syncthing", "--device-id", "--home", ours.string()}, scratch())
                .find(proto::to_text(identity->id())),
            std::string::npos);
}

TEST_F(StockTest, ItDialsUsAndWeDialIt) {
  const Identity us = new_identity();
  std::string stock_address;
  {
    LinkManagerConfig config = quick_config(us);
    config.devices = {device(*stock_)};
    Node node(io, std::move(config));
    node.seen.when_ready = answer;
    ASSERT_NO_FATAL_FAILURE(start_stock(us, node.address()));
    ASSERT_TRUE(run_until(io, [&] { return has_cluster_config(node.seen); }));
    Link* link = node.manager->link_of(stock_->id());
    ASSERT_NE(link, nullptr);
    EXPECT_STREQ(link->type(), "tcp-server");
    EXPECT_EQ(link->hello().client_name, "syncthing");
    EXPECT_FALSE(link->peer_is_weft());
    bool stopped = false;
    node.manager->stop([&] { stopped = true; });
    ASSERT_TRUE(run_until(io, [&] { return stopped; }));
    EXPECT_EQ(node.seen.closed.at(0).reason, CloseReason::kLocal);
  }
  LinkManagerConfig config = quick_config(us);
  config.listen = {};
  config.devices = {device(*stock_, {"tcp://127.0.0.1:" + std::to_string(stock_port_)})};
  Node node(io, std::move(config));
  node.seen.when_ready = answer;
  ASSERT_TRUE(run_until(io, [&] { return has_cluster_config(node.seen); }));
  Link* link = node.manager->link_of(stock_->id());
  ASSERT_NE(link, nullptr);
  EXPECT_STREQ(link->type(), "tcp-client");
  EXPECT_TRUE(link->crypto().starts_with("TLS1.3-TLS_AES_"));
}

TEST_F(StockTest, AStrangerIsTurnedAway) {
  const Identity us = new_identity();
  const Identity stranger = new_identity();
  ASSERT_NO_FATAL_FAILURE(start_stock(us, "dynamic"));
  LinkManagerConfig config = quick_config(stranger);
  config.devices = {device(*stock_, {"tcp://127.0.0.1:" + std::to_string(stock_port_)})};
  Node node(io, std::move(config));
  node.seen.when_ready = answer;
  ASSERT_TRUE(run_until(io, [&] { return !node.seen.closed.empty(); }));
  EXPECT_EQ(node.seen.closed[0].reason, CloseReason::kPeerGone);
  EXPECT_TRUE(node.seen.messages.empty()) << "not a single message for a stranger";
}

}  // namespace
}  // namespace weft::net::test
