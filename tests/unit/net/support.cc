#include "tests/unit/net/support.hh"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <stdexcept>

namespace weft::net::test {

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "weft-net-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}
TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Identity new_identity() {
  const TempDir home;
  std::string why;
  auto identity = Identity::generate(home.path(), why);
  if (!identity) throw std::runtime_error(why);
  return std::move(*identity);
}

std::pair<Identity, Identity> ordered_identities() {
  Identity one = new_identity();
  Identity other = new_identity();
  if (one.id() < other.id()) return {std::move(one), std::move(other)};
  return {std::move(other), std::move(one)};
}

bool run_until(boost::asio::io_context& io, const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    io.restart();
    io.run_one_for(std::chrono::milliseconds(5));
  }
  return true;
}

void run_for(boost::asio::io_context& io, std::chrono::milliseconds time) {
  (void)run_until(io, [] { return false; }, time);
}

void Recorder::on_link_ready(Link& link, const proto::Hello& hello) {
  story.push_back("ready " + std::to_string(link.number()));
  hellos.push_back(hello);
  if (when_ready) when_ready(link);
}
void Recorder::on_message(Link&, proto::Event& event) { messages.push_back(std::move(event)); }
void Recorder::on_link_closed(Link& link, CloseReason reason, std::string_view text) {
  story.push_back("closed " + std::to_string(link.number()) + " " + name_of(reason));
  closed.push_back({link.number(), reason, std::string(text)});
}
void Recorder::on_output_drained(Link&) { ++drained; }

LinkManagerConfig quick_config(const Identity& identity) {
  LinkManagerConfig config;
  config.identity = &identity;
  config.listen = {"tcp://127.0.0.1:0"};
  config.hello.device_name = "test";
  config.hello.client_version = "v0.1.0";
  config.hello.weft_version = proto::kWeftVersion;
  config.redial = {base::seconds(0), base::milliseconds(20), base::milliseconds(80)};
  config.times.closing = base::milliseconds(200);
  config.seed = 7;
  return config;
}

Node::Node(boost::asio::io_context& io, LinkManagerConfig config) {
  std::string why;
  auto made = LinkManager::make(io, std::move(config), seen, why);
  if (!made) throw std::runtime_error(why);
  manager = std::move(*made);
  manager->start();
}

LinkDevice device(const Identity& identity, std::vector<std::string> addresses) {
  LinkDevice result;
  result.id = identity.id();
  result.name = "peer";
  result.addresses = std::move(addresses);
  return result;
}

}  // namespace weft::net::test
